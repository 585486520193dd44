import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError
from local.folders import cache_folder, write_private
from local.go import TOOLCHAIN, have_go

GATEWAY_API_MODULE = "sigs.k8s.io/gateway-api"
GATEWAY_API_RESOURCES = ("gatewayclasses", "gateways", "httproutes", "backendtlspolicies", "referencegrants")
OWN_FOLDER = Path(__file__).parent / "crds"


def custom_resource_definitions(say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Gateway API's standard channel, as far as it is needed here, and what `local/crds` holds."""
    yield from _gateway_api(say)
    for file in sorted(OWN_FOLDER.glob("*.yaml")):
        yield from (manifest for manifest in _parse(file) if manifest)


def _gateway_api(say: Callable[[str], None]) -> list[dict[str, Any]]:
    pins = [(TOOLCHAIN / "crds" / name).read_bytes() for name in ("go.mod", "go.sum")]
    key = hashlib.sha256(b"\0".join([*pins, " ".join(GATEWAY_API_RESOURCES).encode()])).hexdigest()[:16]
    cached = cache_folder() / f"gateway-api-{key}.json"
    if not cached.exists():
        folder = _download(say) / "config" / "crd" / "standard"
        files = (folder / f"gateway.networking.k8s.io_{resource}.yaml" for resource in GATEWAY_API_RESOURCES)
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_private(cached, json.dumps([manifest for file in files for manifest in _parse(file)]))
    manifests: list[dict[str, Any]] = json.loads(cached.read_text())
    return manifests


def _download(say: Callable[[str], None]) -> Path:
    go = have_go(say)
    done = subprocess.run(
        [go.program, "mod", "download", "-json", GATEWAY_API_MODULE],
        cwd=TOOLCHAIN / "crds",
        env=go.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        reason = answer.get("Error") or done.stderr.strip()
        raise LocalError(f"The Go module {GATEWAY_API_MODULE} can't be had: {reason}")
    return Path(answer["Dir"])


def _parse(file: Path) -> list[dict[str, Any]]:
    with file.open() as text:
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
