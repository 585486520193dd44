"""Finds the broken hop: the first, in the order of a request, that response and cluster objects leave possible.

A response shows how far the request came: the hops before that work, whatever an object's status says. About the hops
after it, the objects know more than the response, such as a Secret without a key behind the provider's 401. A backend
that isn't accepted because its Secret is broken counts as the Secret's fault, and one whose certificate authorities are
missing as a fault of TLS.
"""

from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from urllib.parse import SplitResult, urlsplit

from ..arguments import Key
from ..backends import READERS, BackendReader
from ..backends.model_routing import NO_MODEL
from ..config_command import config_command
from .access import Access
from .client_checks import service_limit
from .error_responses import ProviderBody, gateway_fault, not_served
from .hops import Finding, Hop, find, recognize
from .inspection import CHECKS, Evidence, gateway_status, missing_route
from .outcome import Answer, Endpoint, Failure, HTTPError, Incomplete, InvalidResponse, Redirected
from .redaction import sanitize
from .request_path import RequestPath
from .targets import Target


def diagnose(evidence: Evidence) -> Finding:
    """Returns the broken hop of a request that failed, what shows it, and what to do."""
    suspicion = _read_failure(evidence)
    findings = chain.from_iterable(CHECKS[hop](evidence) for hop in suspicion.suspects)
    for finding in findings:
        return replace(finding, evidence=f"{suspicion.evidence}; {finding.evidence}")
    return suspicion


def is_other_cluster(target: Target, path: RequestPath, outcome: Answer | Failure) -> bool:
    """Tells whether the request found a route although the cluster has none, so that the cluster is another one."""
    match outcome:
        case HTTPError() if not_served(outcome, target):
            had_no_route = False
        case Redirected() | HTTPError(status=HTTPStatus.NOT_FOUND):
            had_no_route = True
        case Incomplete():
            had_no_route = outcome.fault.startswith("gateway.")
        case InvalidResponse():
            had_no_route = not ProviderBody(outcome.text).is_json
        case _:
            had_no_route = False
    return path.first_route.is_missing and not path.route.found and not had_no_route


def _read_failure(evidence: Evidence) -> Finding:
    """Returns the broken hop by what the request resulted in, and the hops that the objects may show instead."""
    failure = evidence.failure
    match failure:
        case Incomplete():
            return _with_gateway_status(evidence, failure.fault, detail=sanitize(failure.detail))
        case HTTPError() if evidence.not_served is not None:
            return _not_served(evidence, evidence.not_served)
        case HTTPError() if (fault := gateway_fault(failure)) is not None:
            return _gateway_error(evidence, fault)
        case HTTPError(status=HTTPStatus.TOO_MANY_REQUESTS, text="", content_type=""):
            return _bare_limit(evidence, failure)
        case HTTPError():
            return _provider_error(evidence, failure)
        case Redirected():
            return _redirected(evidence, failure)
        case InvalidResponse():
            return _invalid_response(evidence, failure)


def _with_gateway_status(evidence: Evidence, fault: str, *details: str, **values: str) -> Finding:
    """Makes a finding, with what the cluster knows of the gateway where something else is at its URL."""
    finding = find(fault, url=f"{evidence.url.scheme}://{evidence.url.netloc}", **values)
    status = gateway_status(evidence.path) if finding.hop is Hop.GATEWAY else ()
    return replace(finding, evidence="; ".join([finding.evidence, *details, *status]))


def _find_for_response(evidence: Evidence, fault: str, said: str) -> Finding:
    """Makes the finding of an error response."""
    api, failure = evidence.path.api, evidence.failure
    retry_after = "" if isinstance(failure, Incomplete) else failure.retry_after
    return find(
        fault,
        said=said,
        model=evidence.target.model,
        path=evidence.endpoint.path,
        wait=f"wait {retry_after} seconds" if retry_after.isdigit() else "wait",
        other_endpoints=_of_each(api, "other_endpoints"),
        large_requests=_of_each(api, "large_requests"),
    )


def _of_each(api: BackendReader | None, remedy: str) -> str:
    """Returns the API's remedy of this name; where the API isn't known, that of each."""
    if api is not None:
        return str(getattr(api, remedy))
    return "; ".join(f"`{name}`: {getattr(each, remedy)}" for name, each in READERS.items())


def _gateway_error(evidence: Evidence, fault: str) -> Finding:
    said = f'HTTP {evidence.status} from the gateway itself, "{sanitize(evidence.text)}"'
    if fault == "request.not_processed" and evidence.endpoint is not Endpoint.CHAT:
        fault = "model-or-path.chat_only"
    elif fault == "model-or-path.unreadable":
        fault = recognize("unreadable", evidence.text) or fault
    elif fault == "provider.no_connection":
        no_objects = evidence.path.unavailable or evidence.path.policies is None
        fault = recognize("upstream", evidence.text) or ("tls.unknown" if no_objects else fault)
    return _find_for_response(evidence, fault, said)


def _bare_limit(evidence: Evidence, failure: HTTPError) -> Finding:
    """Makes the finding for a 429 that says nothing, as the gateway answers for a rate limit service."""
    path = evidence.path
    if service := Access(path.access_policies or ()).service:
        return service_limit(path, evidence.key, service, f"HTTP {failure.status} without a body")
    if path.access_policies is None or path.unavailable:
        said = (
            f"HTTP {failure.status} without a body, from the gateway's rate limit service if it has one, the provider"
        )
        return _find_for_response(evidence, "limit.bare", f"{said}, or something in front of the gateway")
    return _provider_error(evidence, failure)


def _not_served(evidence: Evidence, message: str) -> Finding:
    """Makes the finding for the gateway's own error at a URL that several providers share."""
    target, route = evidence.target, evidence.path.route
    said = f"HTTP {evidence.status} from the gateway itself: {sanitize(message.partition('. ')[0])}"
    values = {"said": said, "model": target.model, "path": target.path}
    if evidence.endpoint is Endpoint.MODELS:
        return find("route.no_list", list=f"{target.url.path}{Endpoint.MODELS.path}", **values)
    if message == NO_MODEL:
        return find("limit.unread_model", **values)
    if target.owner:
        return find("route.model_not_taken", owner=f"by the outputs of stack {target.stack}, {target.owner}", **values)
    if route.found:
        return find("route.model_not_taken", owner=route.name, **values)
    names = sanitize(", ".join(target.shared.names)) if target.shared else ""
    known = [f"by its outputs, stack {target.stack} has {names}"] if names else []
    return find(
        "model-or-path.not_served", known="; ".join(["", *known, *missing_route(evidence.path, route)]), **values
    )


def _redirected(evidence: Evidence, failure: Redirected) -> Finding:
    try:
        # A query may hold a token.
        location = urlsplit(failure.location)._replace(query="", fragment="")
    except ValueError:
        location = SplitResult("", "", failure.location, "", "")
    shown = sanitize(location.geturl())
    missing = list(missing_route(evidence.path, evidence.path.first_route))
    is_providers = _is_providers(location, evidence)
    if not is_providers and (_is_in_front(location, evidence) or missing):
        return _with_gateway_status(evidence, "gateway.redirect", *missing, location=shown)
    fault = "model-or-path.redirect" if is_providers else "model-or-path.redirect_or_in_front"
    return find(fault, status=failure.status, location=shown)


def _is_providers(location: SplitResult, evidence: Evidence) -> bool:
    """Tells whether the redirect leads to the provider's host or a relative of it, which only the provider knows."""
    host = location.hostname
    if host is None or _are_related(host, evidence.url.hostname):
        return False
    providers = [evidence.target.host, *(each.host for each in evidence.path.providers)]
    return any(_are_related(host, each) for each in providers)


def _is_in_front(location: SplitResult, evidence: Evidence) -> bool:
    """Tells whether the redirect has what the provider never sees: the route's path, or the gateway's name.

    The provider sees that name where neither the route nor the proxy replaces the Host header.
    """
    route_path = evidence.target.path
    has_path = route_path != "/" and f"{location.path}/".startswith(f"{route_path.rstrip('/')}/")
    has_name = location.hostname is not None and location.hostname == evidence.url.hostname
    return has_path or (has_name and not evidence.path.sends_gateway_host)


def _are_related(host: str, other: str | None) -> bool:
    """Tells whether the names are the same, one is below the other, or both are below the same domain."""
    if not other:
        return False
    other = other.lower()
    parent = host.partition(".")[2]
    is_below = host.endswith(f".{other}") or other.endswith(f".{host}")
    return host == other or is_below or ("." in parent and parent == other.partition(".")[2])


def _invalid_response(evidence: Evidence, failure: InvalidResponse) -> Finding:
    body = ProviderBody(failure.text)
    if body.is_completion and body.unreadable:
        said = f"HTTP 200 from the provider, which the gateway can't read: {sanitize(body.unreadable)}"
        fault = recognize("unreadable", body.unreadable) or "model-or-path.unreadable"
        return _find_for_response(evidence, fault, said)
    if body.is_error:
        error = HTTPError(body.status or HTTPStatus.INTERNAL_SERVER_ERROR, failure.content_type, failure.text)
        return _provider_error(evidence, error, "HTTP 200 from the provider, with an error in it")
    if body.is_completion:
        return find("model-or-path.not_streamed")
    said = f"HTTP 200 with {failure.content_type or 'no content type'}, and no {evidence.endpoint.answer} in it"
    if body.message:
        said = f"{said}: {sanitize(body.message)}"
    for missing in missing_route(evidence.path, evidence.path.first_route):
        return find("gateway.something_else", said=f"{said}; {missing}")
    may_be_another = evidence.path.unavailable and not body.unreadable
    return find("model-or-path.no_answer_or_another_url" if may_be_another else "model-or-path.no_answer", said=said)


def _provider_error(evidence: Evidence, failure: HTTPError, source: str | None = None) -> Finding:
    """Makes the finding for a provider's error, whose message decides where it says more than the status.

    Args:
        evidence: All that is known.
        failure: The error.
        source: How the evidence begins; by default with the status.
    """
    body = ProviderBody(failure.text)
    is_of_an_api = body.is_json or bool(body.unreadable)
    if source is None:
        in_front = "" if is_of_an_api else ", or from something in front of the gateway"
        source = f"HTTP {failure.status} from the provider{in_front}"
    message = sanitize(body.message)
    said = f'{source}, "{message}"' if message else source
    fault = body.fault(failure.status)
    # The message may contain the key.
    if fault == "key.complaint":
        return _key(evidence, f"{source}, which says that it is about the API key")
    if fault == "key.rejected":
        finding = _key(evidence, source)
        return replace(finding, suspects=(*finding.suspects, Hop.HOST))
    if fault == "model-or-path.unknown" and evidence.endpoint is not Endpoint.CHAT:
        fault = "model-or-path.unknown_endpoint"
    finding = _find_for_response(evidence, fault, said)
    if finding.hop is Hop.MODEL_OR_PATH and failure.status == HTTPStatus.NOT_FOUND and not body.is_json:
        # It may come from something in front of the gateway.
        return replace(finding, suspects=(Hop.ROUTE, *finding.suspects))
    return finding


def _key(evidence: Evidence, said: str) -> Finding:
    path, target = evidence.path, evidence.target
    if any(each.gets_callers_token for each in path.providers):
        return find("key.callers_token", said=said)
    if path.providers and not any(each.secret_name for each in path.providers):
        return find("key.none", said=said)
    command = "pulumi config set --secret --path 'providers.<name>.apiKey'"
    if target.stack and target.provider:
        command = config_command("set", target.stack, ("providers", Key(target.provider), "api_key"), "--secret")
    keys = [f"{secret.name} has a key" for secret in path.secrets if secret.api_key]
    return find("key.invalid", said="; ".join([said, *keys]), command=command)
