"""The API keys of a run: out of the environment, so that no other process gets to see them, and into the program."""

import os
import runpy
import sys
from collections.abc import Callable, Iterable, MutableMapping

from local.folders import REPOSITORY
from stack_config import api_key_variable

PLACEHOLDER = "placeholder-for-a-key"


class ApiKeys:
    """Keys by environment variable, and placeholders where there are none."""

    def __init__(self, environment: MutableMapping[str, str], say: Callable[[str], None]) -> None:
        self._taken = {name: environment.pop(name) for name in list(environment) if name.endswith("_API_KEY")}
        self._say = say
        self.real: list[str] = []
        """The variables of this run that had a key."""

    def for_providers(self, providers: Iterable[str]) -> dict[str, str]:
        """The variables that the program looks for, each with a value."""
        keys = {}
        for variable in map(api_key_variable, providers):
            keys[variable] = self._taken.get(variable) or PLACEHOLDER
            if keys[variable] == PLACEHOLDER:
                self._say(f"No {variable} in the environment: a placeholder stands for it, on this machine alone.")
            else:
                self.real.append(variable)
        return keys


def program_with(keys: dict[str, str]) -> Callable[[], None]:
    """The project's `__main__.py`, with these keys in its environment while it runs."""

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
