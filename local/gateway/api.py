"""Configures the controllers and proxies of each gateway API so that they can run beside each other.

Builds the Gateways that routes attach to.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from components.openai_compatible_llm.inputs.placement import DEFAULT_GATEWAY as DEFAULT_NAME
from components.openai_compatible_llm.inputs.placement import DEFAULT_NAMESPACE
from local.control_plane.api_server import Manifest, namespace_objects
from local.folders import StateFolder


@dataclass(frozen=True, eq=False)
class GatewayApi:
    """A gateway API and its controller.

    Attributes:
        name: Its value of the component's argument `api`.
        gateway_class: Name of the GatewayClass. Both controllers have the same default, so one gets another name.
        controller_name: The controller's name in the GatewayClass.
        namespace: The namespace that the controller believes to run in. It must exist.
        xds_port_variable: Environment variable for the controller's xDS port. Its other ports can't be changed.
        settings: Further environment variables of the controller.
    """

    name: str
    gateway_class: str
    controller_name: str
    namespace: str
    xds_port_variable: str
    settings: Mapping[str, str]

    @property
    def controller(self) -> str:
        """Name of the controller's process, and of its xDS port in the file of ports."""
        return f"{self.name}-controller"

    def controller_environment(self, state: StateFolder, xds_port: int) -> dict[str, str]:
        """Returns the controller's environment variables."""
        return {
            "KUBECONFIG": str(state.kubeconfig),
            "POD_NAMESPACE": self.namespace,
            self.xds_port_variable: str(xds_port),
            **self.settings,
        }


KGATEWAY = GatewayApi(
    name="kgateway",
    gateway_class="agentgateway",
    controller_name="kgateway.dev/agentgateway",
    namespace="kgateway-system",
    xds_port_variable="KGW_AGENTGATEWAY_XDS_SERVICE_PORT",
    settings={
        "KGW_DISABLE_LEADER_ELECTION": "true",
        "KGW_ENABLE_AGENTGATEWAY": "true",
        "KGW_XDS_AUTH": "false",
        # The xDS port for Envoy proxies, which don't run here: 0 is any free port.
        "KGW_XDS_SERVICE_PORT": "0",
    },
)
AGENTGATEWAY = GatewayApi(
    name="agentgateway",
    gateway_class="agentgateway-v1",
    controller_name="agentgateway.dev/agentgateway",
    namespace="agentgateway-system",
    xds_port_variable="AGW_AGENTGATEWAY_XDS_SERVICE_PORT",
    settings={
        "AGW_AGENTGATEWAY_CLASS_NAME": "agentgateway-v1",
        "AGW_DISABLE_LEADER_ELECTION": "true",
        "AGW_XDS_AUTH": "false",
        "AGW_XDS_TLS": "false",
    },
)
GATEWAY_APIS = {api.name: api for api in (KGATEWAY, AGENTGATEWAY)}


@dataclass(frozen=True)
class Gateway:
    """A Gateway of the local control plane, and the port on which its proxy listens: 0 until one is chosen."""

    api: GatewayApi
    namespace: str
    name: str
    port: int = 0

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def proxy(self) -> str:
        """Name of the proxy's process."""
        return f"proxy.{self.namespace}.{self.name}"

    def proxy_environment(self, xds_port: int) -> dict[str, str]:
        """Returns the proxy's environment variables, which on a cluster come from its pod. Port 0 is any free port."""
        return {
            "XDS_ADDRESS": f"http://127.0.0.1:{xds_port}",
            "NAMESPACE": self.namespace,
            "GATEWAY": self.name,
            "POD_NAMESPACE": self.namespace,
            "POD_NAME": f"{self.name}-0",
            "GW_NAME": self.name,
            "NODE_NAME": "local",
            "ADMIN_ADDR": "127.0.0.1:0",
            "STATS_ADDR": "127.0.0.1:0",
            "READINESS_ADDR": "127.0.0.1:0",
        }


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
