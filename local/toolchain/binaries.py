"""Finds the programs that are run, or has them downloaded or built."""

import logging
from dataclasses import dataclass
from pathlib import Path

from local.folders import cache_folder
from local.lock import exclusive
from local.toolchain.build import build
from local.toolchain.download import download
from local.toolchain.tools import TOOLS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Binaries:
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    pulumi: Path
    kubernetes_provider: Path


def find_or_build() -> Binaries:
    """Finds the programs in `$KUBEBUILDER_ASSETS` and on PATH; downloads the others, once, or builds them."""
    found: dict[str, Path] = {}
    skipped: list[str] = []
    for tool in TOOLS:
        for candidate in tool.candidates():
            reason = tool.refusal(candidate)
            if reason is None:
                found[tool.name] = candidate
                break
            skipped.append(f"Skipping {candidate}: {reason}")
    missing = [tool for tool in TOOLS if tool.name not in found and not tool.cached.exists()]
    if missing:
        for line in skipped:
            logger.warning(line)
        with exclusive(cache_folder() / "build.lock"):
            for provide in (download, build):
                if lacking := [tool for tool in missing if not tool.cached.exists()]:
                    provide(lacking)
    return Binaries(*(found.get(tool.name) or tool.cached for tool in TOOLS))
