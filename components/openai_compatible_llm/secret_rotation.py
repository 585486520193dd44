"""Whether a new API key is written into the Secret in place, or the Secret is deleted and made anew."""

import os
from weakref import WeakSet

import pulumi

SETTING = "kubernetes:enableSecretMutable"
VARIABLE = "PULUMI_K8S_ENABLE_SECRET_MUTABLE"


class _Program:
    """Stands for the program in a plugin, which sees nothing of it: each run of a program has plugins of its own."""


_THE_PLUGINS = _Program()
_warned: "WeakSet[object]" = WeakSet()


def warn_where_a_new_key_replaces_the_secret(component: pulumi.ComponentResource) -> None:
    """Says so once a program, where the component has the default Kubernetes provider, whose config can be read.

    Source: `enableSecretMutable` of the pulumi-kubernetes provider.
    """
    if component.get_provider("kubernetes:core/v1:Secret") is not None or _is_mutable():
        return
    program = pulumi.runtime.get_root_resource() or _THE_PLUGINS
    if program in _warned:
        return
    _warned.add(program)
    pulumi.log.warn(
        "A new API key will replace its Secret: it is deleted and made anew, and requests that come in between reach "
        f"the LLM provider without a key. To have it updated in place: pulumi config set {SETTING} true",
        component,
    )


def _is_mutable() -> bool:
    package, key = SETTING.split(":")
    said = pulumi.Config(package).get(key) or os.environ.get(VARIABLE, "")
    return said.lower() in ("true", "1")
