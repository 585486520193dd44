"""Writes the README's tables anew: `make readme`."""

from pathlib import Path

from docs import arguments, catalogue

README = Path(__file__).resolve().parent.parent / "README.md"


def with_tables(readme: str) -> str:
    """The README with its tables as the code says."""
    for name, table in {**arguments.tables(), "providers": catalogue.table()}.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if readme.count(begin) != 1 or readme.count(end) != 1:
            raise LookupError(f"README.md has no place for {name}, or several")
        before, _, rest = readme.partition(begin)
        readme = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return readme


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
