"""Keeps API keys out of the environment of every process that is started, and hands them to the program alone."""

import logging
import os
import runpy
import sys
from collections.abc import Callable, Iterable, MutableMapping, Sequence

from local.folders import REPOSITORY

logger = logging.getLogger(__name__)

PLACEHOLDER = "placeholder-for-a-key"


class ApiKeys:
    """Takes the API keys out of an environment.

    Attributes:
        used: Variables whose keys were handed out.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._taken = {name: environment.pop(name) for name in list(environment) if name.endswith("_API_KEY")}
        self.used: list[str] = []

    def of(self, keys: Iterable[Sequence[str]]) -> dict[str, str]:
        """Return the variables for these keys, each under the first name that is set; a placeholder if none is.

        Args:
            keys: For each key the names of the variables that may hold it.
        """
        environment = {}
        for variables in keys:
            variable = next((name for name in variables if self._taken.get(name)), None)
            if variable is None:
                environment[variables[0]] = PLACEHOLDER
                logger.warning(f"{' or '.join(variables)} is not set: using a placeholder for the key on this machine.")
            else:
                environment[variable] = self._taken[variable]
                self.used.append(variable)
        return environment


def program_with(keys: dict[str, str]) -> Callable[[], None]:
    """Return the project's `__main__.py` as a function that has these keys in its environment while it runs."""

    def program() -> None:
        before = os.environ.copy()
        os.environ.update(keys)
        try:
            if str(REPOSITORY) not in sys.path:
                sys.path.insert(0, str(REPOSITORY))
            runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__")
        finally:
            for name in keys.keys() - before.keys():
                del os.environ[name]

    return program
