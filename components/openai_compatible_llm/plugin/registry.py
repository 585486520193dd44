"""Lists the components that the plugin offers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, Required, Union, get_args, get_origin, is_typeddict

import pulumi

from ..arguments import Key, Path
from ..inputs import DECLARATION
from ..provider import TOKEN, OpenAICompatibleLLM


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
    secret_fields: Collection[str]

    def is_public(self, path: Path) -> bool:
        """Tells whether no key can be in the value at this path, even if the value is mistyped."""
        return self._is_public(self.arguments, path)

    def _is_public(self, declared: Any, path: Path) -> bool:
        if not self._holds_secret(declared):
            return True
        if not path:
            return False
        part, *inner = path
        if is_typeddict(declared):
            fields = get_annotations(declared)
            # A misspelt name may be that of a secret field.
            is_field = part in fields and not isinstance(part, Key) and part not in self.secret_fields
            return is_field and self._is_public(fields[str(part)], tuple(inner))
        if get_origin(declared) in (Union, Required):
            return self._is_public(get_args(declared)[0], path)
        return self._is_public(get_args(declared)[-1], tuple(inner))

    def _holds_secret(self, declared: Any) -> bool:
        if is_typeddict(declared):
            fields = get_annotations(declared)
            return any(name in self.secret_fields or self._holds_secret(each) for name, each in fields.items())
        return any(map(self._holds_secret, get_args(declared)))


COMPONENTS: Mapping[str, Component] = {
    TOKEN: Component(OpenAICompatibleLLM, DECLARATION.args, DECLARATION.secret_fields),
}
