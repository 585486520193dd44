"""Hides the user's Pulumi login, stacks and cluster from the engine."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from local.folders import StateFolder


def isolate(environment: MutableMapping[str, str], state: StateFolder, pulumi: Path) -> None:
    """Change the environment, all of which the Automation API passes on, to that of the local control plane."""
    for name in list(environment):
        if name.startswith(("PULUMI_", "KUBERNETES_")):
            del environment[name]
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), "127.0.0.1", "localhost"]))
    environment.update(
        {
            "KUBECONFIG": str(state.kubeconfig),
            "PATH": os.pathsep.join([str(pulumi.parent), environment.get("PATH", os.defpath)]),
            "PULUMI_BACKEND_URL": state.pulumi_state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(state.pulumi_passphrase),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(state.pulumi_home),
            # Takes the plugin in this home, and prints no warning about one on PATH.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
    )
