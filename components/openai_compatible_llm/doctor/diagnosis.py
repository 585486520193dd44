"""Finds the broken hop: the first, in the order of a request, that response and cluster objects leave possible.

A response shows how far the request came: the hops before that work, whatever an object's status says. About the hops
after it, the objects know more than the response, such as a Secret without a key behind the provider's 401. A backend
that isn't accepted because its Secret is broken counts as the Secret's fault.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from urllib.parse import urlsplit

from ..backends import BACKENDS, BackendDefinition
from ..backends.gateway_errors import GatewayError, is_connection_failure
from ..config_command import config_command
from ..inputs import Key
from ..presets import EndpointKind
from . import inspection
from .error_responses import classify, error_message, is_api_error, is_taken_for_chat
from .hops import Finding, Hop
from .outcome import ConnectionProblem, Failure, HTTPError, InvalidResponse, TimedOut, Truncated, Unreachable
from .redaction import sanitize
from .request_path import ClusterUnavailable, RequestPath, conditions, unmet_conditions
from .targets import GATEWAY_URL, Target

DESCRIBE = "check the backend's status (`kubectl describe`), and that its Secret has a key"
COMPARE_PATH = "compare `host` and `path` with the provider's documentation"
CHECK_PROVIDER = "find out from the provider why it is slow"

_CONNECTION_PROBLEMS = {
    ConnectionProblem.REFUSED: ("nothing listens there", "give the gateway's URL as it is reached from here"),
    ConnectionProblem.DNS: ("its name doesn't resolve here", "use a name that DNS knows, or an address"),
    ConnectionProblem.CONNECT_TIMEOUT: ("connecting timed out", "check firewalls and the network in between"),
    ConnectionProblem.TLS: (
        "TLS to the gateway fails",
        "use the name that its certificate is valid for, let this machine trust its authority, or use http",
    ),
    ConnectionProblem.CLOSED: (
        "it closes the connection",
        "check that it is a gateway, and whether it expects https",
    ),
    ConnectionProblem.REDIRECTED: ("it redirects the client", "use the URL that it redirects to"),
    ConnectionProblem.OTHER: ("it can't be reached", "give the gateway's URL as it is reached from here"),
}


def diagnose(
    failure: Failure,
    target: Target,
    cluster_view: RequestPath | ClusterUnavailable,
    endpoint: EndpointKind | None = None,
) -> Finding:
    """Returns the broken hop, the evidence, and what to do.

    Args:
        failure: What the request resulted in.
        target: The provider.
        cluster_view: What the cluster has of the request's path.
        endpoint: The endpoint that got the request; None for chat completions.
    """
    request_path = cluster_view if isinstance(cluster_view, RequestPath) else None
    api = request_path.api if request_path else None
    match failure:
        case Unreachable():
            return _unreachable(failure, target, request_path)
        case HTTPError() if endpoint is not None and is_taken_for_chat(failure, api):
            return _chat_only(failure, endpoint, api)
        case HTTPError() if (error := classify(failure, api)) is not None:
            return _gateway_error(failure, error, target, request_path)
        case HTTPError():
            return _provider_error(failure, target, request_path, endpoint)
        case InvalidResponse():
            message = error_message(failure.text)
            evidence = f"HTTP 200 with {failure.content_type or 'no content type'}, and no {failure.expected} in it"
            remedy = f"{COMPARE_PATH}, and check the gateway's URL"
            quoted = f": {sanitize(message)}" if message else ""
            default = Finding(Hop.MODEL_OR_PATH, f"{evidence}{quoted}", remedy)
        case TimedOut():
            progress = "a part of the response arrived, and then nothing" if failure.started else "no response arrived"
            evidence = f"{progress} for {failure.seconds:g} seconds"
            default = Finding(Hop.TIMEOUT, evidence, f"raise the limit (--timeout), or {CHECK_PROVIDER}")
        case Truncated():
            evidence = f"the response ended early: {sanitize(failure.detail)}"
            remedy = "try again; if it happens each time, check the logs and timeouts of gateway and provider"
            default = Finding(Hop.STREAM, evidence, remedy)
    return _first(default, _check_after_route(request_path))


def is_other_cluster(request_path: RequestPath, failure: Failure | None) -> bool:
    """Tells whether the request found a route although the cluster has none, so that the cluster is another one."""
    had_no_route = isinstance(failure, Unreachable) or (
        isinstance(failure, HTTPError) and failure.status == HTTPStatus.NOT_FOUND
    )
    return request_path.route.is_missing and not had_no_route


def _first(default: Finding, *checks: Iterator[Finding]) -> Finding:
    """Returns the checks' first finding, with the default's evidence before its own; without one, the default."""
    for finding in chain(*checks):
        return replace(finding, evidence=f"{default.evidence}; {finding.evidence}")
    return default


def _check_after_route(request_path: RequestPath | None) -> Iterator[Finding]:
    if request_path is not None:
        yield from inspection.check_secret(request_path)
        yield from inspection.check_backend(request_path)


def _unreachable(failure: Unreachable, target: Target, request_path: RequestPath | None) -> Finding:
    url = urlsplit(target.base_url)
    problem, remedy = _CONNECTION_PROBLEMS[failure.problem]
    evidence = f"{url.scheme}://{url.netloc}: {problem} ({sanitize(failure.detail)})"
    status = "".join(f"; {each}" for each in _gateway_status(request_path))
    return Finding(Hop.GATEWAY, f"{evidence}{status}", f"{remedy}: {GATEWAY_URL}")


def _gateway_status(request_path: RequestPath | None) -> Iterator[str]:
    gateway = request_path.gateway if request_path else None
    if gateway is None:
        return
    if gateway.is_missing:
        yield f"there is no {gateway.name}"
    if gateway.found:
        for problem in unmet_conditions(conditions(gateway.found), "Accepted", "Programmed"):
            yield f"{gateway.name}: {sanitize(problem)}"
        addresses = [each.get("value", "") for each in gateway.found.get("status", {}).get("addresses") or []]
        if addresses:
            yield f"the status of {gateway.name} has the address {', '.join(addresses)}"


def _gateway_error(
    failure: HTTPError, error: GatewayError, target: Target, request_path: RequestPath | None
) -> Finding:
    evidence = f'HTTP {failure.status} from the gateway itself, "{sanitize(failure.text)}"'
    match error:
        case GatewayError.NO_ROUTE:
            return _no_route(evidence, target, request_path)
        case GatewayError.CLIENT_AUTH:
            remedy = "put a client's key, or a token that the gateway accepts, into an environment variable"
            return Finding(Hop.CALLER, evidence, f"{remedy} (--token-variable)")
        case GatewayError.UPSTREAM:
            return _no_upstream(failure, evidence, target, request_path)
        case GatewayError.TOO_LARGE:
            return Finding(Hop.LIMIT, evidence, _remedy_for_large_request(request_path))
        case GatewayError.NO_BACKEND:
            default = Finding(Hop.BACKEND, evidence, DESCRIBE)
        case GatewayError.BACKEND_AUTH:
            default = Finding(Hop.SECRET, evidence, DESCRIBE)
        case GatewayError.PROCESSING:
            default = Finding(Hop.MODEL_OR_PATH, evidence, COMPARE_PATH)
        case GatewayError.RATE_LIMIT:
            default = _limit(failure, evidence, "raise the route's limit (`rateLimits`)")
        case GatewayError.TIMEOUT:
            default = Finding(Hop.TIMEOUT, evidence, f"{CHECK_PROVIDER}, or give the route a longer timeout")
    return _first(default, _check_after_route(request_path))


def _chat_only(failure: HTTPError, endpoint: EndpointKind, api: BackendDefinition | None) -> Finding:
    """Makes the finding for a route that has chat completions alone, so that nothing is broken."""
    evidence = (
        f'HTTP {failure.status} from the gateway itself, "{sanitize(failure.text)}": the route serves chat completions '
        f"only, and took the request to /{endpoint} for one"
    )
    remedies = (
        [api.other_endpoints] if api else [f"`{name}`: {each.other_endpoints}" for name, each in BACKENDS.items()]
    )
    return Finding(Hop.MODEL_OR_PATH, evidence, "; ".join(remedies))


def _remedy_for_large_request(request_path: RequestPath | None) -> str:
    api = request_path.api if request_path else None
    remedies = [api.large_requests] if api else [f"`{name}`: {each.large_requests}" for name, each in BACKENDS.items()]
    return f"send less than 2 MB, or raise the gateway's limit: {'; '.join(remedies)}"


def _no_route(evidence: str, target: Target, request_path: RequestPath | None) -> Finding:
    if request_path is None:
        remedy = "check that the HTTPRoute's status has `Accepted` (`kubectl describe httproutes -A`)"
        return Finding(Hop.ROUTE, evidence, f"{remedy}, or give another {GATEWAY_URL}")
    gateway = request_path.gateway.name if request_path.gateway else "Gateway"
    accepted = f"yet {request_path.route.name} is accepted by the {gateway}, and matches this path and host"
    default = Finding(Hop.ROUTE, evidence, f"the URL seems to be another gateway's: give another {GATEWAY_URL}")
    finding = _first(default, inspection.check_route(request_path, target))
    return finding if finding is not default else replace(default, evidence=f"{evidence}; {accepted}")


def _no_upstream(failure: HTTPError, evidence: str, target: Target, request_path: RequestPath | None) -> Finding:
    unreachable = Finding(
        Hop.PROVIDER,
        evidence,
        "check that `host` and `port` are the provider's, and that the cluster can reach them",
    )
    is_tls_error = inspection.is_tls_error(failure.text)
    if is_connection_failure(failure.text) and not is_tls_error:
        return _first(unreachable, _check_after_route(request_path))
    by_message = inspection.tls_finding(failure.text, evidence)
    if request_path is None:
        return by_message
    default = by_message if is_tls_error or request_path.policies is None else unreachable
    tls_findings = inspection.check_tls(request_path, target, failure.text)
    return _first(default, _check_after_route(request_path), tls_findings)


def _provider_error(
    failure: HTTPError, target: Target, request_path: RequestPath | None, endpoint: EndpointKind | None
) -> Finding:
    status_only = f"HTTP {failure.status} from the provider"
    message = sanitize(error_message(failure.text))
    evidence = f'{status_only}, "{message}"' if message else status_only
    checks = [_check_after_route(request_path)]
    match failure.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            # The message may contain the key.
            default = _key(status_only, target, request_path)
            checks.append(_check_host(failure, request_path))
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.PAYMENT_REQUIRED:
            default = _limit(failure, evidence)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            default = Finding(Hop.TIMEOUT, evidence, f"try again, or {CHECK_PROVIDER}")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            default = Finding(Hop.PROVIDER, evidence, "try again later; the provider's status page may know more")
        case _:
            remedy = f"compare `model` (the request's was {target.model}) and `path` with the provider's documentation"
            if endpoint is not None:
                remedy = f"look in the provider's documentation whether it serves /{endpoint}, and with which models"
            default = Finding(Hop.MODEL_OR_PATH, evidence, remedy)
            checks.insert(0, _check_foreign_404(failure, target, request_path))
            checks.append(_check_host(failure, request_path))
    return _first(default, *checks)


def _check_foreign_404(failure: HTTPError, target: Target, request_path: RequestPath | None) -> Iterator[Finding]:
    """Checks the route after a 404 that no API wrote, since it may come from something in front of the gateway."""
    if request_path is not None and failure.status == HTTPStatus.NOT_FOUND and not is_api_error(failure.text):
        yield from inspection.check_route(request_path, target)


def _check_host(failure: HTTPError, request_path: RequestPath | None) -> Iterator[Finding]:
    """Checks the Host header: a CDN answers a wrong one with a page, and the provider's API never sees the request."""
    is_gateways = request_path is not None and inspection.sends_gateway_host(request_path)
    if failure.status == HTTPStatus.MISDIRECTED_REQUEST or (is_gateways and not is_api_error(failure.text)):
        unchanged = (
            f"; {request_path.route.name} leaves the Host header as it is" if request_path and is_gateways else ""
        )
        yield Finding(
            Hop.HOST,
            f"the response isn't in an API's format{unchanged}",
            "leave `rewriteHost` at its default, true",
        )


def _key(evidence: str, target: Target, request_path: RequestPath | None) -> Finding:
    api, backend = (request_path.api, request_path.backend) if request_path else (None, None)
    if api and backend and backend.found and api.reads_passthrough(backend.found):
        return Finding(
            Hop.KEY,
            f"{evidence}, which gets the caller's own token",
            "put a token that the provider accepts into an environment variable (--token-variable)",
        )
    secrets = [each.lookup.name for each in (request_path.secrets if request_path else ()) if each.api_key]
    has_key = "".join(f"; {name} has a key" for name in secrets)
    command = "pulumi config set --secret --path 'providers.<name>.apiKey'"
    if target.stack:
        command = config_command("set", target.stack, ("providers", Key(target.provider), "api_key"), "--secret")
    remedy = f"use a key that is valid and may use the model: `{command}` and `pulumi up`"
    return Finding(Hop.KEY, f"{evidence}{has_key}", remedy)


def _limit(failure: HTTPError, evidence: str, way_out: str = "get the limit or the balance raised") -> Finding:
    after = failure.retry_after or ""
    wait = f"wait {after} seconds" if after.isdigit() else "wait"
    return Finding(Hop.LIMIT, evidence, f"{wait} and try again, or {way_out}")
