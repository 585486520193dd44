"""What the controllers and proxies of each gateway API are told, so that several run beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.folders import StateFolder


@dataclass(frozen=True, eq=False)
class GatewayApi:
    """A gateway API and its controller.

    Attributes:
        name: As the component's argument `api` has it.
        gateway_class: Name of the GatewayClass. The controllers' defaults are the same, so one of them gets another.
        controller_name: What the GatewayClass names.
        namespace: The controller takes it for its own. It must exist.
        xds_port_variable: Sets the port on which proxies find the controller. Its other ports can't be changed.
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
        """Name of the controller's process, and of its xDS port."""
        return f"{self.name}-controller"

    def controller_environment(self, state: StateFolder, xds_port: int) -> dict[str, str]:
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
        # For Envoy, which nobody runs here: any free port.
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
    """A Gateway of the local control plane, and the port on which its proxy listens."""

    api: GatewayApi
    namespace: str
    name: str
    port: int

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
        """No pod runs here, so that the proxy is told which Gateway it is. Nobody needs its other ports: any free."""
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
