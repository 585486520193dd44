"""The gateway APIs that the component supports, each in a module of its own."""

from collections.abc import Mapping

from ..args import BackendApi
from . import agentgateway, kgateway
from .base import EACH, SECRET_KEY, BackendDefinition

BACKENDS: Mapping[BackendApi, BackendDefinition] = {
    BackendApi.KGATEWAY: kgateway.DEFINITION,
    BackendApi.AGENTGATEWAY: agentgateway.DEFINITION,
}
DEFAULT_API = BackendApi.KGATEWAY


def find_by_group(group: str) -> BackendDefinition | None:
    """Returns the definition of the API whose backends are of this API group; None where there is none."""
    return next((definition for definition in BACKENDS.values() if definition.group == group), None)


__all__ = ["BACKENDS", "DEFAULT_API", "EACH", "SECRET_KEY", "BackendDefinition", "find_by_group"]
