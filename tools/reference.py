"""Makes the tables of the components' arguments and outputs from their docstrings."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition, TypeDefinition

from components.openai_compatible_llm.plugin.registry import COMPONENTS, Component

ARGUMENT_HEADINGS = ("Python", "stack file, other languages", "type", "default", "meaning")
OUTPUT_HEADINGS = ("Python", "other languages", "meaning")

_DEFAULT = re.compile(r"\s*Default: ([^.]*(?:\.(?!\s|$)[^.]*)*)\.(?=\s|$)")
_SOURCE = re.compile(r"\s*Source: .*")


def reference_tables(components: Mapping[str, Component] = COMPONENTS) -> dict[str, str]:
    """Returns two tables for each component by their names in the page. A group's arguments are below the group."""
    analyzed = Analyzer("").analyze([each.resource for each in components.values()])
    tables = {}
    for name, component in analyzed["component_definitions"].items():
        arguments = _argument_rows(component.inputs, component.inputs_mapping, analyzed["type_definitions"])
        outputs = (
            (f"`{component.outputs_mapping[output]}`", f"`{output}`", _one_line(each.description))
            for output, each in component.outputs.items()
        )
        tables[f"arguments of {name}"] = _table(ARGUMENT_HEADINGS, arguments)
        tables[f"outputs of {name}"] = _table(OUTPUT_HEADINGS, outputs)
    return tables


def _argument_rows(
    properties: Mapping[str, PropertyDefinition],
    python_names: Mapping[str, str],
    types: Mapping[str, TypeDefinition],
    group: tuple[str, str] = ("", ""),
) -> Iterator[tuple[str, ...]]:
    for name, each in properties.items():
        python_name, camel_case_name = f"{group[0]}{python_names[name]}", f"{group[1]}{name}"
        element = each.items or each.additional_properties or each
        declared = types.get((element.ref or "").rpartition(":")[2])
        meaning, default = _split_default(_one_line(each.description))
        yield f"`{python_name}`", f"`{camel_case_name}`", _type_name(each, declared), default, meaning
        if declared and declared.properties:
            of_each = "[]." if each.items else ".<name>." if each.additional_properties else "."
            inside = (f"{python_name}{of_each}", f"{camel_case_name}{of_each}")
            yield from _argument_rows(declared.properties, declared.properties_mapping, types, inside)


def _type_name(argument: PropertyDefinition, declared: TypeDefinition | None) -> str:
    """Names the type as a stack file has it: a group, several groups, or a type of JSON, which enums have too."""
    if declared and declared.properties:
        return "list of groups" if argument.items else "map of groups" if argument.additional_properties else "group"
    json_type = argument.type or (declared and declared.type)
    return json_type.value if json_type else ""


def _split_default(line: str) -> tuple[str, str]:
    default = _DEFAULT.search(line)
    return _SOURCE.sub("", _DEFAULT.sub("", line).strip()), default[1] if default else ""


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _one_line(docstring: str | None) -> str:
    return " ".join((docstring or "").split()).replace("|", "\\|")
