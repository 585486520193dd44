"""Parses which requests the route takes, how many, and when it sends one again."""

from collections.abc import Sequence

from ..args import Endpoints, RateLimitPeriod
from ..arguments import Arguments
from ..settings import CHAT_COMPLETIONS, Provider, RateLimit, Retries
from . import validators
from .providers import provider_groups

DEFAULT_STATUS_CODES = (429, 500, 502, 503, 504)
DEFAULT_BACKOFF_MILLISECONDS = 50


def parse_endpoints(arguments: Arguments, default: Endpoints, providers: Sequence[Provider]) -> Endpoints:
    """Parses which endpoints clients reach.

    Embeddings of another model are of no use, so that with fallbacks there are none unless asked for. A path that isn't
    resolved counts as not given. At a shared path, all clients have the same endpoints.
    """
    if arguments.given("shared_route_path"):
        default = Endpoints.ALL
    elif arguments.read("path") is not None or len(providers) > 1:
        default = Endpoints.CHAT
    endpoints = Endpoints(arguments.read("endpoints", default=default))
    if endpoints == Endpoints.ALL:
        for group, provider in zip(provider_groups(arguments), providers, strict=True):
            owner = "" if group is arguments else "the component's "
            instead = "" if arguments.given("shared_route_path") else f", or {owner}`endpoints: chat`"
            if not provider.path.endswith(CHAT_COMPLETIONS):
                reason = (
                    f"\"{provider.path}\" doesn't end in {CHAT_COMPLETIONS}, so the other endpoints' paths are "
                    f"unknown; give one that does{instead}"
                )
                group.report(reason, "path")
    return endpoints


def parse_retries(arguments: Arguments, fallbacks: int) -> Retries | None:
    """Parses when a request is sent again; by default only if there are fallbacks, and then to each."""
    retries = arguments.within("retries")
    attempts = retries.read("attempts", check=validators.retry_attempts, default=max(fallbacks, 1))
    retries.read("status_codes", check=validators.status_codes)
    codes = tuple(code for _, code in retries.read_each("status_codes", check=validators.status_code))
    backoff = retries.read(
        "backoff_milliseconds", check=validators.backoff_milliseconds, default=DEFAULT_BACKOFF_MILLISECONDS
    )
    if not fallbacks and not arguments.given("retries"):
        return None
    return Retries(attempts, codes or DEFAULT_STATUS_CODES, backoff)


def parse_rate_limits(arguments: Arguments) -> tuple[RateLimit, ...]:
    """Parses how much the route takes."""
    groups = arguments.groups("rate_limits")
    if len(groups) > 1:
        arguments.report(
            f"{len(groups)} entries; these gateways count the first limit of a route alone, so give one", "rate_limits"
        )
    limits = tuple(map(parse_rate_limit, groups))
    for group, limit in zip(groups, limits, strict=True):
        if limit.per == RateLimitPeriod.DAY:
            reason = (
                '"day" is for limits of `clients` with `rate_limit_service`; these gateways count a `second`, a '
                "`minute` or an `hour`"
            )
            group.report(reason, "per")
    return limits


def parse_rate_limit(limit: Arguments) -> RateLimit:
    """Parses a limit of the route or of a client."""
    if limit.given("requests") and limit.given("tokens"):
        limit.report("has `requests` and `tokens`; give one of them")
    elif not (limit.given("requests") or limit.given("tokens")):
        limit.report("has no limit; give `requests` or `tokens`")
    return RateLimit(
        requests=limit.read("requests", check=validators.rate_limit),
        tokens=limit.read("tokens", check=validators.rate_limit),
        per=RateLimitPeriod(limit.read("per", default=RateLimitPeriod.SECOND)),
        burst=limit.read("burst", check=validators.burst, default=0),
    )
