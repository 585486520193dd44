"""Names what would break programs that use the component of the last release: `make lint` runs it.

The last release's schema is `tools/released_schema.json`. A change is meant if the newest section of CHANGELOG.md has
its sentence, with which the users read the reason.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.schema import REPOSITORY, Schema, make_schema, read_project

RELEASED_SCHEMA = "tools/released_schema.json"
CHANGELOG = "CHANGELOG.md"

Properties = Mapping[str, Mapping[str, Any]]


def breaking_changes(released: Schema, current: Schema) -> Iterator[str]:
    """Yields a sentence for each change that breaks programs, in the order of the released schema.

    Types are taken for those of inputs: the component's outputs have none.
    """
    if released["name"] != current["name"]:
        yield f"The package `{released['name']}` was renamed to `{current['name']}`."
    for token, old in released["resources"].items():
        of = f"of `{_name(token)}`"
        new = current["resources"].get(token)
        if new is None:
            yield f"Resource `{_name(token)}` was removed."
            continue
        yield from _property_changes("Input", of, old["inputProperties"], new["inputProperties"])
        yield from _newly_required("Input", of, old.get("requiredInputs", ()), new.get("requiredInputs", ()))
        yield from _property_changes("Output", of, old["properties"], new["properties"])
        for output in old.get("required", ()):
            if output in new["properties"] and output not in new.get("required", ()):
                yield f"Output `{output}` {of} may be missing now."
    for token, old in released["types"].items():
        new = current["types"].get(token)
        if new is None:
            yield f"Type `{_name(token)}` was removed."
        elif old["type"] != new["type"]:
            yield f"Type `{_name(token)}` changed from {old['type']} to {new['type']}."
        else:
            yield from _type_changes(f"of `{_name(token)}`", old, new)


def unannounced(changes: Iterable[str], changelog: str) -> list[str]:
    """Returns the changes that the newest section of the changelog doesn't have."""
    newest = " ".join(re.split(r"^## ", changelog, flags=re.MULTILINE)[1].split())
    return [change for change in changes if change not in newest]


def find_breaks(repository: Path) -> list[str]:
    """Returns the changes that would break programs, and aren't meant."""
    released = json.loads((repository / RELEASED_SCHEMA).read_text())
    changes = breaking_changes(released, make_schema(read_project(repository)))
    return unannounced(changes, (repository / CHANGELOG).read_text())


def _type_changes(of: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    values = [(each["name"], each["value"]) for each in new.get("enum", ())]
    for each in old.get("enum", ()):
        if (each["name"], each["value"]) not in values:
            yield f"Value `{each['value']}` {of} was removed or renamed."
    yield from _property_changes("Field", of, old.get("properties", {}), new.get("properties", {}))
    yield from _newly_required("Field", of, old.get("required", ()), new.get("required", ()))


def _property_changes(kind: str, of: str, old: Properties, new: Properties) -> Iterator[str]:
    for name, before in old.items():
        now = new.get(name)
        if now is None:
            yield f"{kind} `{name}` {of} was removed or renamed."
            continue
        if _type(before) != _type(now):
            yield f"{kind} `{name}` {of} changed from {_type(before)} to {_type(now)}."
        if before.get("secret") and not now.get("secret"):
            yield f"{kind} `{name}` {of} is no longer a secret."


def _newly_required(kind: str, of: str, old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    for name in sorted(set(new) - set(old)):
        yield f"{kind} `{name}` {of} is required now."


def _type(declared: Mapping[str, Any]) -> str:
    """Describes a type. Whether it is plain belongs to it: either change breaks programs in Go."""
    if "$ref" in declared:
        described = _name(declared["$ref"])
    elif "items" in declared:
        described = f"array of {_type(declared['items'])}"
    elif "additionalProperties" in declared:
        described = f"map of {_type(declared['additionalProperties'])}"
    else:
        described = declared["type"]
    return f"plain {described}" if declared.get("plain") else described


def _name(token: str) -> str:
    """Returns the name that SDKs have of a token or a reference."""
    return re.split(r"[:/]", token)[-1]


if __name__ == "__main__":
    if breaks := find_breaks(REPOSITORY):
        listed = "".join(f"  {each}\n" for each in breaks)
        sys.exit(
            f"These changes break programs that use the last release ({RELEASED_SCHEMA}):\n{listed}"
            f"Undo them. If one is meant, write its sentence into the newest section of {CHANGELOG}, with the reason."
        )
