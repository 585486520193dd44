"""Finds the control plane's programs, the Pulumi CLI and its plugin, or has them downloaded or built."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.build import build
from local.toolchain.download import download
from local.toolchain.tools import TOOLS, Tool

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Binaries:
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    pulumi: Path
    kubernetes_provider: Path


def find_or_build() -> Binaries:
    """Find the programs in `$KUBEBUILDER_ASSETS` and on PATH. Download the others, once, or build what can't be had."""
    skipped: list[str] = []
    found = {tool: _find(tool, skipped.append) for tool in TOOLS}
    missing = [tool for tool, program in found.items() if not program and not tool.cached.exists()]
    if missing:
        for line in skipped:
            logger.warning(line)
        download(missing)
        build([tool.target for tool in missing if not tool.cached.exists()])
    return Binaries(*(program or tool.cached for tool, program in found.items()))


def _find(tool: Tool, skip: Callable[[str], None]) -> Path | None:
    for candidate in tool.candidates():
        reason = tool.refusal(candidate)
        if reason is None:
            return candidate
        skip(f"Skipping {candidate}: {reason}")
    return None
