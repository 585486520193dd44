"""Finds the programs that these tests run: gateways, the official Kubernetes provider, Pulumi's language hosts."""

import shutil

from local.gateway.api import GATEWAY_APIS
from local.gateway.assets import VARIABLE, find_assets

ON_PATH = (
    "pulumi-resource-kubernetes",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-language-nodejs",
    "pulumi-language-yaml",
)


def missing_programs() -> str | None:
    """Says what is missing, or returns None."""
    missing = [f"{name} on the PATH" for name in ON_PATH if shutil.which(name) is None]
    assets = find_assets()
    missing += [f"${VARIABLE}/{api} with controller, proxy and crds/" for api in GATEWAY_APIS if api not in assets]
    return f"The gateway tests run the real programs, and these are missing: {', '.join(missing)}" if missing else None
