"""Reads agentgateway's own files, which are in its Go module."""

from typing import Any

from local.control_plane.custom_resource_definitions import AGENTGATEWAY, CRD_FILES, parse
from local.toolchain.go import download_module


def parameters_definition() -> dict[str, Any]:
    """Returns the definition of the objects that say how the controller deploys a Gateway."""
    backends, *_ = CRD_FILES[AGENTGATEWAY]
    (definition,) = parse([download_module(AGENTGATEWAY) / backends.replace("backends", "parameters")])
    return definition


def deployed_for(case: str, kind: str) -> dict[str, Any]:
    """Returns what the controller's own tests expect it to create for a Gateway that is called gw.

    Args:
        case: The name of one of its test cases.
        kind: The object's kind.
    """
    file = download_module(AGENTGATEWAY) / f"controller/test/deployer/testdata/agentgateway-{case}-out.yaml"
    (found,) = (each for each in parse([file]) if each["kind"] == kind)
    return found
