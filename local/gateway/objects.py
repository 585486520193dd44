"""Builds the Gateways that routes attach to."""

from components.openai_compatible_llm.inputs.placement import DEFAULT_GATEWAY as DEFAULT_NAME
from components.openai_compatible_llm.inputs.placement import DEFAULT_NAMESPACE
from local.control_plane.api_server import ClusterObject
from local.control_plane.objects import namespace_objects, object_at
from local.gateway.api import KGATEWAY, Gateway

# The Gateway of a stack that names none. It is there even if no gateway runs, and then nothing listens on its port.
DEFAULT_GATEWAY = Gateway(KGATEWAY, DEFAULT_NAMESPACE, DEFAULT_NAME, port=8080)

_GATEWAY_API = "gateway.networking.k8s.io/v1"


def gateway_objects(gateway: Gateway) -> list[ClusterObject]:
    """Return a Gateway, and what it needs, as objects to apply."""
    gateway_class = {
        "apiVersion": _GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": gateway.api.gateway_class},
        "spec": {"controllerName": gateway.api.controller_name},
    }
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": gateway.port,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    manifest = {
        "apiVersion": _GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": gateway.name, "namespace": gateway.namespace},
        "spec": {"gatewayClassName": gateway.api.gateway_class, "listeners": [listener]},
    }
    return [
        *namespace_objects([gateway.namespace]),
        object_at(f"/apis/{_GATEWAY_API}/gatewayclasses/{gateway.api.gateway_class}", gateway_class),
        object_at(gateway_path(gateway), manifest),
    ]


def gateway_path(gateway: Gateway) -> str:
    """Return the Gateway's URL path at the API server."""
    return f"/apis/{_GATEWAY_API}/namespaces/{gateway.namespace}/gateways/{gateway.name}"
