"""What the plugin does with any component of its registry, shown with one more, which is made up."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypedDict, cast

import pulumi
import pytest

from components import openai_compatible_llm
from components.openai_compatible_llm.arguments import Arguments, Declaration, InvalidArguments
from components.openai_compatible_llm.plugin import Plugin
from components.openai_compatible_llm.plugin.registry import COMPONENTS, Component
from tests.support.canary import Canaries
from tests.support.recording import record
from tools.reference import reference_tables
from tools.schema import REPOSITORY, SCHEMA, read_project

CANARY = "sk-canary-tenant-41d7"
TOKEN = "openai-compatible-llm:index:Tenant"


class OwnerArgs(TypedDict, total=False):
    """Describes who owns a tenant."""

    email_address: pulumi.Input[str]
    """Where to write to."""

    admin_token: pulumi.Input[str]
    """The owner's key."""


class TenantArgs(TypedDict, total=False):
    """Describes a tenant."""

    display_name: pulumi.Input[str]
    """Name for people, beside `cost_center`. Default: none."""

    cost_center: Mapping[str, Any]
    """Who pays."""

    admin_token: pulumi.Input[str]
    """The tenant's key."""

    owners: Sequence[OwnerArgs]
    """Who may use `owners[].admin_token`."""


DECLARATION = Declaration(cast("type", TenantArgs), frozenset({"admin_token"}), lambda *_: "unknown argument")


def validate(name: str, args: Mapping[Any, Any]) -> None:
    DECLARATION.raise_issues(name, Arguments(DECLARATION, args).issues)


class Tenant(pulumi.ComponentResource):
    """Creates a tenant from `display_name`."""

    tenant_id: pulumi.Output[str | None]
    """Number of the tenant."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TOKEN, name, None, opts)
        self.tenant_id = pulumi.Output.from_input("7").apply(lambda _: validate(name, args))


class EagerTenant(Tenant):
    """Checks the arguments at once."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        validate(name, args)
        super().__init__(name, args, opts)


REGISTRY = {**COMPONENTS, TOKEN: Component(Tenant, DECLARATION)}


@pytest.fixture(scope="module")
def plugin() -> Plugin:
    return Plugin(read_project(REPOSITORY), REGISTRY)


@pytest.fixture(scope="module")
def schema(plugin: Plugin) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(plugin.schema or "")
    return schema


@pytest.mark.parametrize("component", COMPONENTS.values())
def test_a_program_in_python_can_import_each_component_and_its_arguments(component: Component) -> None:
    exported = {component.resource.__name__, component.declaration.args.__name__}
    assert exported <= set(openai_compatible_llm.__all__)


def test_the_schema_has_a_resource_for_each_token(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == set(REGISTRY)
    committed = json.loads((REPOSITORY / SCHEMA).read_text())
    assert committed == {
        **schema,
        "resources": {token: schema["resources"][token] for token in COMPONENTS},
        "types": {token: each for token, each in schema["types"].items() if not token.endswith(":Owner")},
    }


def test_the_schema_marks_keys_as_secrets_and_names_arguments_in_camel_case(schema: dict[str, Any]) -> None:
    tenant = schema["resources"][TOKEN]
    assert tenant["description"] == "Creates a tenant from `displayName`."
    inputs = tenant["inputProperties"]
    assert [name for name, each in inputs.items() if each.get("secret")] == ["adminToken"]
    assert inputs["displayName"]["description"] == "Name for people, beside `costCenter`. Default: none."
    assert "plain" not in inputs["costCenter"]["additionalProperties"]
    owner = schema["types"]["openai-compatible-llm:index:Owner"]["properties"]
    assert [name for name, each in owner.items() if each.get("secret")] == ["adminToken"]


def test_inputs_get_their_python_names_in_groups_as_well(plugin: Plugin) -> None:
    definition = plugin.analyzer.analyze_component(Tenant)
    inputs = {"displayName": "a", "costCenter": {"teamA": 1}, "owners": [{"emailAddress": "b"}]}
    assert plugin.map_inputs(inputs, definition) == {
        "display_name": "a",
        "cost_center": {"teamA": 1},
        "owners": [{"email_address": "b"}],
    }


INVALID = {
    "displayName": 7,
    "admintoken": CANARY,
    "costCenter": {"team_a": {1}},
    "adminToken": [CANARY],
    "owners": [{"adminToken": [CANARY], "emailAddress": 7, "emailAdress": CANARY}, [{"adminToken": CANARY}]],
}
PROBLEMS = {
    "`admintoken`": "unknown argument",
    "displayName": "7 is not a string",
    "costCenter.team_a": "not a value of JSON; give a string, a number, a boolean, a list or a map",
    "`adminToken`": "the value is not a string",
    "`owners[0].adminToken`": "the value is not a string",
    "owners[0].emailAddress": "7 is not a string",
    "`owners[0].emailAdress`": "unknown argument",
    "`owners[1]`": "the value is not a group of settings",
}
"""What is wrong, by paths, which are in backticks where the engine would print a key: it prints the value there."""


def test_problems_show_no_key_when_they_are_found_at_once() -> None:
    plugin = Plugin(read_project(REPOSITORY), {TOKEN: Component(EagerTenant, DECLARATION)})
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        plugin.construct("house", TOKEN.replace("Tenant", "EagerTenant"), INVALID)
    assert_shown(refused.value)


def test_problems_show_no_key_when_they_are_found_later(plugin: Plugin) -> None:
    late: list[BaseException | None] = []

    def program() -> None:
        urn = asyncio.ensure_future(cast("Any", plugin.construct("house", TOKEN, INVALID).urn))
        urn.add_done_callback(lambda done: late.append(done.exception()))

    with suppress(InvalidArguments):
        record(program)
    (error,) = late
    assert_shown(error)


def assert_shown(error: BaseException | None) -> None:
    assert isinstance(error, pulumi.InputPropertiesError)
    assert error.message == 'Tenant "house" has invalid arguments:'
    assert {each["property_path"]: each["reason"] for each in error.errors or ()} == PROBLEMS
    assert not Canaries(CANARY).are_in(f"{error} {error.errors}")


def test_the_reference_has_a_table_of_each_components_arguments_and_outputs() -> None:
    tables = reference_tables(REGISTRY)
    assert {name: tables[name] for name in reference_tables()} == reference_tables()
    assert tables["arguments of Tenant"].splitlines()[2:] == [
        "| `display_name` | `displayName` | string | none | Name for people, beside `cost_center`. |",
        "| `cost_center` | `costCenter` | object |  | Who pays. |",
        "| `admin_token` | `adminToken` | string |  | The tenant's key. |",
        "| `owners` | `owners` | list of groups |  | Who may use `owners[].admin_token`. |",
        "| `owners[].email_address` | `owners[].emailAddress` | string |  | Where to write to. |",
        "| `owners[].admin_token` | `owners[].adminToken` | string |  | The owner's key. |",
    ]
    assert tables["outputs of Tenant"].splitlines()[2:] == ["| `tenant_id` | `tenantId` | Number of the tenant. |"]
