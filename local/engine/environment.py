"""What the engine and its provider get to see of this machine: nothing of the user's login, stacks or cluster."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from local.folders import StateFolder


def isolate(environment: MutableMapping[str, str], state: StateFolder, pulumi: Path) -> None:
    """Changes the environment for good, as the Automation API hands on all of it."""
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
            # The plugin in that home is the one to take, without a warning that it is on PATH.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
    )
