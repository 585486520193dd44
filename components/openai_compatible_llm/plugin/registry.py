"""Lists the components that the plugin offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import Any, get_args, is_typeddict

import pulumi

from .. import gateway, provider
from ..arguments import Declaration, Path
from ..arguments.declaration import kind
from ..inputs import DECLARATION, GATEWAY_DECLARATION


@dataclass(frozen=True)
class Component:
    """What the plugin needs to know of a component."""

    resource: type[pulumi.ComponentResource]
    declaration: Declaration

    def is_public(self, path: Path) -> bool:
        """Tells whether no key can be in the value at this path, even if the value is mistyped."""
        declared: Any = self.declaration.args
        for part in path:
            declared = _type_inside(declared, part)
        return self.declaration.secret_fields.isdisjoint(path) and not self._holds_key(declared)

    def _holds_key(self, declared: Any) -> bool:
        fields = get_annotations(declared) if is_typeddict(declared) else {}
        inner = (*fields.values(), *get_args(declared))
        return not self.declaration.secret_fields.isdisjoint(fields) or any(map(self._holds_key, inner))


def _type_inside(declared: Any, part: str | int) -> Any:
    """Returns the type of a field or an element. A misspelt field may be any of its group: it has the group's type."""
    declared = kind(declared)
    if is_typeddict(declared):
        return get_annotations(declared).get(str(part), declared)
    return get_args(declared)[-1] if get_args(declared) else declared


COMPONENTS: Mapping[str, Component] = {
    provider.TOKEN: Component(provider.OpenAICompatibleLLM, DECLARATION),
    gateway.TOKEN: Component(gateway.OpenAICompatibleGateway, GATEWAY_DECLARATION),
}
"""The components by their tokens."""
