"""`python -m bench`: runs the benchmark and writes docs/benchmark.md with its picture.

Ctrl-C ends it before all rounds are done; what whole rounds there are is then written.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.imports import import_costs
from bench.report import write
from bench.rounds import Bench, Sample
from local.binaries import find_or_build
from local.control_plane import ControlPlane
from local.folders import StateFolder
from local.provider_plugin import have_provider_plugin


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--providers", type=_numbers, default="1,10,50,100,250", metavar="1,10,50")
    parser.add_argument("--checkpoints", type=_numbers, default="10,50,100", metavar="10,50")
    parser.add_argument("--samples", type=Path, help="a file to keep all samples in, as JSON")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        binaries = find_or_build(_say)
        plane = ControlPlane(StateFolder(folder / "control-plane"), binaries, _say)
        have_provider_plugin(plane.state.pulumi_home, binaries.pulumi, _say, None)
        try:
            plane.start()
            bench = Bench(plane, binaries.pulumi, folder)
            samples = _until_interrupted(bench.rounds(asked.providers, asked.rounds, _say))
            checkpoint_rounds = min(asked.rounds, 3)
            with_checkpoints = _until_interrupted(
                bench.rounds(asked.checkpoints, checkpoint_rounds, _say, checkpoints=True)
            )
        finally:
            plane.stop()
    imports = import_costs(2 * asked.rounds)
    if asked.samples:
        found = {
            "samples": [asdict(each) for each in samples],
            "with checkpoints": [asdict(each) for each in with_checkpoints],
            "imports": [asdict(each) for each in imports],
        }
        asked.samples.write_text(json.dumps(found))
    write(samples, with_checkpoints, imports, binaries)


def _until_interrupted(rounds: Iterator[list[Sample]]) -> list[Sample]:
    """Ctrl-C ends them early; the round that it cuts off doesn't count."""
    found: list[Sample] = []
    try:
        for samples in rounds:
            found += samples
    except KeyboardInterrupt:
        _say(f"Ended early, after {len({each.round for each in found})} rounds.")
    return found


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
