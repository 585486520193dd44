"""The plugin's schema, of which SDKs for other languages are made, and the programs of docs/other-languages.md."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from inspect import get_annotations
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin

import pytest
import yaml

from components import BackendApi, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.arguments.cases import to_camel_case
from tests.e2e.plugin_process import FOLDER, TOKEN, Plugin, running_plugin
from tests.e2e.pulumi_cli import isolated_cli, succeeded
from tests.e2e.recording_engine import recording_engine
from tests.support.pages import block, blocks
from tests.support.repository import REPOSITORY

PAGE = "docs/other-languages.md"
ARGS: dict[str, Any] = get_annotations(cast("type", OpenAICompatibleLLMArgs))


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with recording_engine() as engine, running_plugin(engine) as plugin:
        yield plugin


@pytest.fixture(scope="module")
def schema(plugin: Plugin) -> dict[str, Any]:
    return plugin.schema()


def test_the_plugin_has_the_schema_that_is_committed(plugin: Plugin, schema: dict[str, Any]) -> None:
    assert schema == json.loads((FOLDER / "schema.json").read_text()), "run `make schema`"
    assert plugin.version() == schema["version"]


@pytest.mark.slow
def test_the_real_cli_prints_the_schema_that_is_committed(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "components", ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    printed = succeeded(isolated_cli(tmp_path, tmp_path / "home")("package", "get-schema", "./components"))
    # It adds what every schema may have, and leaves out what is empty.
    assert without_empty(json.loads(printed)) == without_empty(json.loads((FOLDER / "schema.json").read_text()))


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: without_empty(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in ({}, [])}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def test_every_part_of_the_schema_has_a_description_in_camel_case(schema: dict[str, Any]) -> None:
    parts = list(described_parts(schema))
    assert len(parts) > len(ARGS)
    for part, description in parts:
        assert description, f"{part} is not described"
        assert not re.search(r"^ | $", description, re.MULTILINE), f"{part} is described with the source's indentation"
        named = re.findall(r"`(\w+_\w+)`", description)
        assert [name for name in named if name in ARGS] == [], f"{part} is described in Python's names"


def described_parts(schema: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for token, resource in schema["resources"].items():
        yield token, resource.get("description")
        for kind in ("inputProperties", "properties"):
            yield from ((f"{token} {name}", each.get("description")) for name, each in resource[kind].items())
    for token, declared in schema["types"].items():
        yield token, declared.get("description")
        yield from (
            (f"{token} {name}", each.get("description")) for name, each in declared.get("properties", {}).items()
        )
        yield from ((f"{token} {each['name']}", each.get("description")) for each in declared.get("enum", []))


def test_inputs_and_outputs_are_those_of_the_component(schema: dict[str, Any]) -> None:
    resource = schema["resources"][TOKEN]
    assert resource["isComponent"] is True
    inputs = resource["inputProperties"]
    assert set(inputs) == set(map(to_camel_case, ARGS))
    assert resource["requiredInputs"] == []
    known_at_once = {to_camel_case(name) for name, hint in ARGS.items() if get_origin(hint) is not Union}
    assert {name for name, each in inputs.items() if each.get("plain")} == known_at_once
    assert [name for name, each in inputs.items() if each.get("secret")] == ["apiKey"]
    assert [token.rpartition(":")[2] for token, each in schema["types"].items() if "apiKey" in secrets_of(each)] == [
        "Fallback",
        "Client",
    ]
    outputs = get_annotations(OpenAICompatibleLLM)
    assert set(resource["properties"]) == set(map(to_camel_case, outputs))
    always = {to_camel_case(name) for name, hint in outputs.items() if type(None) not in get_args(get_args(hint)[0])}
    assert set(resource["required"]) == always
    required = {
        token.rpartition(":")[2]: each["required"] for token, each in schema["types"].items() if "required" in each
    }
    assert required == {
        "ApiKeySecret": ["name"],
        "ClientsSecret": ["name"],
        "Fallback": ["name"],
        "RateLimit": ["per"],
        "RateLimitService": ["host"],
    }


def secrets_of(declared: dict[str, Any]) -> list[str]:
    return [name for name, each in declared.get("properties", {}).items() if each.get("secret")]


def test_fields_of_requests_are_any_values_and_keep_their_names(schema: dict[str, Any]) -> None:
    inputs = schema["resources"][TOKEN]["inputProperties"]
    for name in ("requestDefaults", "requestOverrides"):
        fields = inputs[name]["additionalProperties"]
        assert (fields["$ref"], "plain" in fields) == ("pulumi.json#/Any", False)
    assert "`seed`" in inputs["requestOverrides"]["description"]
    clients = inputs["clients"]["additionalProperties"]
    assert (clients["$ref"].rpartition(":")[2], clients["plain"]) == ("Client", True)


def test_the_gateway_apis_are_an_enum(schema: dict[str, Any]) -> None:
    reference = schema["resources"][TOKEN]["inputProperties"]["api"]["$ref"]
    declared = schema["types"][reference.removeprefix("#/types/")]
    assert declared["type"] == "string"
    assert {each["name"]: each["value"] for each in declared["enum"]} == {each.name: each.value for each in BackendApi}


def test_the_program_in_yaml_fits_the_schema(schema: dict[str, Any]) -> None:
    program = yaml.safe_load(block("docs/other-languages.md", "runtime: yaml", "yaml"))
    assert list(program["packages"]) == [schema["name"]]
    ((name, resource),) = program["resources"].items()
    declared = schema["resources"][resource["type"]]
    assert_fits(schema, declared["inputProperties"], resource["properties"])
    for output_name in re.findall(rf"\${{{name}\.(\w+)}}", str(program["outputs"])):
        assert output_name in declared["properties"]


def test_the_program_in_typescript_fits_the_schema(schema: dict[str, Any]) -> None:
    (program,) = blocks("typescript", PAGE)
    package, token = schema["name"], TOKEN
    resource_class = token.rpartition(":")[2]
    assert f'import {{ {resource_class} }} from "@pulumi/{package}";' in program
    construction = re.search(rf'const (\w+) = new {resource_class}\("\w+", (\{{.*\}})\);', program, re.DOTALL)
    assert construction
    # YAML has the same notation for values that aren't expressions.
    assert_fits(schema, schema["resources"][token]["inputProperties"], yaml.safe_load(construction[2]))
    (output_name,) = re.findall(rf"export const \w+ = {construction[1]}\.(\w+);", program)
    assert output_name in schema["resources"][token]["properties"]


def test_the_program_in_csharp_fits_the_schema(schema: dict[str, Any]) -> None:
    """Checks names by the rules of Pulumi's generator for .NET; it isn't compiled."""
    (program,) = blocks("csharp", PAGE)
    namespace = "Pulumi." + "".join(part.title() for part in schema["name"].split("-"))
    assert re.findall(r"^using (.*);$", program, re.MULTILINE) == ["Pulumi", namespace, f"{namespace}.Inputs"]
    resource_class = TOKEN.rpartition(":")[2]
    construction = re.search(
        rf'var (\w+) = new {resource_class}\("\w+", new {resource_class}Args\n\s*\{{(.*?)\n    \}}\);',
        program,
        re.DOTALL,
    )
    assert construction
    notation = re.sub(r"new (\w+)\n\s*\{", r"{__type: \1,", construction[2])
    notation = re.sub(
        r"BackendApi\.(\w+)", r'"enum \1"', re.sub(r"^(\s*)(\w+) = ", r"\1\2: ", notation, flags=re.MULTILINE)
    )
    properties = yaml.safe_load(f"{{{notation}}}")
    assert_fits(schema, schema["resources"][TOKEN]["inputProperties"], from_csharp(schema, properties))
    (output_name,) = re.findall(rf"= {construction[1]}\.(\w+) ", program)
    assert camel(output_name) in schema["resources"][TOKEN]["properties"]


def from_csharp(schema: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """Returns properties as the schema has them; the class of a group is the schema's type and `Args`."""
    converted: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, dict):
            declared = schema["resources"][TOKEN]["inputProperties"][camel(name)]["$ref"]
            assert value.pop("__type") == declared.rpartition(":")[2] + "Args"
            value = from_csharp(schema, value)
        elif isinstance(value, str) and value.startswith("enum "):
            value = BackendApi[value.removeprefix("enum ")].value
        converted[camel(name)] = value
    return converted


def camel(name: str) -> str:
    return name[0].lower() + name[1:]


def assert_fits(schema: dict[str, Any], declared: dict[str, Any], properties: dict[str, Any]) -> None:
    assert properties
    for name, value in properties.items():
        assert name in declared
        if "$ref" in declared[name]:
            referred = schema["types"][declared[name]["$ref"].removeprefix("#/types/")]
            if "enum" in referred:
                assert value in [each["value"] for each in referred["enum"]]
            else:
                assert_fits(schema, referred["properties"], value)
        else:
            assert isinstance(value, {"string": str, "integer": int, "boolean": bool}[declared[name]["type"]])


def test_the_plugin_has_the_same_environment_as_the_project() -> None:
    manifests = [
        yaml.safe_load(file.read_text()) for file in (FOLDER / "PulumiPlugin.yaml", REPOSITORY / "Pulumi.yaml")
    ]
    assert manifests[0]["runtime"] == manifests[1]["runtime"]
    # Pulumi's pip toolchain runs this in the plugin's folder; everything is installed here already.
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--requirement", "requirements.txt"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    assert f"pulumi-kubernetes=={importlib.metadata.version('pulumi-kubernetes')}" in done.stdout
    assert "Would install" not in done.stdout
