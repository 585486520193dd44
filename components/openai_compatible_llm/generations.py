"""The generations of the gateway's API, by their names in `BackendApi`."""

from importlib import import_module

from .args import BackendApi
from .backend import BackendKind

DEFAULT_API = BackendApi.KGATEWAY


def backend_kind(api: BackendApi | str | None) -> BackendKind:
    """What the module of that name builds."""
    module = import_module(f".{BackendApi(api or DEFAULT_API).value}", __package__)
    kind: BackendKind = module.BACKEND
    return kind
