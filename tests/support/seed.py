"""The walk-throughs' objects, as the API server should have them."""

from typing import Any

NAMESPACE = "gloo-system"


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE}


def manifests(name: str, host: str, model: str, *, rewrite_host: bool = True) -> dict[str, dict[str, Any]]:
    """Returns the four objects by kind, the Secret without the key.

    The walk-through for Mistral has the URLRewrite filter, the one for DeepSeek has none.
    """
    rewrite = {"filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": host}}]} if rewrite_host else {}
    backend = {"name": name, "kind": "Backend", "group": "gateway.kgateway.dev"}
    openai = {"authToken": {"kind": "SecretRef", "secretRef": {"name": f"{name}-secret"}}, "model": model}
    llm = {"openai": openai, "host": host, "port": 443, "path": {"full": "/v1/chat/completions"}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}"}}],
        "backendRefs": [{**backend, "namespace": NAMESPACE}],
        **rewrite,
    }
    return {
        "Secret": {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(f"{name}-secret"), "type": "Opaque"},
        "Backend": {
            "apiVersion": "gateway.kgateway.dev/v1alpha1",
            "kind": "Backend",
            "metadata": _metadata(name),
            "spec": {"type": "AI", "ai": {"llm": llm}},
        },
        "HTTPRoute": {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": _metadata(name),
            "spec": {"parentRefs": [{"name": "agentgateway", "namespace": NAMESPACE}], "rules": [rule]},
        },
        "BackendTLSPolicy": {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "BackendTLSPolicy",
            "metadata": _metadata(f"{name}-tls"),
            "spec": {
                "targetRefs": [backend],
                "validation": {"hostname": host, "wellKnownCACertificates": "System"},
            },
        },
    }


MISTRAL = manifests("mistral", "api.mistral.ai", "mistral-medium-2505")
DEEPSEEK = manifests("deepseek", "api.deepseek.com", "deepseek-chat", rewrite_host=False)
