"""What the plugin does with any component of its registry, shown with one more, which is made up."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypedDict, cast

import pulumi
import pytest

from components.openai_compatible_llm.inputs import InvalidArguments, Issue, Key, Path
from components.openai_compatible_llm.plugin import Plugin
from components.openai_compatible_llm.plugin.registry import COMPONENTS, Component
from tests.canary import Canaries
from tests.unit.recording import record
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


class Tenant(pulumi.ComponentResource):
    """Creates a tenant from `display_name`."""

    tenant_id: pulumi.Output[str]
    """Number of the tenant."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TOKEN, name, None, opts)
        self.tenant_id = pulumi.Output.from_input(args["display_name"]).apply(lambda given: validate(name, given))


def validate(name: str, display_name: str) -> str:
    if display_name == "wrong":
        raise InvalidArguments(name, [Issue(path, "wrong") for path in REFUSED])
    return "7"


class EagerTenant(Tenant):
    """Creates a tenant, or refuses it at once."""

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        validate(name, cast("str", args["display_name"]))
        super().__init__(name, args, opts)


REGISTRY = {**COMPONENTS, TOKEN: Component(Tenant, cast("type", TenantArgs), frozenset({"admin_token"}))}
INPUTS = {
    "displayName": "wrong",
    "admintoken": CANARY,
    "costCenter": {"team_a": 1},
    "adminToken": CANARY,
    "owners": [{"adminToken": CANARY, "emailAddress": "a", "emailAdress": CANARY}],
}
REFUSED: dict[Path, str] = {
    ("display_name",): "displayName",
    (Key("admintoken"),): "`admintoken`",
    ("cost_center", Key("team_a")): "costCenter.team_a",
    ("admin_token",): "`adminToken`",
    ("owners",): "`owners`",
    ("owners", 0): "`owners[0]`",
    ("owners", 0, "admin_token"): "`owners[0].adminToken`",
    ("owners", 0, "email_address"): "owners[0].emailAddress",
    ("owners", 0, Key("emailAdress")): "`owners[0].emailAdress`",
}
"""Paths of arguments, and how the plugin writes them: in backticks where the engine would print a key."""


@pytest.fixture(scope="module")
def plugin() -> Plugin:
    return Plugin(read_project(REPOSITORY), REGISTRY)


@pytest.fixture(scope="module")
def schema(plugin: Plugin) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(plugin.schema or "")
    return schema


def test_the_schema_has_a_resource_for_each_token(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == set(REGISTRY)
    committed = json.loads((REPOSITORY / SCHEMA).read_text())
    assert committed == {
        **schema,
        "resources": {token: schema["resources"][token] for token in COMPONENTS},
        "types": {token: each for token, each in schema["types"].items() if not token.endswith(":OwnerArgs")},
    }


def test_the_schema_marks_keys_as_secrets_and_names_arguments_in_camel_case(schema: dict[str, Any]) -> None:
    tenant = schema["resources"][TOKEN]
    assert tenant["description"] == "Creates a tenant from `displayName`."
    inputs = tenant["inputProperties"]
    assert [name for name, each in inputs.items() if each.get("secret")] == ["adminToken"]
    assert inputs["displayName"]["description"] == "Name for people, beside `costCenter`. Default: none."
    assert "plain" not in inputs["costCenter"]["additionalProperties"]
    owner = schema["types"]["openai-compatible-llm:index:OwnerArgs"]["properties"]
    assert [name for name, each in owner.items() if each.get("secret")] == ["adminToken"]


def test_inputs_get_their_python_names_in_groups_as_well(plugin: Plugin) -> None:
    definition = plugin.analyzer.analyze_component(Tenant)
    given = {"displayName": "a", "costCenter": {"teamA": 1}, "owners": [{"emailAddress": "b"}]}
    assert plugin.map_inputs(given, definition) == {
        "display_name": "a",
        "cost_center": {"teamA": 1},
        "owners": [{"email_address": "b"}],
    }


def test_an_error_shows_no_key_whether_the_arguments_are_known_at_once_or_later(plugin: Plugin) -> None:
    eager = Plugin(
        read_project(REPOSITORY), {TOKEN: Component(EagerTenant, cast("type", TenantArgs), frozenset({"admin_token"}))}
    )
    with pytest.raises(pulumi.InputPropertiesError) as refused:
        eager.construct("house", TOKEN.replace("Tenant", "EagerTenant"), INPUTS)
    assert_refused(refused.value, "EagerTenant")

    late: list[BaseException] = []

    def program() -> None:
        urn = plugin.construct("house", TOKEN, INPUTS).urn
        task = asyncio.ensure_future(cast("Any", urn))
        task.add_done_callback(lambda done: late.append(cast("BaseException", done.exception())))

    with suppress(InvalidArguments):
        record(program)
    (error,) = late
    assert isinstance(error, pulumi.InputPropertiesError)
    assert_refused(error, "Tenant")


def assert_refused(error: pulumi.InputPropertiesError, component: str) -> None:
    assert error.message == f'{component} "house" has invalid arguments:'
    assert [each["property_path"] for each in error.errors or ()] == list(REFUSED.values())
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
