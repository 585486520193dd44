"""Collects the CustomResourceDefinitions that the control plane needs."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.folders import cache_folder, write_private
from local.toolchain.go import TOOLCHAIN, download_module

GATEWAY_API = "sigs.k8s.io/gateway-api"
AGENTGATEWAY = "github.com/agentgateway/agentgateway"

# The files to install of each Go module.
CRD_FILES: Mapping[str, tuple[str, ...]] = {
    GATEWAY_API: tuple(
        f"config/crd/standard/gateway.networking.k8s.io_{kinds}.yaml"
        for kinds in ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "backendtlspolicies", "referencegrants")
    ),
    AGENTGATEWAY: tuple(
        f"controller/install/helm/agentgateway-crds/templates/agentgateway.dev_agentgateway{kinds}.yaml"
        for kinds in ("backends", "policies")
    ),
}
OWN_FOLDER = Path(__file__).parent / "crds"


def custom_resource_definitions() -> Iterator[dict[str, Any]]:
    """Yields the definitions of the Go modules, and then the project's own, from the folder `crds`."""
    yield from _from_modules()
    yield from parse(sorted(OWN_FOLDER.glob("*.yaml")))


def parse(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yields every object in these YAML files."""
    for file in files:
        with file.open() as text:
            manifests = yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            yield from (manifest for manifest in manifests if manifest)


def _from_modules() -> list[dict[str, Any]]:
    pins = [(TOOLCHAIN / "crds" / name).read_bytes() for name in ("go.mod", "go.sum")]
    key = hashlib.sha256(b"\0".join([*pins, json.dumps(CRD_FILES).encode()])).hexdigest()[:16]
    cached = cache_folder() / f"crds-{key}.json"
    if not cached.exists():
        folders = {module: download_module(module) for module in CRD_FILES}
        files = [folders[module] / file for module, files in CRD_FILES.items() for file in files]
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_private(cached, json.dumps(list(parse(files))))
    manifests: list[dict[str, Any]] = json.loads(cached.read_text())
    return manifests
