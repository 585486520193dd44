"""Says which environment variables the engine, the program and everything else that is started get."""

import logging
import os
import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.folders import REPOSITORY, StateFolder

logger = logging.getLogger(__name__)

PLACEHOLDER = "placeholder-for-a-key"

# What would lead the engine to the user's Pulumi login, stacks and cluster.
_USERS_OWN = ("PULUMI_", "KUBERNETES_")


@dataclass(frozen=True)
class Environment:
    """The user's environment variables.

    Attributes:
        shared: What every program may inherit. PULUMI_HOME is in it, since plugins are looked for there.
        keys: API keys, which the project's program alone gets.
    """

    shared: Mapping[str, str]
    keys: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment":
        keys = {name: value for name, value in variables.items() if name.endswith("_API_KEY")}
        shared = {
            name: value
            for name, value in variables.items()
            if name not in keys and (name == "PULUMI_HOME" or not name.startswith(_USERS_OWN))
        }
        return cls(shared, keys)

    def for_engine(self, state: StateFolder, pulumi: Path) -> dict[str, str]:
        """Returns all variables of the engine, which knows the local control plane and the local stacks only."""
        loopback = {
            name: ",".join(filter(None, [self.shared.get(name), "127.0.0.1", "localhost"]))
            for name in ("NO_PROXY", "no_proxy")
        }
        return {
            **self.shared,
            **loopback,
            "KUBECONFIG": str(state.kubeconfig),
            "PATH": os.pathsep.join([str(pulumi.parent), self.shared.get("PATH", os.defpath)]),
            # Without files of attributes: an engine that is killed while it writes one can't read its state again.
            "PULUMI_BACKEND_URL": f"{state.pulumi_state.as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(state.pulumi_passphrase),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(state.pulumi_home),
            # Takes the plugin in this home, and prints no warning about one on PATH.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def key_variable(self, names: Iterable[str]) -> str | None:
        """Returns the first of these variables that has a key."""
        return next(filter(self.keys.get, names), None)

    def for_program(self, wanted: Iterable[Sequence[str]]) -> dict[str, str]:
        """Returns the variables with the API keys for the program. A placeholder stands for a key that is not set.

        Args:
            wanted: For each key the names of the variables that may hold it. The first one that is set counts.
        """
        variables = {}
        for names in wanted:
            name = self.key_variable(names)
            variables[name or names[0]] = self.keys[name] if name else PLACEHOLDER
            if not name:
                logger.info(f"{' or '.join(names)} is not set: using a placeholder for the key on this machine.")
        return variables


def program_with(variables: Mapping[str, str]) -> Callable[[], None]:
    """Returns the project's `__main__.py` as a function that has these variables in its environment while it runs."""

    def program() -> None:
        before = os.environ.copy()
        os.environ.update(variables)
        try:
            runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__")
        finally:
            os.environ.clear()
            os.environ.update(before)

    return program
