"""Builds the Gateways that routes attach to."""

from components.openai_compatible_llm.inputs.placement import DEFAULT_GATEWAY as DEFAULT_NAME
from components.openai_compatible_llm.inputs.placement import DEFAULT_NAMESPACE
from local.control_plane.api_server import Manifest, namespace_objects
from local.gateway.api import KGATEWAY, Gateway

# The Gateway of a stack that names none. It is there even if no gateway runs, and then nothing listens on its port.
DEFAULT_GATEWAY = Gateway(KGATEWAY, DEFAULT_NAMESPACE, DEFAULT_NAME, port=8080)

_GATEWAY_API = "gateway.networking.k8s.io/v1"


def gateway_objects(gateway: Gateway) -> list[Manifest]:
    """Returns a Gateway, after what it needs."""
    gateway_class = {
        "apiVersion": _GATEWAY_API,
        "kind": "GatewayClass",
        "metadata": {"name": gateway.api.gateway_class},
        "spec": {"controllerName": gateway.api.controller_name},
    }
    return [*namespace_objects([gateway.namespace]), gateway_class, gateway_manifest(gateway)]


def gateway_manifest(gateway: Gateway) -> Manifest:
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": gateway.port,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return {
        "apiVersion": _GATEWAY_API,
        "kind": "Gateway",
        "metadata": {"name": gateway.name, "namespace": gateway.namespace},
        "spec": {"gatewayClassName": gateway.api.gateway_class, "listeners": [listener]},
    }
