"""Writes the generated parts of the documentation: `make docs`.

`docs/dashboard.json` is generated whole. A table stands in its page between `<!-- NAME -->` and `<!-- end of NAME -->`;
the rest of the page is written by hand.
"""

from collections.abc import Callable, Mapping

from tools.catalogue import endpoints_grid, providers_table, sources_table
from tools.dashboard import dashboard_json
from tools.reference import reference_tables
from tools.schema import REPOSITORY

TABLES: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "docs/reference.md": reference_tables,
    "docs/providers.md": lambda: {"providers": providers_table()},
    "docs/endpoints.md": lambda: {"endpoints": endpoints_grid(), "sources": sources_table()},
}
"""What makes the tables of each page by their names there."""

FILES: Mapping[str, Callable[[], str]] = {"docs/dashboard.json": dashboard_json}
"""What makes each file that is generated whole."""


def with_tables(page: str, text: str) -> str:
    """Returns the page's text with its tables made from the code.

    Raises:
        LookupError: The page lacks the place of a table, or has it twice.
    """
    for name, table in TABLES[page]().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise LookupError(f"{page} needs one place for the table of {name}: {begin.strip()} and {end}.")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    for path in TABLES:
        file = REPOSITORY / path
        file.write_text(with_tables(path, file.read_text()))
    for path, make in FILES.items():
        (REPOSITORY / path).write_text(make())
