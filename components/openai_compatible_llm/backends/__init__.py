"""The gateway APIs that the component supports, each in a module of its own."""

from collections.abc import Mapping

from ..args import BackendApi
from . import agentgateway, kgateway
from .base import BackendDefinition

BACKENDS: Mapping[BackendApi, BackendDefinition] = {
    BackendApi.KGATEWAY: kgateway.DEFINITION,
    BackendApi.AGENTGATEWAY: agentgateway.DEFINITION,
}
DEFAULT_API = BackendApi.KGATEWAY

__all__ = ["BACKENDS", "DEFAULT_API", "BackendDefinition"]
