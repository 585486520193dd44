"""Names what would break programs that use the components of the last release: `make lint` runs it.

The last release's schema is `tools/released_schema.json`. A change is meant if the newest section of CHANGELOG.md has
its sentence, with which the users read the reason.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.schema import REPOSITORY, Schema, make_schema, read_project

RELEASED_SCHEMA = "tools/released_schema.json"
CHANGELOG = "CHANGELOG.md"

KINDS = {
    "Resource": ("resources", {"Input": ("inputProperties", "requiredInputs"), "Output": ("properties", "required")}),
    "Type": ("types", {"Field": ("properties", "required")}),
}
"""Where the schema has each kind of declaration, and there its properties with the list of the required ones."""


def breaking_changes(released: Schema, current: Schema) -> Iterator[str]:
    """Yields a sentence for each change that breaks programs, in the order of the released schema.

    Types are taken for those of inputs: the components' outputs have none.
    """
    if released["name"] != current["name"]:
        yield f"The package `{released['name']}` was renamed to `{current['name']}`."
    for kind, (section, members) in KINDS.items():
        for token, old in released[section].items():
            name, new = f"`{_name(token)}`", current[section].get(token)
            if new is None:
                yield f"{kind} {name} was removed."
            elif old["type"] != new["type"]:
                yield f"{kind} {name} changed from {old['type']} to {new['type']}."
            else:
                yield from _value_changes(name, old, new)
                for member, keys in members.items():
                    yield from _property_changes(member, name, old, new, *keys)


def unannounced(changes: Iterable[str], changelog: str) -> list[str]:
    """Returns the changes that the newest section of the changelog doesn't have."""
    newest = " ".join(re.split(r"^## ", changelog, flags=re.MULTILINE)[1].split())
    return [change for change in changes if change not in newest]


def find_breaks(repository: Path) -> list[str]:
    """Returns the changes that would break programs, and aren't meant."""
    released = json.loads((repository / RELEASED_SCHEMA).read_text())
    changes = breaking_changes(released, make_schema(read_project(repository)))
    return unannounced(changes, (repository / CHANGELOG).read_text())


def _value_changes(enum: str, old: Schema, new: Schema) -> Iterator[str]:
    values = [(each["name"], each["value"]) for each in new.get("enum", ())]
    for each in old.get("enum", ()):
        if (each["name"], each["value"]) not in values:
            yield f"Value `{each['value']}` of {enum} was removed or renamed."


def _property_changes(kind: str, owner: str, old: Schema, new: Schema, properties: str, required: str) -> Iterator[str]:
    required_before, required_now = set(old.get(required, ())), set(new.get(required, ()))
    for name, before in old.get(properties, {}).items():
        subject, now = f"{kind} `{name}` of {owner}", new.get(properties, {}).get(name)
        if now is None:
            yield f"{subject} was removed or renamed."
            continue
        if _type(before) != _type(now):
            yield f"{subject} changed from {_type(before)} to {_type(now)}."
        if before.get("secret") and not now.get("secret"):
            yield f"{subject} is no longer a secret."
        if kind == "Output" and name in required_before - required_now:
            yield f"{subject} may be missing now."
    if kind != "Output":
        for name in sorted(required_now - required_before):
            yield f"{kind} `{name}` of {owner} is required now."


def _type(declared: Schema) -> str:
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
