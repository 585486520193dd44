"""Builds what routes a request by its model: a header that the Gateway sets from the body, and matches of that header.

Only agentgateway can do this. Source: `traffic.phase` and `traffic.transformation` of the AgentgatewayPolicy.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from ..client_url import VERSION
from ..model_patterns import is_pattern, regular_expression
from ..objects import gateway_api
from ..objects.gateway_api import Spec
from ..settings import MODELS, GatewaySettings
from . import clients

MODEL_HEADER = "x-llm-model"
"""The header that the Gateway's policy sets. A caller's own is overwritten, and removed if the body has no model."""

READ_MODEL = clients.REQUEST_MODEL
"""What the header's value is, as a CEL expression.

Of two such policies on one Gateway that differ, only one works. So it is the same for all components.
"""

LONGEST_HEADER_MATCH = 4096
"""Characters. Source: `matches[].headers[].value` of the HTTPRoute."""

LONGEST_EXPRESSION = 16384
"""Characters. Source: `directResponse.bodyExpression` of the AgentgatewayPolicy."""

DEFAULT_REQUEST_BYTES = 2 * 1024 * 1024
"""What the proxies read of a body unless a policy says otherwise."""

MODELS_RULE = "models"
UNKNOWN_RULE = "unknown"

NO_MODEL = (
    "This request names no model, so no provider can be chosen. Send JSON with a model in it, not compressed and not "
    "larger than the gateway reads. Requests without a model, such as for files, go to a provider's own URL."
)

_CLIENT_LABEL = {"attributes": {"add": [{"name": "client", "expression": "apiKey.client"}]}}


def header_match(models: Iterable[str]) -> Spec:
    """Builds what a rule asks of the header, so that it takes the requests for these models."""
    return {"name": MODEL_HEADER, "type": "RegularExpression", "value": regular_expression(models)}


def policy_spec(settings: GatewaySettings) -> Spec:
    """Builds the policy by which the Gateway, or one listener of it, reads the model before it routes a request."""
    section = settings.gateway.section_name
    target = {**_gateway(settings), **({} if section is None else {"sectionName": section})}
    transformation = {"request": {"set": [{"name": MODEL_HEADER, "value": READ_MODEL}]}}
    return {"targetRefs": [target], "traffic": {"phase": "PreRouting", "transformation": transformation}}


def gateway_policy_spec(settings: GatewaySettings) -> Spec:
    """Builds the policy of the whole Gateway: how much it reads, and what its metrics and log say."""
    size = settings.max_request_bytes
    frontend: Spec = {}
    if size is not None or not settings.client_label:
        # An argument that turns out to be None has asked for this policy nevertheless.
        frontend["http"] = {"maxBufferSize": DEFAULT_REQUEST_BYTES if size is None else size}
    if settings.client_label:
        frontend |= {"metrics": _CLIENT_LABEL, "accessLog": _CLIENT_LABEL}
    return {"targetRefs": [_gateway(settings)], "frontend": frontend}


def route_spec(settings: GatewaySettings) -> Spec:
    """Builds the route, whose rules lead nowhere: policies answer. Providers' rules go before that for unknown models.

    It has no host names, so that routes with some go before it.
    """
    paths = [{"path": {"type": "Exact", "value": path}, "method": "GET"} for path in _list_paths(settings)]
    unknown = gateway_api.rule("PathPrefix", settings.route_path, [])
    return gateway_api.route_spec(
        settings.gateway.parent_ref, [], [{"name": MODELS_RULE, "matches": paths}, {"name": UNKNOWN_RULE, **unknown}]
    )


def models_policy_spec(settings: GatewaySettings) -> Spec:
    """Builds the policy that answers with the list of models."""
    expression = list_expression(settings.models, has_clients=settings.clients is not None)
    return _answer(settings, MODELS_RULE, HTTPStatus.OK, expression)


def unknown_policy_spec(settings: GatewaySettings) -> Spec:
    """Builds the policy that answers with an error, as OpenAI's API does for a model that doesn't exist."""
    path, _ = _list_paths(settings)
    model = f'coalesce(string({READ_MODEL}), "")'
    unknown = f'"The model \\"" + {model} + {_text(unknown_model(path))}'
    error = {
        "message": f'{model} == "" ? {_text(NO_MODEL)} : {unknown}',
        "type": '"invalid_request_error"',
        "param": '"model"',
        "code": '"model_not_found"',
    }
    members = ", ".join(f'"{name}": {value}' for name, value in error.items())
    return _answer(settings, UNKNOWN_RULE, HTTPStatus.NOT_FOUND, f'toJson({{"error": {{{members}}}}})')


def unknown_model(list_path: str) -> str:
    """Returns how the message goes on after the model's name."""
    return f'" is not served at this URL. GET {list_path} lists the models.'


def list_expression(models: Mapping[str, Sequence[str]], *, has_clients: bool) -> str:
    """Builds the CEL expression for the list of models by their owner, sorted, as an OpenAI client reads it.

    No pattern is in it. When a model was released isn't known, so `created` is 0. Each client gets its own models.
    """
    owners: dict[str, str] = {}
    for owner, names in sorted(models.items()):
        for name in names:
            if not is_pattern(name):
                owners.setdefault(name, owner)
    pairs = ", ".join(f"[{_text(name)}, {_text(owner)}]" for name, owner in sorted(owners.items()))
    model = '{"id": m[0], "object": "model", "created": 0, "owned_by": m[1]}'
    own = f".filter(m, {clients.may_use('m[0]')})" if has_clients else ""
    return f'toJson({{"object": "list", "data": [{pairs}]{own}.map(m, {model})}})'


def _gateway(settings: GatewaySettings) -> Spec:
    return {"group": gateway_api.GROUP, "kind": "Gateway", "name": settings.gateway.name}


def _list_paths(settings: GatewaySettings) -> tuple[str, str]:
    base = settings.route_path.rstrip("/")
    return f"{base}{VERSION}{MODELS}", f"{base}{MODELS}"


def _answer(settings: GatewaySettings, rule: str, status: HTTPStatus, body: str) -> Spec:
    """Builds a policy that answers the requests of a rule; its header's value is an expression as well."""
    route = {"group": gateway_api.GROUP, "kind": "HTTPRoute", "name": settings.names.route, "sectionName": rule}
    content_type = {"name": "content-type", "value": _text("application/json")}
    traffic: Spec = {"directResponse": {"status": int(status), "headers": [content_type], "bodyExpression": body}}
    if settings.clients is not None:
        traffic["apiKeyAuthentication"] = clients.authentication(settings.clients)
        if service := settings.rate_limit_service:
            traffic["rateLimit"] = {"global": clients.service_limits(service, settings.names.rate_limits)}
    return {"targetRefs": [route], "traffic": traffic}


def _text(text: str) -> str:
    """Writes a text as CEL does; all escapes of JSON but that for other planes of Unicode are CEL's as well."""
    return json.dumps(text, ensure_ascii=False)
