"""Puts a stack back as an older version of the component left it: its state, and its objects on the cluster.

`released/` has what `pulumi stack export` printed after commit a1137f8's program had run with the official provider:
one stack for each API, with a made-up key, and without times.
"""

import json
from pathlib import Path
from typing import Any

from tests.gateway.deployment import KEY, Deployment
from tests.support.cluster import Cluster

RELEASED = Path(__file__).with_name("released")

State = dict[str, Any]


def restore(deployment: Deployment, cluster: Cluster) -> None:
    """Creates the objects and imports their state, with the test's own namespace, path, port and Gateway."""
    state = json.loads((RELEASED / f"{deployment.api}.json").read_text(), object_hook=_Here(deployment))
    for resource in state["deployment"]["resources"]:
        if resource["type"].startswith("kubernetes:"):
            _create(resource, cluster)
    file = deployment.project.folder / "released.json"
    file.write_text(json.dumps(state))
    deployment.project("stack", "import", "--stack", deployment.project.stack, "--file", str(file))


class _Here:
    """Replaces the values that are others in each test."""

    def __init__(self, deployment: Deployment) -> None:
        gateway = deployment.gateway
        self._values: dict[Any, Any] = {
            "llm-released": deployment.namespace,
            "/llm-released": deployment.route_path,
            "gateway-released": gateway.name,
            65123: deployment.provider.port,
        }

    def __call__(self, found: State) -> State:
        return {name: self._replaced(value) for name, value in found.items()}

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("llm-released/"):
            return value.replace("llm-released", self._values["llm-released"])
        return self._values.get(value, value) if isinstance(value, str | int) else value


def _create(resource: State, cluster: Cluster) -> None:
    """Creates the object as the provider did, and writes into the state what identifies it now."""
    given, metadata = resource["inputs"], resource["outputs"]["metadata"]
    (written,) = metadata["managedFields"]
    assert written["operation"] == "Update"
    # The state has the key encrypted.
    secret = {"data": None, "stringData": {"Authorization": KEY}} if given["kind"] == "Secret" else {}
    created = cluster.create({**given, **secret}, field_manager=written["manager"])
    resource["outputs"]["metadata"] = created["metadata"]
