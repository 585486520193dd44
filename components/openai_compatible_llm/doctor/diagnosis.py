"""Finds the broken hop: the first, in the order of a request, that response and cluster objects leave possible.

A response shows how far the request came: the hops before that work, whatever an object's status says. About the hops
after it, the objects know more than the response, such as a Secret without a key behind the provider's 401. A backend
that isn't accepted because its Secret is broken counts as the Secret's fault, and one whose certificate authorities are
missing as a fault of TLS.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from urllib.parse import urlsplit

from ..arguments import Key
from ..backends import READERS, BackendReader
from ..backends.gateway_errors import GatewayError, is_connection_failure
from ..config_command import config_command
from ..presets import EndpointKind
from . import inspection, redirects
from .error_responses import Complaint, ProviderBody, classify, is_taken_for_chat
from .hops import Finding, Hop
from .outcome import (
    ConnectionProblem,
    Failure,
    HTTPError,
    InvalidResponse,
    Redirected,
    TimedOut,
    Truncated,
    Unreachable,
)
from .redaction import sanitize
from .request_path import ClusterUnavailable, RequestPath, conditions, unmet_conditions
from .targets import GATEWAY_URL, Target

DESCRIBE = "check the backend's status (`kubectl describe`), and that its Secret has a key"
COMPARE_PATH = "compare `host` and `path` (or `baseUrl`) with the provider's documentation"
ANOTHER_URL = f"give another {GATEWAY_URL}"
OR_IN_FRONT = ", or from something in front of the gateway"
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
        case Redirected():
            return _redirected(failure, target, request_path)
        case InvalidResponse():
            return _invalid_response(failure, target, request_path, endpoint)
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
    match failure:
        case Unreachable() | Redirected() | HTTPError(status=HTTPStatus.NOT_FOUND):
            had_no_route = True
        case InvalidResponse():
            had_no_route = not ProviderBody(failure.text).is_json
        case _:
            had_no_route = False
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
        case GatewayError.FORBIDDEN:
            remedy = "use the key of a client that may make this request (--token-variable), or find the policy of"
            return Finding(Hop.CALLER, evidence, f"{remedy} route, Gateway or listener that forbids it")
        case GatewayError.UPSTREAM:
            return _no_upstream(failure, evidence, target, request_path)
        case GatewayError.REQUEST_TOO_LARGE:
            return Finding(Hop.LIMIT, evidence, f"send less than 2 MB, or {_raise_size_limit(request_path)}")
        case GatewayError.RESPONSE_TOO_LARGE:
            remedy = "ask for less than 2 MB (`max_tokens`), stream the response (--stream), or"
            return Finding(Hop.LIMIT, evidence, f"{remedy} {_raise_size_limit(request_path)}")
        case GatewayError.NO_BACKEND:
            default = Finding(Hop.BACKEND, evidence, DESCRIBE)
        case GatewayError.BACKEND_AUTH:
            default = Finding(Hop.SECRET, evidence, DESCRIBE)
        case GatewayError.UNREADABLE_RESPONSE:
            default = _unreadable_response(evidence, failure.text)
        case GatewayError.PROCESSING:
            remedy = "look for what changes a well-formed request: `requestDefaults`, `requestOverrides`, a policy of"
            return Finding(Hop.REQUEST, evidence, f"{remedy} route or Gateway, or something in front of the gateway")
        case GatewayError.RATE_LIMIT:
            default = _limit(failure, evidence, "raise the route's limit (`rateLimits`)")
        case GatewayError.TIMEOUT:
            default = Finding(Hop.TIMEOUT, evidence, f"{CHECK_PROVIDER}, or give the route a longer timeout")
    return _first(default, _check_after_route(request_path))


def _chat_only(failure: HTTPError, endpoint: EndpointKind, api: BackendReader | None) -> Finding:
    """Makes the finding for a route that has chat completions alone, so that nothing is broken."""
    evidence = (
        f'HTTP {failure.status} from the gateway itself, "{sanitize(failure.text)}": the route serves chat completions '
        f"only, and took the request to /{endpoint} for one"
    )
    remedies = [api.other_endpoints] if api else [f"`{name}`: {each.other_endpoints}" for name, each in READERS.items()]
    return Finding(Hop.MODEL_OR_PATH, evidence, "; ".join(remedies))


def _raise_size_limit(request_path: RequestPath | None) -> str:
    api = request_path.api if request_path else None
    remedies = [api.large_requests] if api else [f"`{name}`: {each.large_requests}" for name, each in READERS.items()]
    return f"raise the gateway's limit: {'; '.join(remedies)}"


def _unreadable_response(evidence: str, problem: str) -> Finding:
    """Makes the finding for a provider that answered HTTP 200, with something that the gateway couldn't read."""
    if "expected a string" in problem:
        return Finding(
            Hop.PROVIDER,
            f"{evidence}: the provider's message is a list of parts, as of some reasoning models",
            "stream the response (--stream), or use a model, or a setting for its reasoning, with text alone",
        )
    if "missing field" in problem:
        return Finding(
            Hop.PROVIDER,
            f"{evidence}: the provider answered HTTP 200 with no whole completion, probably with an error",
            "read it with --stream, since the gateway passes streams on as they are",
        )
    return Finding(Hop.MODEL_OR_PATH, evidence, COMPARE_PATH)


def _redirected(failure: Redirected, target: Target, request_path: RequestPath | None) -> Finding:
    location = redirects.split_location(failure)
    shown = sanitize(location.geturl())
    is_providers = redirects.is_providers(location, target, request_path)
    if not is_providers and (redirects.is_in_front(location, target, request_path) or _has_no_route(request_path)):
        url = urlsplit(target.base_url)
        status = "".join(f"; {each}" for each in (*_missing_route(request_path), *_gateway_status(request_path)))
        evidence = f"{url.scheme}://{url.netloc}: it redirects the client ({shown})"
        return Finding(Hop.GATEWAY, f"{evidence}{status}", f"use the URL that it redirects to: {GATEWAY_URL}")
    source, remedy = "from the provider", COMPARE_PATH
    if not is_providers:
        source, remedy = f"from the provider{OR_IN_FRONT}", f"{COMPARE_PATH}; if they are right, {ANOTHER_URL}"
    default = Finding(Hop.MODEL_OR_PATH, f"HTTP {failure.status} {source}: a redirect to {shown}", remedy)
    return _first(default, _check_after_route(request_path), _check_host(failure.status, "", request_path))


def _has_no_route(request_path: RequestPath | None) -> bool:
    return request_path is not None and request_path.route.is_missing


def _missing_route(request_path: RequestPath | None) -> Iterator[str]:
    if request_path is not None and request_path.route.is_missing:
        yield f"there is no {request_path.route.name} in the cluster of context {request_path.context}"


def _invalid_response(
    failure: InvalidResponse, target: Target, request_path: RequestPath | None, endpoint: EndpointKind | None
) -> Finding:
    body = ProviderBody(failure.text)
    if body.is_completion and body.unreadable:
        evidence = f"HTTP 200 from the provider, which the gateway can't read: {sanitize(body.unreadable)}"
        return _first(_unreadable_response(evidence, body.unreadable), _check_after_route(request_path))
    if body.is_error:
        status = body.status or HTTPStatus.INTERNAL_SERVER_ERROR
        error = HTTPError(status, failure.content_type, failure.text, None)
        return _provider_error(error, target, request_path, endpoint, "HTTP 200 from the provider, with an error in it")
    evidence = f"HTTP 200 with {failure.content_type or 'no content type'}, and no {failure.expected} in it"
    quoted = f": {sanitize(body.message)}" if body.message else ""
    default = Finding(Hop.MODEL_OR_PATH, f"{evidence}{quoted}", COMPARE_PATH)
    if body.is_completion:
        evidence = "HTTP 200 from the provider, with a completion in one piece where a stream was asked for"
        default = Finding(Hop.MODEL_OR_PATH, evidence, f"{COMPARE_PATH}: this one doesn't stream there")
    elif _has_no_route(request_path):
        missing = "; ".join(_missing_route(request_path))
        remedy = f"this URL seems to be something else's than the gateway's: {ANOTHER_URL}"
        return Finding(Hop.GATEWAY, f"{default.evidence}; {missing}", f"{remedy}, or another cluster (--context)")
    elif request_path is None and not body.unreadable:
        default = replace(default, remedy=f"{COMPARE_PATH}; if the URL isn't the gateway's, {ANOTHER_URL}")
    return _first(default, _check_after_route(request_path), _check_host(HTTPStatus.OK, failure.text, request_path))


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
    failure: HTTPError,
    target: Target,
    request_path: RequestPath | None,
    endpoint: EndpointKind | None,
    status_only: str | None = None,
) -> Finding:
    body = ProviderBody(failure.text)
    if status_only is None:
        in_front = "" if body.is_json or body.unreadable else OR_IN_FRONT
        status_only = f"HTTP {failure.status} from the provider{in_front}"
    message = sanitize(body.message)
    evidence = f'{status_only}, "{message}"' if message else status_only
    checks = [_check_after_route(request_path)]
    match body.complaint(failure.status) or failure.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            # The message may contain the key.
            default = _key(status_only, target, request_path)
            checks.append(_check_host(failure.status, failure.text, request_path))
        case Complaint.KEY:
            default = _key(f"{status_only}, which says that it is about the API key", target, request_path)
        case Complaint.REGION:
            remedy = "use another provider, or send the gateway's requests from a region that this one serves"
            default = Finding(Hop.PROVIDER, evidence, remedy)
        case Complaint.LENGTH | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            default = Finding(Hop.LIMIT, evidence, "send less, or use a model that takes more")
        case Complaint.MONEY if failure.status != HTTPStatus.TOO_MANY_REQUESTS:
            default = Finding(Hop.LIMIT, evidence, "get the balance or the limit raised at the provider")
        case Complaint.MONEY | Complaint.RATE | HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.PAYMENT_REQUIRED:
            default = _limit(failure, evidence)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            default = Finding(Hop.TIMEOUT, evidence, f"try again, or {CHECK_PROVIDER}")
        case int() as status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            default = Finding(Hop.PROVIDER, evidence, "try again later; the provider's status page may know more")
        case _:
            remedy = f"compare `model` (the request's was {target.model}) and `path` with the provider's documentation"
            if endpoint is not None:
                remedy = f"look in the provider's documentation whether it serves /{endpoint}, and with which models"
            default = Finding(Hop.MODEL_OR_PATH, evidence, remedy)
            checks.insert(0, _check_foreign_404(failure, target, request_path))
            checks.append(_check_host(failure.status, failure.text, request_path))
    return _first(default, *checks)


def _check_foreign_404(failure: HTTPError, target: Target, request_path: RequestPath | None) -> Iterator[Finding]:
    """Checks the route after a 404 that no API wrote, since it may come from something in front of the gateway."""
    if request_path is not None and failure.status == HTTPStatus.NOT_FOUND and not ProviderBody(failure.text).is_json:
        yield from inspection.check_route(request_path, target)


def _check_host(status: int, text: str, request_path: RequestPath | None) -> Iterator[Finding]:
    """Checks the Host header: a CDN answers a wrong one with a page, and the provider's API never sees the request."""
    is_gateways = request_path is not None and inspection.sends_gateway_host(request_path)
    if status == HTTPStatus.MISDIRECTED_REQUEST or (is_gateways and not ProviderBody(text).is_json):
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
    providers = api.read_providers(backend.found) if api and backend and backend.found else []
    if any(each.gets_callers_token for each in providers):
        return Finding(
            Hop.KEY,
            f"{evidence}; the provider gets the caller's own token",
            "put a token that the provider accepts into an environment variable (--token-variable)",
        )
    if providers and not any(each.secret_name for each in providers):
        return Finding(
            Hop.KEY, f"{evidence}; the provider gets no key", "give its key as `apiKey` instead of `keyless`"
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
