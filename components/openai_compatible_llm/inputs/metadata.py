"""Parses what all objects of a component have in common."""

from collections.abc import Mapping

from ..arguments import Arguments, Key
from ..arguments.validators import label_value, metadata_key, seconds
from ..objects import readiness

DEFAULT_READY_TIMEOUT_SECONDS = 120


def parse_labels(arguments: Arguments) -> Mapping[str, str]:
    """Parses the labels of all objects."""
    for _ in arguments.read_each("labels", check=label_value):
        pass
    return _parse_map(arguments, "labels")


def parse_annotations(arguments: Arguments) -> Mapping[str, str]:
    """Parses the annotations of all objects."""
    if arguments.given("annotations", readiness.ANNOTATION):
        arguments.report("set by the component; give `wait_for_ready` instead", "annotations", readiness.ANNOTATION)
    return _parse_map(arguments, "annotations")


def parse_ready_timeout(arguments: Arguments) -> int | None:
    """Parses how long to wait for each object, in seconds; None to not wait."""
    timeout: int = arguments.read("ready_timeout_seconds", check=seconds, default=DEFAULT_READY_TIMEOUT_SECONDS)
    if arguments.given("wait_for_ready"):
        return timeout
    if arguments.given("ready_timeout_seconds"):
        arguments.report("has no effect without `wait_for_ready`", "ready_timeout_seconds")
    return None


def _parse_map(arguments: Arguments, name: str) -> Mapping[str, str]:
    metadata: Mapping[str, str] = arguments.read(name, default={})
    for key in metadata:
        if reason := metadata_key(key):
            arguments.report(reason, name, Key(key))
    return metadata
