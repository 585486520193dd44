"""Finds the programs that these tests run: gateways, the official Kubernetes provider, Pulumi's language hosts."""

import os
import shutil

from local.gateway.api import GATEWAY_APIS
from local.gateway.assets import VARIABLE, find_assets

ON_PATH = (
    "pulumi-resource-kubernetes",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-language-nodejs",
    "pulumi-language-yaml",
    "node",
    "npm",
)


def missing_programs() -> str | None:
    """Says what is missing, or returns None."""
    missing = [f"{name} on the PATH" for name in ON_PATH if shutil.which(name) is None]
    assets = find_assets(os.environ.get(VARIABLE))
    missing += [f"${VARIABLE}/{api} with controller, proxy and crds/" for api in GATEWAY_APIS if api not in assets]
    if not missing:
        return None
    return (
        f"The gateway tests run the real programs. Missing: {', '.join(missing)}. "
        "docs/gateway.md says how to get a gateway's; the others belong to Pulumi and Node.js."
    )
