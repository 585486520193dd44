"""Holds that the example's program in TypeScript asks for what the one in YAML asks for, which tests deploy."""

import re

import yaml

from tests.support.repository import REPOSITORY

EXAMPLE = REPOSITORY / "examples/one-url"


def test_the_program_in_typescript_asks_for_the_same_as_the_one_in_yaml() -> None:
    in_yaml = (EXAMPLE / "yaml/Pulumi.yaml").read_text()
    # Both have the same notation for values, but for expressions.
    program = yaml.safe_load(re.sub(r"\$\{([\w.]+)\}", r"\1", in_yaml))
    in_typescript = (EXAMPLE / "typescript/index.ts").read_text()
    (path,) = re.findall(r'^const path = ("[^"]+");$', in_typescript, re.MULTILINE)
    readable = re.sub(r'config\.requireSecret\("(\w+)"\)', r"\1", in_typescript.replace(": path,", f": {path},"))
    (clients,) = re.findall(r"^const clients = (\{.*?^\});$", readable, re.MULTILINE | re.DOTALL)
    readable = readable.replace(": clients,", f": {clients},".replace(" as const", ""))

    created = re.findall(r'^const (\w+) = new (\w+)\("(\w+)", (\{.*?^\})\);$', readable, re.MULTILINE | re.DOTALL)
    assert [variable for variable, *_ in created] == [name for *_, name, _ in created]
    assert {
        name: {"type": f"openai-compatible-llm:index:{component}", "properties": yaml.safe_load(properties)}
        for _, component, name, properties in created
    } == program["resources"]
    assert dict(re.findall(r"^export const (\w+) = ([\w.]+);$", readable, re.MULTILINE)) == program["outputs"]
    imported = ", ".join(sorted({component for _, component, *_ in created}))
    assert f'import {{ {imported} }} from "@pulumi/openai-compatible-llm";' in in_typescript
