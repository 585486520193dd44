"""Creates the same objects with the component, with flat Pulumi programs, and as manifests."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

MODEL = "example-model"
HOST = "api.example.com"
DEPENDS_ON = {"Backend": ["Secret"], "BackendTLSPolicy": ["Backend"], "HTTPRoute": ["Backend", "BackendTLSPolicy"]}


def keys(count: int, *, rotated: bool) -> dict[str, str]:
    """Returns a key for each provider; `rotated` changes the first one's."""
    found = {f"provider-{number:03}": f"sk-of-{number:03}" for number in range(count)}
    return found | ({"provider-000": "sk-rotated"} if rotated else {})


def manifests(namespace: str, api_keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yields the four objects of each provider."""

    def manifest(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}

    for name, key in api_keys.items():
        backend = {"group": "gateway.kgateway.dev", "kind": "Backend", "name": name}
        auth_token = {"kind": "SecretRef", "secretRef": {"name": f"{name}-secret"}}
        openai = {"model": MODEL, "authToken": auth_token}
        llm = {"host": HOST, "port": 443, "path": {"full": "/v1/chat/completions"}, "openai": openai}
        policy = {"targetRefs": [backend], "validation": {"hostname": HOST, "wellKnownCACertificates": "System"}}
        rule = {
            "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}"}}],
            "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": HOST}}],
            "backendRefs": [{**backend, "namespace": namespace}],
        }
        route = {"parentRefs": [{"name": "agentgateway", "namespace": namespace}], "rules": [rule]}
        gateway_api = "gateway.networking.k8s.io/v1"
        yield manifest("v1", "Secret", f"{name}-secret", type="Opaque", stringData={"Authorization": key})
        yield manifest("gateway.kgateway.dev/v1alpha1", "Backend", name, spec={"type": "AI", "ai": {"llm": llm}})
        yield manifest(gateway_api, "BackendTLSPolicy", f"{name}-tls", spec=policy)
        yield manifest(gateway_api, "HTTPRoute", name, spec=route)


def component(namespace: str, api_keys: dict[str, str], **more: Any) -> Callable[[], None]:
    def program() -> None:
        # Imported here, so that the flat program doesn't pay for it.
        from components import OpenAICompatibleLLM

        for name, key in api_keys.items():
            secret = pulumi.Output.secret(key)
            args: Any = {"host": HOST, "model": MODEL, "namespace": namespace, "api_key": secret, **more}
            OpenAICompatibleLLM(name, args)

    return program


def agentgateway(namespace: str, api_keys: dict[str, str], **more: Any) -> Callable[[], None]:
    return component(namespace, api_keys, api="agentgateway", **more)


def fallback(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    other = {"name": "other", "host": "api.example.org", "model": MODEL, "api_key": "sk-of-the-fallback"}
    return agentgateway(namespace, api_keys, fallbacks=[other])


def clients(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    return agentgateway(namespace, api_keys, client_api_keys={"web": "of-the-client-0123456789"})


def flat(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    """Returns a program as one would write it by hand, which creates each object after those that it refers to."""

    def program() -> None:
        made: dict[str, pulumi.Resource] = {}
        for manifest in manifests(namespace, api_keys):
            kind, metadata = manifest["kind"], manifest["metadata"]
            name, version = metadata["name"], manifest["apiVersion"]
            if kind == "Secret":
                key = {"Authorization": pulumi.Output.secret(manifest["stringData"]["Authorization"])}
                made = {kind: Secret(name, metadata=metadata, type=manifest["type"], string_data=key)}
            else:
                options = pulumi.ResourceOptions(depends_on=[made[each] for each in DEPENDS_ON[kind]])
                spec = manifest["spec"]
                made[kind] = CustomResource(name, version, kind, metadata=metadata, spec=spec, opts=options)

    return program


class EmptyComponent(pulumi.ComponentResource):
    """Adds one resource without children."""

    def __init__(self, name: str) -> None:
        super().__init__("bench:index:EmptyComponent", name)
        self.register_outputs({})


def baseline(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    """Returns the flat program with an empty component for each provider; no component can cost less."""

    def program() -> None:
        for name in api_keys:
            EmptyComponent(name)
        flat(namespace, api_keys)()

    return program
