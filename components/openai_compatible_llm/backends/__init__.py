"""The gateway APIs that the component supports, each in a module of its own."""

from collections.abc import Mapping

from ..args import BackendApi
from . import agentgateway, kgateway
from .base import SECRET_KEY, BackendDefinition, BackendReader

READERS: Mapping[BackendApi, BackendReader] = {
    BackendApi.KGATEWAY: kgateway.KgatewayReader(),
    BackendApi.AGENTGATEWAY: agentgateway.AgentgatewayReader(),
}
BACKENDS: Mapping[BackendApi, BackendDefinition] = {api: reader.definition for api, reader in READERS.items()}
AGENTGATEWAY = BACKENDS[BackendApi.AGENTGATEWAY]
DEFAULT_API = BackendApi.KGATEWAY

__all__ = ["AGENTGATEWAY", "BACKENDS", "DEFAULT_API", "READERS", "SECRET_KEY", "BackendDefinition", "BackendReader"]
