"""Makes the tables of the component's arguments and outputs from its docstrings."""

import re
from collections.abc import Iterator, Mapping

from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition, TypeDefinition

from components import OpenAICompatibleLLM

COMPONENT = OpenAICompatibleLLM.__name__

_DEFAULT = re.compile(r"\s*Default: ([^.]*(?:\.(?!\s|$)[^.]*)*)\.(?=\s|$)")
_SOURCE = re.compile(r"\s*Source: .*")


def arguments_table() -> str:
    """Returns the table of the arguments, with those of a group below the group."""
    analyzed = Analyzer("openai-compatible-llm").analyze([OpenAICompatibleLLM])
    component = analyzed["component_definitions"][COMPONENT]
    types = analyzed["type_definitions"]
    rows = _argument_rows(component.inputs, component.inputs_mapping, types)
    return _table(("Python", "stack file, other languages", "type", "default", "meaning"), rows)


def outputs_table() -> str:
    """Returns the table of the outputs."""
    component = Analyzer("openai-compatible-llm").analyze([OpenAICompatibleLLM])["component_definitions"][COMPONENT]
    rows = (
        (f"`{component.outputs_mapping[name]}`", f"`{name}`", _one_line(output.description or ""))
        for name, output in component.outputs.items()
    )
    return _table(("Python", "other languages", "meaning"), rows)


def _argument_rows(
    properties: Mapping[str, PropertyDefinition],
    python_names: Mapping[str, str],
    types: Mapping[str, TypeDefinition],
    group: tuple[str, str] = ("", ""),
) -> Iterator[tuple[str, ...]]:
    for name, each in properties.items():
        python_name, camel_case_name = f"{group[0]}{python_names[name]}", f"{group[1]}{name}"
        is_list = each.items is not None and each.items.ref is not None
        reference = each.items.ref if each.items else each.ref
        declared = types[reference.rsplit(":", 1)[1]] if reference else None
        meaning, default = _split_default(each.description or "")
        type_name = _type_name(each, None if is_list else declared)
        yield f"`{python_name}`", f"`{camel_case_name}`", type_name, default, meaning
        if declared and declared.properties:
            place = "[]." if is_list else "."
            inside = (f"{python_name}{place}", f"{camel_case_name}{place}")
            yield from _argument_rows(declared.properties, declared.properties_mapping, types, inside)


def _type_name(argument: PropertyDefinition, declared: TypeDefinition | None) -> str:
    """Names the type as a stack file has it: a group, one of an enum's values, or a type of JSON."""
    if declared is None:
        return argument.type.value if argument.type else ""
    return "group" if declared.properties else declared.type.value


def _split_default(description: str) -> tuple[str, str]:
    line = _one_line(description)
    default = _DEFAULT.search(line)
    return _SOURCE.sub("", _DEFAULT.sub("", line).strip()), default[1] if default else ""


def _table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")
