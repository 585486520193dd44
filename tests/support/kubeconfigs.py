"""Writes kubeconfigs with several contexts."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

NOWHERE = "https://127.0.0.1:9"
"""A server that doesn't answer."""


def write_contexts(file: Path, contexts: Mapping[str, Path | None], current: str) -> Path:
    """Writes one kubeconfig with a context for each server.

    Args:
        file: Where to write it.
        contexts: By the context's name, the kubeconfig of its server; None for a server that doesn't answer.
        current: The context that is current.
    """
    content: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": current}
    content |= {"clusters": [], "users": [], "contexts": []}
    known = next(each for each in contexts.values() if each)
    for name, kubeconfig in contexts.items():
        read = yaml.safe_load((kubeconfig or known).read_text())
        (cluster,), (user,) = copy.deepcopy(read["clusters"]), copy.deepcopy(read["users"])
        if kubeconfig is None:
            cluster["cluster"]["server"] = NOWHERE
        content["clusters"].append({**cluster, "name": name})
        content["users"].append({**user, "name": name})
        content["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    file.write_text(yaml.safe_dump(content))
    file.chmod(0o600)
    return file
