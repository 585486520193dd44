"""Warns where a new API key replaces the Secret instead of changing it in place."""

import os
import sys
from weakref import WeakSet

import pulumi

SETTING = "kubernetes:enableSecretMutable"
VARIABLE = "PULUMI_K8S_ENABLE_SECRET_MUTABLE"


_warned: "WeakSet[object]" = WeakSet()


def warn_if_rotation_replaces_secret(component: pulumi.ComponentResource) -> None:
    """Warns once per program, if the component uses the default Kubernetes provider, whose config can be read.

    Source: `enableSecretMutable` of the pulumi-kubernetes provider.
    """
    if component.get_provider("kubernetes:core/v1:Secret") is not None or _is_mutable():
        return
    # A plugin doesn't see the program, but runs for one program alone: its process stands for the program.
    program = pulumi.runtime.get_root_resource() or sys.modules[__name__]
    if program in _warned:
        return
    _warned.add(program)
    pulumi.log.warn(
        "A new API key will replace its Secret: the Secret is deleted and created again, and requests in between "
        f"fail, or reach the LLM provider without a key. To change it in place: "
        f"pulumi config set -s {pulumi.get_stack()} {SETTING} true",
        component,
    )


def _is_mutable() -> bool:
    package, key = SETTING.split(":")
    value = pulumi.Config(package).get(key) or os.environ.get(VARIABLE, "")
    return value.lower() in ("true", "1")
