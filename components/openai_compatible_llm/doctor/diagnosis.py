"""Finds the broken hop: the first, in the order of a request, that response and cluster objects leave possible.

A response shows how far the request came: the hops before that work, whatever an object's status says. About the hops
after it, the objects know more than the response, such as a Secret without a key behind the provider's 401. A backend
that isn't accepted because its Secret is broken counts as the Secret's fault, and one whose certificate authorities are
missing as a fault of TLS.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from itertools import chain

from ..arguments import Key
from ..backends import READERS, BackendReader
from ..backends.gateway_errors import GatewayError, is_connection_failure
from ..config_command import config_command
from . import redirects
from .error_responses import Complaint, ProviderBody, classify
from .evidence import Evidence
from .hops import Finding, Hop
from .inspection import ANOTHER_URL, CHECKS, gateway_status, missing_route
from .outcome import Answer, Endpoint, Failure, HTTPError, InvalidResponse, Redirected, TimedOut, Truncated, Unreachable
from .redaction import sanitize
from .request_path import RequestPath
from .targets import GATEWAY_URL
from .tls import is_tls_error, tls_finding

DESCRIBE = "check the backend's status (`kubectl describe`), and that its Secret has a key"
COMPARE_PATH = "compare `host` and `path` (or `baseUrl`) with the provider's documentation"
OR_IN_FRONT = ", or from something in front of the gateway"
CHECK_PROVIDER = "find out from the provider why it is slow"

AFTER_ROUTE = (Hop.SECRET, Hop.BACKEND)

# What a gateway's own error is about. Its evidence is the error itself.
_GATEWAY_ERRORS: Mapping[GatewayError, Finding] = {
    GatewayError.NO_ROUTE: Finding(
        Hop.ROUTE,
        "",
        "check that the HTTPRoute's status has `Accepted` (`kubectl describe httproutes -A`), or {another_url}",
        (Hop.ROUTE, Hop.GATEWAY),
    ),
    GatewayError.CLIENT_AUTH: Finding(
        Hop.CALLER,
        "",
        "put a client's key, or a token that the gateway accepts, into an environment variable (--token-variable)",
    ),
    GatewayError.FORBIDDEN: Finding(
        Hop.CALLER,
        "",
        "use the key of a client that may make this request (--token-variable), or find the policy of route, Gateway "
        "or listener that forbids it",
    ),
    GatewayError.REQUEST_TOO_LARGE: Finding(Hop.LIMIT, "", "send less than 2 MB, or {raise_limit}"),
    GatewayError.RESPONSE_TOO_LARGE: Finding(
        Hop.LIMIT, "", "ask for less than 2 MB (`max_tokens`), stream the response (--stream), or {raise_limit}"
    ),
    GatewayError.PROCESSING: Finding(
        Hop.REQUEST,
        "",
        "look for what changes a well-formed request: `requestDefaults`, `requestOverrides`, a policy of route or "
        "Gateway, or something in front of the gateway",
    ),
    GatewayError.NO_BACKEND: Finding(Hop.BACKEND, "", DESCRIBE, AFTER_ROUTE),
    GatewayError.BACKEND_AUTH: Finding(Hop.SECRET, "", DESCRIBE, AFTER_ROUTE),
    GatewayError.RATE_LIMIT: Finding(
        Hop.LIMIT, "", "{wait} and try again, or raise the route's limit (`rateLimits`)", AFTER_ROUTE
    ),
    GatewayError.TIMEOUT: Finding(
        Hop.TIMEOUT, "", f"{CHECK_PROVIDER}, or give the route a longer timeout", AFTER_ROUTE
    ),
}


def diagnose(evidence: Evidence) -> Finding:
    """Returns the broken hop of a request that failed, what shows it, and what to do."""
    suspicion = _read_failure(evidence)
    findings = chain.from_iterable(CHECKS[hop](evidence) for hop in suspicion.suspects)
    for finding in findings:
        return replace(finding, evidence=f"{suspicion.evidence}; {finding.evidence}")
    return suspicion


def is_other_cluster(path: RequestPath, outcome: Answer | Failure) -> bool:
    """Tells whether the request found a route although the cluster has none, so that the cluster is another one."""
    match outcome:
        case Unreachable() | Redirected() | HTTPError(status=HTTPStatus.NOT_FOUND):
            had_no_route = True
        case InvalidResponse():
            had_no_route = not ProviderBody(outcome.text).is_json
        case _:
            had_no_route = False
    return path.route.is_missing and not had_no_route


def _read_failure(evidence: Evidence) -> Finding:
    """Returns the broken hop by what the request resulted in, and the hops that the objects may show instead."""
    failure = evidence.failure
    match failure:
        case Unreachable():
            detail = f"{failure.problem.meaning} ({sanitize(failure.detail)})"
            return _gateway(evidence, detail, failure.problem.remedy)
        case HTTPError() if (error := classify(failure, evidence.path.api)) is not None:
            return _gateway_error(evidence, failure, error)
        case HTTPError():
            return _provider_error(evidence, failure)
        case Redirected():
            return _redirected(evidence, failure)
        case InvalidResponse():
            return _invalid_response(evidence, failure)
        case Truncated():
            remedy = "try again; if it happens each time, check the logs and timeouts of gateway and provider"
            return Finding(Hop.STREAM, f"the response ended early: {sanitize(failure.detail)}", remedy, AFTER_ROUTE)
        case TimedOut():
            progress = "a part of the response arrived, and then nothing" if failure.started else "no response arrived"
            said = f"{progress} for {failure.seconds:g} seconds"
            return Finding(Hop.TIMEOUT, said, f"raise the limit (--timeout), or {CHECK_PROVIDER}", AFTER_ROUTE)


def _gateway(evidence: Evidence, problem: str, remedy: str) -> Finding:
    """Makes the finding for something at the gateway's URL that isn't the gateway."""
    details = [f"{evidence.url.scheme}://{evidence.url.netloc}: {problem}", *gateway_status(evidence.path)]
    return Finding(Hop.GATEWAY, "; ".join(details), f"{remedy}: {GATEWAY_URL}")


def _gateway_error(evidence: Evidence, failure: HTTPError, error: GatewayError) -> Finding:
    said = f'HTTP {failure.status} from the gateway itself, "{sanitize(failure.text)}"'
    api = evidence.path.api
    if evidence.endpoint is not Endpoint.CHAT and error is GatewayError.PROCESSING:
        path = evidence.endpoint.path
        only = f"{said}: the route serves chat completions only, and took the request to {path} for one"
        return Finding(Hop.MODEL_OR_PATH, only, _of_each(api, "other_endpoints"))
    if error is GatewayError.UPSTREAM:
        return _no_upstream(evidence, said)
    if error is GatewayError.UNREADABLE_RESPONSE:
        return _unreadable_response(said, failure.text)
    finding = _GATEWAY_ERRORS[error]
    remedy = finding.remedy.format(
        another_url=ANOTHER_URL,
        raise_limit=f"raise the gateway's limit: {_of_each(api, 'large_requests')}",
        wait=_wait(failure),
    )
    return replace(finding, evidence=said, remedy=remedy)


def _of_each(api: BackendReader | None, remedy: str) -> str:
    """Returns the API's remedy of this name; where the API isn't known, that of each."""
    if api is not None:
        return str(getattr(api, remedy))
    return "; ".join(f"`{name}`: {getattr(each, remedy)}" for name, each in READERS.items())


def _wait(failure: HTTPError) -> str:
    return f"wait {failure.retry_after} seconds" if failure.retry_after.isdigit() else "wait"


def _unreadable_response(evidence: str, problem: str) -> Finding:
    """Makes the finding for a provider that answered HTTP 200, with something that the gateway couldn't read."""
    if "expected a string" in problem:
        hop, what = Hop.PROVIDER, ": the provider's message is a list of parts, as of some reasoning models"
        remedy = "stream the response (--stream), or use a model, or a setting for its reasoning, with text alone"
    elif "missing field" in problem:
        hop, what = Hop.PROVIDER, ": the provider answered HTTP 200 with no whole completion, probably with an error"
        remedy = "read it with --stream, since the gateway passes streams on as they are"
    else:
        hop, what, remedy = Hop.MODEL_OR_PATH, "", COMPARE_PATH
    return Finding(hop, f"{evidence}{what}", remedy, AFTER_ROUTE)


def _no_upstream(evidence: Evidence, said: str) -> Finding:
    is_about_tls = is_tls_error(evidence.text)
    unreachable = Finding(
        Hop.PROVIDER,
        said,
        "check that `host` and `port` are the provider's, and that the cluster can reach them",
        AFTER_ROUTE,
    )
    if is_connection_failure(evidence.text) and not is_about_tls:
        return unreachable
    no_objects = evidence.path.unavailable or evidence.path.policies is None
    finding = tls_finding(evidence.text, said) if is_about_tls or no_objects else unreachable
    return replace(finding, suspects=(*AFTER_ROUTE, Hop.TLS))


def _redirected(evidence: Evidence, failure: Redirected) -> Finding:
    location = redirects.split_location(failure)
    shown = sanitize(location.geturl())
    missing = list(missing_route(evidence.path))
    is_providers = redirects.is_providers(location, evidence)
    if not is_providers and (redirects.is_in_front(location, evidence) or missing):
        problem = "; ".join([f"it redirects the client ({shown})", *missing])
        return _gateway(evidence, problem, "use the URL that it redirects to")
    source, remedy = "from the provider", COMPARE_PATH
    if not is_providers:
        source, remedy = f"from the provider{OR_IN_FRONT}", f"{COMPARE_PATH}; if they are right, {ANOTHER_URL}"
    redirect = f"HTTP {failure.status} {source}: a redirect to {shown}"
    return Finding(Hop.MODEL_OR_PATH, redirect, remedy, (*AFTER_ROUTE, Hop.HOST))


def _invalid_response(evidence: Evidence, failure: InvalidResponse) -> Finding:
    body = ProviderBody(failure.text)
    if body.is_completion and body.unreadable:
        said = f"HTTP 200 from the provider, which the gateway can't read: {sanitize(body.unreadable)}"
        return _unreadable_response(said, body.unreadable)
    if body.is_error:
        error = HTTPError(body.status or HTTPStatus.INTERNAL_SERVER_ERROR, failure.content_type, failure.text)
        return _provider_error(evidence, error, "HTTP 200 from the provider, with an error in it")
    suspects = (*AFTER_ROUTE, Hop.HOST)
    if body.is_completion:
        said = "HTTP 200 from the provider, with a completion in one piece where a stream was asked for"
        return Finding(Hop.MODEL_OR_PATH, said, f"{COMPARE_PATH}: this one doesn't stream there", suspects)
    said = f"HTTP 200 with {failure.content_type or 'no content type'}, and no {evidence.endpoint.answer} in it"
    if body.message:
        said = f"{said}: {sanitize(body.message)}"
    for missing in missing_route(evidence.path):
        remedy = f"this URL seems to be something else's than the gateway's: {ANOTHER_URL}"
        return Finding(Hop.GATEWAY, f"{said}; {missing}", f"{remedy}, or another cluster (--context)")
    may_be_another = evidence.path.unavailable and not body.unreadable
    remedy = f"{COMPARE_PATH}; if the URL isn't the gateway's, {ANOTHER_URL}" if may_be_another else COMPARE_PATH
    return Finding(Hop.MODEL_OR_PATH, said, remedy, suspects)


def _provider_error(evidence: Evidence, failure: HTTPError, source: str | None = None) -> Finding:
    """Makes the finding for a provider's error, whose message decides where it says more than the status.

    Args:
        evidence: All that is known.
        failure: The error.
        source: How the evidence begins; by default with the status.
    """
    body = ProviderBody(failure.text)
    if source is None:
        in_front = "" if body.is_json or body.unreadable else OR_IN_FRONT
        source = f"HTTP {failure.status} from the provider{in_front}"
    message = sanitize(body.message)
    said = f'{source}, "{message}"' if message else source
    match body.complaint(failure.status) or failure.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            # The message may contain the key.
            return replace(_key(evidence, source), suspects=(*AFTER_ROUTE, Hop.HOST))
        case Complaint.KEY:
            return _key(evidence, f"{source}, which says that it is about the API key")
        case Complaint.REGION:
            hop = Hop.PROVIDER
            remedy = "use another provider, or send the gateway's requests from a region that this one serves"
        case Complaint.LENGTH | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            hop, remedy = Hop.LIMIT, "send less, or use a model that takes more"
        case Complaint.MONEY if failure.status != HTTPStatus.TOO_MANY_REQUESTS:
            hop, remedy = Hop.LIMIT, "get the balance or the limit raised at the provider"
        case Complaint.MONEY | Complaint.RATE | HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.PAYMENT_REQUIRED:
            hop, remedy = Hop.LIMIT, f"{_wait(failure)} and try again, or get the limit or the balance raised"
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            hop, remedy = Hop.TIMEOUT, f"try again, or {CHECK_PROVIDER}"
        case int() as status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            hop, remedy = Hop.PROVIDER, "try again later; the provider's status page may know more"
        case _:
            return _model_or_path(evidence, failure, said, is_of_an_api=body.is_json)
    return Finding(hop, said, remedy, AFTER_ROUTE)


def _model_or_path(evidence: Evidence, failure: HTTPError, said: str, *, is_of_an_api: bool) -> Finding:
    """Makes the finding for a request that the provider can't serve.

    A 404 that no API wrote may come from something in front of the gateway, so that the route is looked at as well.
    """
    model = evidence.target.model
    remedy = f"compare `model` (the request's was {model}) and `path` with the provider's documentation"
    if evidence.endpoint is not Endpoint.CHAT:
        path = evidence.endpoint.path
        remedy = f"look in the provider's documentation whether it serves {path}, and with which models"
    is_foreign = failure.status == HTTPStatus.NOT_FOUND and not is_of_an_api
    suspects = (*([Hop.ROUTE] if is_foreign else []), *AFTER_ROUTE, Hop.HOST)
    return Finding(Hop.MODEL_OR_PATH, said, remedy, suspects)


def _key(evidence: Evidence, said: str) -> Finding:
    path, target = evidence.path, evidence.target
    if any(each.gets_callers_token for each in path.providers):
        said = f"{said}; the provider gets the caller's own token"
        remedy = "put a token that the provider accepts into an environment variable (--token-variable)"
    elif path.providers and not any(each.secret_name for each in path.providers):
        said, remedy = f"{said}; the provider gets no key", "give its key as `apiKey` instead of `keyless`"
    else:
        said = "; ".join([said, *(f"{secret.name} has a key" for secret in path.secrets if secret.api_key)])
        command = "pulumi config set --secret --path 'providers.<name>.apiKey'"
        if target.stack:
            command = config_command("set", target.stack, ("providers", Key(target.provider), "api_key"), "--secret")
        remedy = f"use a key that is valid and may use the model: `{command}` and `pulumi up`"
    return Finding(Hop.KEY, said, remedy, AFTER_ROUTE)
