"""The same objects by the component, by a flat Pulumi program as one would write it by hand, and as manifests."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

MODEL = "example-model"
HOST = "api.example.com"
GATEWAY = "agentgateway"
MADE_BEFORE = {"Backend": ["Secret"], "BackendTLSPolicy": ["Backend"], "HTTPRoute": ["Backend", "BackendTLSPolicy"]}


def names(count: int) -> list[str]:
    return [f"provider-{number:03}" for number in range(count)]


def keys(count: int, *, rotated: bool) -> dict[str, str]:
    """A key a provider; `rotated` gives the first one another."""
    found = {name: f"sk-of-{name}" for name in names(count)}
    return found | ({names(count)[0]: "sk-rotated"} if rotated else {})


def manifests(namespace: str, api_keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The four objects of each provider."""
    for name, key in api_keys.items():
        backend = {"group": "gateway.kgateway.dev", "kind": "Backend", "name": name}
        llm = {
            "host": HOST,
            "port": 443,
            "path": {"full": "/v1/chat/completions"},
            "openai": {"model": MODEL, "authToken": {"kind": "SecretRef", "secretRef": {"name": f"{name}-secret"}}},
        }
        rule = {
            "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}"}}],
            "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": HOST}}],
            "backendRefs": [{**backend, "namespace": namespace}],
        }
        parent = {"name": GATEWAY, "namespace": namespace}
        validation = {"hostname": HOST, "wellKnownCACertificates": "System"}
        yield {
            **_head("v1", "Secret", f"{name}-secret", namespace),
            "type": "Opaque",
            "stringData": {"Authorization": key},
        }
        yield {
            **_head("gateway.kgateway.dev/v1alpha1", "Backend", name, namespace),
            "spec": {"type": "AI", "ai": {"llm": llm}},
        }
        yield {
            **_head("gateway.networking.k8s.io/v1", "BackendTLSPolicy", f"{name}-tls", namespace),
            "spec": {"targetRefs": [backend], "validation": validation},
        }
        yield {
            **_head("gateway.networking.k8s.io/v1", "HTTPRoute", name, namespace),
            "spec": {"parentRefs": [parent], "rules": [rule]},
        }


def component(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    def program() -> None:
        # Here, so that the flat program does not pay for it.
        from components import OpenAICompatibleLLM

        for name, key in api_keys.items():
            OpenAICompatibleLLM(
                name,
                {"host": HOST, "model": MODEL, "namespace": namespace, "api_key": pulumi.Output.secret(key)},
            )

    return program


def flat(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    """In the same order: what an object refers to is there before it."""

    def program() -> None:
        made: dict[str, pulumi.Resource] = {}
        for manifest in manifests(namespace, api_keys):
            kind, metadata = manifest["kind"], manifest["metadata"]
            if kind == "Secret":
                key = {name: pulumi.Output.secret(value) for name, value in manifest["stringData"].items()}
                made = {kind: Secret(metadata["name"], metadata=metadata, type=manifest["type"], string_data=key)}
                continue
            made[kind] = CustomResource(
                metadata["name"],
                manifest["apiVersion"],
                kind,
                metadata=metadata,
                spec=manifest["spec"],
                opts=pulumi.ResourceOptions(depends_on=[made[each] for each in MADE_BEFORE[kind]]),
            )

    return program


class EmptyComponent(pulumi.ComponentResource):
    """One more resource, and nothing else."""

    def __init__(self, name: str) -> None:
        super().__init__("bench:index:EmptyComponent", name)
        self.register_outputs({})


def least(namespace: str, api_keys: dict[str, str]) -> Callable[[], None]:
    """The flat program with an empty component a provider: no component can cost less than this."""

    def program() -> None:
        for name in api_keys:
            EmptyComponent(name)
        flat(namespace, api_keys)()

    return program


def _head(api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
