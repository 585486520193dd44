"""The tables of the component's arguments and outputs, out of its docstrings."""

import re
from collections.abc import Mapping

from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition, TypeDefinition

from components import OpenAICompatibleLLM

SENTENCE_WITH_DEFAULT = re.compile(r"\s*Default: ([^.]*(?:\.(?!\s|$)[^.]*)*)\.(?=\s|$)")


def tables() -> dict[str, str]:
    """The tables by the name of the place in the README where they stand."""
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
