"""Objects that the policy pack refuses, by rule; each breaks that rule alone."""

import base64
import json
from collections.abc import Sequence
from typing import Any

Manifest = dict[str, Any]

NAMESPACE = "gloo-system"
HOST = "api.mistral.ai"
# In the format of OpenAI's keys.
KEY = "sk-proj-c4n4ryT3BlbkFJ0aZ9xQ7wE5rT1yU3iO"
_HOUSE_CA = [{"group": "", "kind": "ConfigMap", "name": "house-ca"}]

_AUTH_TOKEN = {"kind": "SecretRef", "secretRef": {"name": "mistral-secret"}}
_AUTH = {"secretRef": {"name": "mistral-secret"}}
_OWN_HEADER = {"name": "Authorization", "value": "hJ2kfoT4x"}


def manifest(api_version: str, kind: str, name: str, spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def backend(
    token: Any = _AUTH_TOKEN, *, name: str = "mistral", model: str = "mistral-medium-latest", **llm: Any
) -> Manifest:
    """Makes a Backend of kgateway."""
    openai = {"authToken": token, "model": model}
    spec = {"type": "AI", "ai": {"llm": {"openai": openai, "host": HOST, "port": 443, **llm}}}
    return manifest("gateway.kgateway.dev/v1alpha1", "Backend", name, spec)


def agentgateway_backend(auth: Any = _AUTH, *, tls: Any = None, name: str = "mistral", **provider: Any) -> Manifest:
    """Makes an AgentgatewayBackend."""
    policies = {"auth": auth, **({} if tls is None else {"tls": tls})}
    ai = {"provider": {"openai": {}, "host": HOST, "port": 443, **provider}}
    return manifest("agentgateway.dev/v1alpha1", "AgentgatewayBackend", name, {"ai": ai, "policies": policies})


def keyless_backend(**provider: Any) -> Manifest:
    """Makes an AgentgatewayBackend without a key, by default of the provider `openai`."""
    ai = {"provider": {**(provider or {"openai": {}}), "host": HOST, "port": 8000}}
    return manifest("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "mistral", {"ai": ai})


def two_providers(port: int = 443, **policies: Any) -> Manifest:
    """Makes an AgentgatewayBackend with two providers, `first` and `second`, of one group."""
    return groups([_of_group("first", port, **policies), _of_group("second", port, **policies)])


def first_and_fallback(**of_fallback: Any) -> Manifest:
    """Makes an AgentgatewayBackend with two groups, of which the first provider has its TLS inline."""
    first = _of_group("first", 443, tls={"sni": "first.example.com"})
    return groups([first], [_of_group("second", 443, **of_fallback)])


def groups(*providers: list[Manifest]) -> Manifest:
    ai = {"groups": [{"providers": each} for each in providers]}
    return manifest("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "mistral", {"ai": ai})


def _of_group(name: str, port: int, **policies: Any) -> Manifest:
    endpoint = {"name": name, "openai": {}, "host": f"{name}.example.com", "port": port}
    return {**endpoint, "policies": {"auth": _AUTH, **policies}}


def tls_policy(backend: Manifest, hostname: str = HOST, section: str = "", **validation: Any) -> Manifest:
    name = backend["metadata"]["name"]
    target = {"group": backend["apiVersion"].partition("/")[0], "kind": backend["kind"], "name": name}
    if section:
        target["sectionName"] = section
    checks = validation or {"wellKnownCACertificates": "System"}
    spec = {"targetRefs": [target], "validation": {"hostname": hostname, **checks}}
    return manifest("gateway.networking.k8s.io/v1", "BackendTLSPolicy", f"{name}-tls", spec)


def mcp_backend() -> Manifest:
    """Makes an AgentgatewayBackend with an MCP target instead of a provider."""
    static = {"host": HOST, "port": 443}
    spec = {"mcp": {"targets": [{"name": "tools", "static": static}]}}
    return manifest("agentgateway.dev/v1alpha1", "AgentgatewayBackend", "mistral", spec)


def route(*filters: Any, path: str = "/mistral", **matched: Any) -> Manifest:
    backend_ref = {"group": "gateway.kgateway.dev", "kind": "Backend", "name": "mistral"}
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": path}, **matched}], "backendRefs": [backend_ref]}
    spec = {"parentRefs": [{"name": "agentgateway"}], "rules": [{**rule, "filters": list(filters)}]}
    return manifest("gateway.networking.k8s.io/v1", "HTTPRoute", "mistral", spec)


def route_to(backend: Manifest) -> Manifest:
    """Makes a route that leads to this backend."""
    made = route()
    group = backend["apiVersion"].partition("/")[0]
    reference = {"group": group, "kind": backend["kind"], "name": backend["metadata"]["name"]}
    made["spec"]["rules"][0]["backendRefs"] = [reference]
    return made


RULE_FOR_PATHS = {"action": "Require", "policy": {"matchExpressions": ["true"]}}


def access_policy(kind: str = "HTTPRoute", name: str = "mistral", mode: str = "Strict", **traffic: Any) -> Manifest:
    """Makes an AgentgatewayPolicy by which this object asks for a client's key, unless `traffic` says otherwise."""
    target = {"group": "gateway.networking.k8s.io", "kind": kind, "name": name}
    asks = traffic or {"apiKeyAuthentication": {"mode": mode, "secretRef": {"name": "mistral-clients"}}}
    spec = {"targetRefs": [target], "traffic": asks}
    return manifest("agentgateway.dev/v1alpha1", "AgentgatewayPolicy", name, spec)


def access_policy_for(section: str, kind: str = "HTTPRoute", name: str = "mistral", **traffic: Any) -> Manifest:
    """Makes the policy for one rule of the route, or for one listener of the Gateway."""
    policy = access_policy(kind, name, **traffic)
    policy["spec"]["targetRefs"][0]["sectionName"] = section
    return policy


def at(*parents: Manifest, rules: Sequence[Any] = (None,)) -> list[Manifest]:
    """Makes an AgentgatewayBackend, and a route from these parents with a rule to it for each of these names."""
    backend = agentgateway_backend(port=8443)
    made = route_to(backend)
    (rule,) = made["spec"]["rules"]
    named = [rule if name is None else {**rule, "name": name} for name in rules]
    made["spec"] |= {"parentRefs": list(parents) or made["spec"]["parentRefs"], "rules": named}
    return [backend, made]


def without_parents(route: Manifest) -> Manifest:
    return {**route, "spec": {"rules": route["spec"]["rules"]}}


def access_policy_by_labels() -> Manifest:
    """Makes an AgentgatewayPolicy that asks the clients of some routes for a key."""
    policy = access_policy()
    spec = {
        "targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"team": "a"}}],
        "traffic": policy["spec"]["traffic"],
    }
    return {**policy, "spec": spec}


def client_secret(*, name: str = "mistral-clients", encoded: bool = False, **entries: Any) -> Manifest:
    """Makes a Secret with these entries for clients."""
    field = "data" if encoded else "stringData"
    texts = {client: base64.b64encode(each.encode()).decode() if encoded else each for client, each in entries.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, field: texts}


def traffic_policy(**spec: Any) -> Manifest:
    """Makes a TrafficPolicy of kgateway for the route."""
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "mistral"}
    return manifest("gateway.kgateway.dev/v1alpha1", "TrafficPolicy", "mistral", {"targetRefs": [target], **spec})


def set_header(name: str, value: str) -> Manifest:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": name, "value": value}]}}


def in_another_namespace(obj: Manifest) -> Manifest:
    return {**obj, "metadata": {**obj["metadata"], "namespace": "elsewhere"}}


INLINE_TOKENS = {
    "a Backend": [backend({"kind": "Inline", "inline": KEY}, port=8443)],
    "an AgentgatewayBackend": [agentgateway_backend({"key": KEY}, port=8443)],
    "one of several providers": [two_providers(port=8443, auth={"key": KEY})],
    "a fallback": [first_and_fallback(auth={"key": KEY}, tls={"sni": "second.example.com"})],
}

KEYS_IN_SPECS = {
    "a model": [backend(model=KEY, port=8443)],
    "a path": [agentgateway_backend(path=f"/v1/chat/completions?key={KEY}", port=8443)],
    "a path prefix": [agentgateway_backend(pathPrefix=f"/{KEY}/v1", port=8443)],
    "a header": [route(set_header("X-Token", f"Bearer {KEY}"))],
    "a header that carries keys": [route(set_header("Authorization", "hJ2kfoT4x"))],
    "a policy's header": [access_policy(headerModifiers={"request": {"set": [_OWN_HEADER]}})],
}

WITHOUT_TLS = {
    "a Backend": [backend()],
    "an AgentgatewayBackend": [agentgateway_backend()],
    "a policy in another namespace": [backend(), in_another_namespace(tls_policy(backend()))],
    "a policy for the other API": [backend(), tls_policy(agentgateway_backend())],
    "a policy for another name": [backend(), tls_policy(backend(name="deepseek"))],
    "a policy for a section that the backend lacks": [backend(), tls_policy(backend(), section="first")],
    "an MCP target": [mcp_backend()],
    "a policy for one of two providers": [
        two_providers(),
        tls_policy(two_providers(), "first.example.com", "first"),
    ],
    "a fallback": [first_and_fallback()],
}

WRONG_HOSTNAMES = {
    "a Backend": [backend(), tls_policy(backend(), "api.deepseek.com")],
    "an AgentgatewayBackend": [agentgateway_backend(), tls_policy(agentgateway_backend(), "api.deepseek.com")],
    "another port": [backend(port=8443), tls_policy(backend(), "api.deepseek.com")],
    "an own certificate authority": [backend(), tls_policy(backend(), "llm.internal", caCertificateRefs=_HOUSE_CA)],
    "a section": [two_providers(port=8443), tls_policy(two_providers(), "first.example.com", "second")],
    "the backend's own TLS": [agentgateway_backend(tls={"sni": "api.deepseek.com"})],
    "a fallback's own TLS": [first_and_fallback(tls={"sni": "first.example.com"})],
    "a fallback without TLS of its own": [first_and_fallback(), tls_policy(first_and_fallback(), "first.example.com")],
}

_AGENTGATEWAY_ROUTE = [agentgateway_backend(port=8443), route_to(agentgateway_backend())]
TWO_RULES = at(rules=("own", "shared"))
LISTENER = {"name": "agentgateway", "sectionName": "llm"}
EDGE = {"name": "edge", "namespace": "infra"}
READS_MODEL: dict[str, Any] = {
    "phase": "PreRouting",
    "transformation": {"request": {"set": [{"name": "x-llm-model", "value": "json(request.body).model"}]}},
}
_LIMIT = {"local": [{"requests": 5, "unit": "Minutes"}]}

OPEN_ROUTES = {
    "an AgentgatewayBackend": _AGENTGATEWAY_ROUTE,
    "a Backend": [backend(port=8443), route_to(backend())],
    "several providers": [two_providers(port=8443), route_to(two_providers())],
    "a policy without authentication": [*_AGENTGATEWAY_ROUTE, access_policy(rateLimit=_LIMIT)],
    "a policy that lets anyone pass": [*_AGENTGATEWAY_ROUTE, access_policy(mode="Optional")],
    "a policy that lets wrong keys pass": [*_AGENTGATEWAY_ROUTE, access_policy(mode="Permissive")],
    "a policy for another route": [*_AGENTGATEWAY_ROUTE, access_policy(name="deepseek")],
    "a policy in another namespace": [*_AGENTGATEWAY_ROUTE, in_another_namespace(access_policy())],
    "a policy for another Gateway": [*_AGENTGATEWAY_ROUTE, access_policy("Gateway", "edge")],
    "a policy of the other API": [backend(port=8443), route_to(backend()), access_policy()],
    "a rule for paths alone": [
        *_AGENTGATEWAY_ROUTE,
        access_policy(authorization={"action": "Require", "policy": {"matchExpressions": ["true"]}}),
    ],
    "a policy for another rule": [*TWO_RULES, access_policy_for("shared")],
    "a policy for the rule of a name that no rule has": [*_AGENTGATEWAY_ROUTE, access_policy_for("own")],
    "a policy for another listener": [*at(LISTENER), access_policy_for("public", "Gateway", "agentgateway")],
    "a policy for one listener of all": [*_AGENTGATEWAY_ROUTE, access_policy_for("llm", "Gateway", "agentgateway")],
    "a policy for one of two Gateways": [*at(LISTENER, EDGE), access_policy("Gateway", "agentgateway")],
    "a policy that reads the model": [*_AGENTGATEWAY_ROUTE, access_policy("Gateway", "agentgateway", **READS_MODEL)],
    "a route without parents": [_AGENTGATEWAY_ROUTE[0], without_parents(_AGENTGATEWAY_ROUTE[1])],
    "credentials of the cloud": [keyless_backend(bedrock={}), route_to(keyless_backend(bedrock={}))],
}

HASHED = json.dumps({"keyHash": f"sha256:{'0' * 64}", "metadata": {"client": "web"}})

BARE_KEYS = {
    "a bare key": [access_policy(), client_secret(web=KEY, cron=HASHED)],
    "an encoded key": [access_policy(), client_secret(web=KEY, encoded=True)],
    "a key in JSON": [access_policy(), client_secret(web=json.dumps({"key": KEY}))],
    "a key beside its hash": [access_policy(), client_secret(web=json.dumps({"key": KEY, "keyHash": "sha256:0"}))],
    "a number": [access_policy(), client_secret(web="12345678901234567890")],
    "a policy for a Gateway": [access_policy("Gateway", "edge"), client_secret(web=KEY)],
}

REFUSED = {
    "no-inline-token": INLINE_TOKENS,
    "no-key-in-spec": KEYS_IN_SPECS,
    "backend-has-tls": WITHOUT_TLS,
    "tls-hostname-is-host": WRONG_HOSTNAMES,
    "routes-ask-for-a-key": OPEN_ROUTES,
    "clients-keys-are-hashed": BARE_KEYS,
}
ADVISORY = {"routes-ask-for-a-key"}
"""Rules that only warn, unless they are configured to refuse."""
