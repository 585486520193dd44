"""Lists the components that the plugin offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, Required, Union, get_args, get_origin, is_typeddict

import pulumi

from ..component import TOKEN, OpenAICompatibleLLM
from ..inputs import DECLARED, SECRET_FIELDS, Path


@dataclass(frozen=True)
class Component:
    """What the plugin needs to know of a component.

    Attributes:
        resource: Its class.
        arguments: The TypedDict of its arguments.
        secret_fields: Arguments, in groups as well, that hold a key, or where somebody may put one by mistake.
    """

    resource: type[pulumi.ComponentResource]
    arguments: type
    secret_fields: frozenset[str]

    def is_public(self, path: Path) -> bool:
        """Tells whether no key can be in the value at this path, even if the value is mistyped."""
        declared: Any = self.arguments
        for part in path:
            declared = _type_inside(declared, part)
        return self.secret_fields.isdisjoint(path) and not self._holds_key(declared)

    def _holds_key(self, declared: Any) -> bool:
        fields = get_annotations(declared) if is_typeddict(declared) else {}
        inner = (*fields.values(), *get_args(declared))
        return not self.secret_fields.isdisjoint(fields) or any(map(self._holds_key, inner))


def _type_inside(declared: Any, part: str | int) -> Any:
    """Returns the type of a field or an element. A misspelt field may be any of its group: it has the group's type."""
    while get_origin(declared) in (Union, Required):
        declared = get_args(declared)[0]
    if is_typeddict(declared):
        return get_annotations(declared).get(str(part), declared)
    return get_args(declared)[-1] if get_args(declared) else declared


COMPONENTS: Mapping[str, Component] = {
    TOKEN: Component(OpenAICompatibleLLM, DECLARED, frozenset(SECRET_FIELDS)),
}
