"""Measures what the component's program costs; with `--page`, also what it costs with the real engine.

With `--clients`, it measures only what clients add, with the real engine.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from bench import plot
from bench.commands import command_samples
from bench.engine_time import CLIENTS_PLAN, engine_samples
from bench.figures import Figures
from bench.program_time import program_samples
from bench.report import clients_table, page, summary, table_lines
from local.messages import show_messages


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="processes in which the programs are compared")
    parser.add_argument("--page", type=Path, help="a file in which to write all figures, those of the real engine too")
    parser.add_argument("--clients", action="store_true", help="only what clients add, with the real engine")
    options = parser.parse_args(arguments)
    show_messages(Console(stderr=True))
    if options.clients:
        print("\n".join(table_lines(*clients_table(Figures(engine_samples(CLIENTS_PLAN))))))  # noqa: T201
        return
    samples = [*program_samples(options.rounds)]
    if options.page:
        samples += [*engine_samples(), *command_samples()]
        options.page.write_text(page(Figures(samples)))
        plot.write(options.page)
    print("\n".join(summary(Figures(samples))))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
