"""Refuses what the gateways of an API can't do."""

from ..arguments import Arguments
from ..backends import BACKENDS, BackendDefinition


def report_unsupported(arguments: Arguments, backend: BackendDefinition) -> None:
    """Reports each argument that the API doesn't support, and each value that it doesn't."""
    refused = ""
    for path in arguments.given_paths():
        name = ".".join(str(part) for part in path if not isinstance(part, int))
        if (refused and f"{name}.".startswith(f"{refused}.")) or _supports(backend, name):
            continue
        refused = name
        others = " or ".join(f"`api: {api}`" for api, definition in BACKENDS.items() if _supports(definition, name))
        reason = f"these gateways don't support it; remove it{f' or give {others}' if others else ''}"
        arguments.report(backend.unsupported.get(name, reason), *path)
    for limitation in backend.limitations:
        path = tuple(limitation.argument.split("."))
        value = arguments.read(*path)
        if value is not None and limitation.applies_to(value):
            arguments.report(limitation.reason, *path)


def _supports(backend: BackendDefinition, name: str) -> bool:
    """Tells whether the argument is supported, is within one that is, or is a group of one that is."""
    return name in backend.supported or any(
        name.startswith(f"{each}.") or each.startswith(f"{name}.") for each in backend.supported
    )
