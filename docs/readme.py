"""Writes the generated tables of the README and the pages beside it anew: `make readme`."""

from pathlib import Path

from docs import arguments, catalogue

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/endpoints.md")


def with_tables(page: str, text: str) -> str:
    """Returns the page's text with its tables as the code says."""
    for name, table in _tables(page).items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise LookupError(f"{page} has no place for {name}, or several")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


def _tables(page: str) -> dict[str, str]:
    if page == "docs/endpoints.md":
        return {"endpoints": catalogue.endpoints_table()}
    return {**arguments.tables(), "providers": catalogue.table()}


if __name__ == "__main__":
    for path in PAGES:
        file = REPOSITORY / path
        file.write_text(with_tables(path, file.read_text()))
