"""The README's tables of arguments and outputs, out of the docstrings: `python docs/arguments.py` writes them."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition, TypeDefinition

REPOSITORY = Path(__file__).resolve().parent.parent
README = REPOSITORY / "README.md"
SENTENCE_WITH_DEFAULT = re.compile(r"\s*Default: ([^.]*(?:\.(?!\s|$)[^.]*)*)\.(?=\s|$)")


def tables() -> dict[str, str]:
    """The tables by the name of the place in the README where they stand."""
    sys.path.insert(0, str(REPOSITORY))
    from components import OpenAICompatibleLLM

    found = Analyzer("openai-compatible-llm").analyze([OpenAICompatibleLLM])
    component = found["component_definitions"]["OpenAICompatibleLLM"]
    arguments = _rows(component.inputs, component.inputs_mapping, found["type_definitions"])
    outputs = [
        f"| `{component.outputs_mapping[name]}` | {_one_line(each.description or '')} |"
        for name, each in component.outputs.items()
    ]
    return {
        "arguments": "\n".join(["| argument | type | default | meaning |", "|---|---|---|---|", *arguments]),
        "outputs": "\n".join(["| output | meaning |", "|---|---|", *outputs]),
    }


def with_tables(readme: str) -> str:
    """The README with its tables as the docstrings say."""
    for name, table in tables().items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        readme, count = place.subn(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", readme)
        if count != 1:
            raise LookupError(f"README.md has {count} places for {name}")
    return readme


def _rows(
    properties: Mapping[str, PropertyDefinition],
    names: Mapping[str, str],
    types: Mapping[str, TypeDefinition],
    group: str = "",
) -> list[str]:
    rows = []
    for name, each in properties.items():
        meaning, default = _meaning_and_default(each.description or "")
        nested = types[each.ref.rsplit(":", 1)[1]] if each.ref else None
        kind = "group" if nested else each.type.value if each.type else ""
        rows.append(f"| `{group}{names[name]}` | {kind} | {default} | {meaning} |")
        if nested:
            rows += _rows(nested.properties, nested.properties_mapping, types, f"{group}{names[name]}.")
    return rows


def _meaning_and_default(description: str) -> tuple[str, str]:
    line = _one_line(description)
    default = SENTENCE_WITH_DEFAULT.search(line)
    meaning = SENTENCE_WITH_DEFAULT.sub("", line).strip()
    meaning = re.sub(r"\s*Source: .*", "", meaning)
    return meaning, default[1] if default else ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
