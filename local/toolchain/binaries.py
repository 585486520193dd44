"""Finds the control plane's programs and the Pulumi CLI, or has them downloaded or built."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.build import build
from local.toolchain.download import download
from local.toolchain.tools import TOOLS, Tool


@dataclass(frozen=True)
class Binaries:
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    pulumi: Path


def find_or_build(say: Callable[[str], None]) -> Binaries:
    """Find the programs in `$KUBEBUILDER_ASSETS` and on PATH. Download the others, once, or build what can't be had."""
    skipped: list[str] = []
    found = {tool: _find(tool, skipped.append) for tool in TOOLS}
    programs = {tool: program or tool.target.built for tool, program in found.items()}
    missing = [tool for tool, program in programs.items() if not program.exists()]
    if missing:
        for line in skipped:
            say(line)
        download(missing, say)
        build([tool.target for tool in missing], say)
    return Binaries(*(programs[tool] for tool in TOOLS))


def _find(tool: Tool, skip: Callable[[str], None]) -> Path | None:
    for candidate in _candidates(tool):
        reason = tool.refusal(candidate)
        if reason is None:
            return candidate
        skip(f"Skipping {candidate}: {reason}")
    return None


def _candidates(tool: Tool) -> Iterator[Path]:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and tool.in_kubebuilder_assets and (found := shutil.which(tool.name, path=assets)):
        yield Path(found).absolute()
    if found := shutil.which(tool.name):
        yield Path(found).absolute()
