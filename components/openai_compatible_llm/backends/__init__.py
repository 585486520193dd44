"""The gateway APIs that the component supports, each in a module of its own."""

from collections.abc import Mapping

from ..args import BackendApi
from . import agentgateway, kgateway
from .base import SECRET_KEY, BackendDefinition, BackendReader

BACKENDS: Mapping[BackendApi, BackendDefinition] = {
    BackendApi.KGATEWAY: kgateway.DEFINITION,
    BackendApi.AGENTGATEWAY: agentgateway.DEFINITION,
}
READERS: Mapping[BackendApi, BackendReader] = {
    BackendApi.KGATEWAY: kgateway.READER,
    BackendApi.AGENTGATEWAY: agentgateway.READER,
}
DEFAULT_API = BackendApi.KGATEWAY

__all__ = ["BACKENDS", "DEFAULT_API", "READERS", "SECRET_KEY", "BackendDefinition", "BackendReader"]
