"""A component with arguments that a test varies, in a program that is recorded."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from components import InvalidArguments
from tests.support.canary import Canaries
from tests.support.recording import Recording, record_component

Arguments = Callable[[], Mapping[str, Any]]


class ExampleComponent:
    """Has these arguments unless a test gives others. Outputs come from a function, as only a program can make them."""

    def __init__(self, name: Any = "mistral", **arguments: Any) -> None:
        self.name, self.arguments = name, arguments

    def record(self, late: Arguments = dict, /, **arguments: Any) -> Recording:
        return record_component(lambda: {**self.arguments, **arguments, **late()}, self.name)

    def preview(self, late: Arguments, /) -> Recording:
        return record_component(lambda: {**self.arguments, **late()}, self.name, preview=True)

    def errors(self, late: Arguments = dict, /, **arguments: Any) -> list[str]:
        """Returns what is wrong with the arguments."""
        error = invalid_arguments(lambda: {**self.arguments, **arguments, **late()}, self.name)
        title, *errors = str(error).split("\n  - ")
        assert title == f'OpenAICompatibleLLM "{self.name}" has invalid arguments:'
        return errors


def invalid_arguments(args: Any, name: Any = "mistral") -> InvalidArguments:
    """Returns the component's error, which shows no key: all keys of tests have `canary` in them."""
    with pytest.raises(InvalidArguments) as caught:
        record_component(args, name)
    error = caught.value
    assert not Canaries("canary-").are_in(f"{error} {error!r} {error.errors} {error.args} {error.issues}")
    return error


def unknown_output() -> Any:
    """Returns an Output as previews have them, whose value isn't known yet."""

    def future(value: Any) -> Any:
        future = asyncio.get_event_loop().create_future()
        future.set_result(value)
        return future

    return pulumi.Output(set(), future(None), future(False))
