import hashlib
import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError
from local.folders import cache_folder, write_private
from local.toolchain.go import TOOLCHAIN, ensure_go

GATEWAY_API = "sigs.k8s.io/gateway-api"
AGENTGATEWAY = "github.com/agentgateway/agentgateway"

_STANDARD = "config/crd/standard/gateway.networking.k8s.io"
_CHART = "controller/install/helm/agentgateway-crds/templates"

# The files to install of each Go module.
CRD_FILES: Mapping[str, tuple[str, ...]] = {
    GATEWAY_API: (
        f"{_STANDARD}_gatewayclasses.yaml",
        f"{_STANDARD}_gateways.yaml",
        f"{_STANDARD}_httproutes.yaml",
        f"{_STANDARD}_grpcroutes.yaml",
        f"{_STANDARD}_backendtlspolicies.yaml",
        f"{_STANDARD}_referencegrants.yaml",
    ),
    AGENTGATEWAY: (f"{_CHART}/agentgateway.dev_agentgatewaybackends.yaml",),
}
OWN_FOLDER = Path(__file__).parent / "crds"


def custom_resource_definitions(say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield the definitions of the Go modules, and then those in `local/crds`."""
    yield from _from_modules(say)
    yield from parse(sorted(OWN_FOLDER.glob("*.yaml")))


def module_folder(say: Callable[[str], None], module: str) -> Path:
    """Return the folder of the Go module, in the version that `local/toolchain/crds` pins; download it if necessary.

    Raises:
        LocalError: The download failed.
    """
    go = ensure_go(say)
    done = subprocess.run(
        [go.program, "mod", "download", "-json", module],
        cwd=TOOLCHAIN / "crds",
        env=go.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        reason = answer.get("Error") or done.stderr.strip()
        raise LocalError(f"Downloading the Go module {module} failed: {reason}")
    return Path(answer["Dir"])


def _from_modules(say: Callable[[str], None]) -> list[dict[str, Any]]:
    pins = [(TOOLCHAIN / "crds" / name).read_bytes() for name in ("go.mod", "go.sum")]
    key = hashlib.sha256(b"\0".join([*pins, json.dumps(CRD_FILES).encode()])).hexdigest()[:16]
    cached = cache_folder() / f"crds-{key}.json"
    if not cached.exists():
        folders = {module: module_folder(say, module) for module in CRD_FILES}
        files = [folders[module] / file for module, files in CRD_FILES.items() for file in files]
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_private(cached, json.dumps(list(parse(files))))
    manifests: list[dict[str, Any]] = json.loads(cached.read_text())
    return manifests


def parse(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """All objects of these YAML files."""
    for file in files:
        with file.open() as text:
            manifests = yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            yield from (manifest for manifest in manifests if manifest)
