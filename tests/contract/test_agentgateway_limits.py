"""The component's limits for arguments are those of the AgentgatewayBackend's schema."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from components import InvalidArguments
from components.openai_compatible_llm.args import BackendApi
from tests.contract.schemas import StrictSchemas, spec_field
from tests.support.recording import record_component

HOST = "ai.provider.host"
PATH = "ai.provider.path"
HEADER_NAME = "policies.auth.location.header.name"
HEADER_PREFIX = "policies.auth.location.header.prefix"
HOST_ARGS = {"host": "llm.example.com", "api": BackendApi.AGENTGATEWAY}
ARGS = {**HOST_ARGS, "api_key": "key"}

GIVING: dict[str, Callable[[str], dict[str, Any]]] = {
    HOST: lambda text: {**ARGS, "host": text},
    PATH: lambda text: {**ARGS, "path": text},
    "ai.provider.openai.model": lambda text: {**ARGS, "model": text},
    "policies.auth.secretRef.name": lambda text: {**HOST_ARGS, "api_key_secret": {"name": text}},
    HEADER_NAME: lambda text: {**ARGS, "auth_header": {"header_name": text}},
    HEADER_PREFIX: lambda text: {**ARGS, "auth_header": {"prefix": text}},
}
# By how much our limits are shorter: DNS names have 253 characters, and a prefix gets a space after it.
SHORTER = {HOST: 3, HEADER_PREFIX: 1}


def _text(path: str, length: int) -> str:
    if path == PATH:
        return "/" + "a" * (length - 1)
    labels = (length - 1) // 2 if path == HOST else 0
    return "a." * labels + "a" * (length - 2 * labels)


def _objects(args: Any, name: str = "limits") -> list[dict[str, Any]]:
    return record_component(args, name).objects()


def _refused(args: Any, name: str = "limits") -> bool:
    try:
        _objects(args, name)
    except InvalidArguments:
        return True
    return False


def _problems(objects: list[dict[str, Any]], schemas: StrictSchemas) -> list[str]:
    return [problem for manifest in objects for problem in schemas.problems(manifest)]


@pytest.mark.parametrize("path", GIVING)
def test_the_longest_accepted_text_is_as_long_as_the_schema_allows(
    path: str, agentgateway_crd: dict[str, Any], schemas: StrictSchemas
) -> None:
    longest = spec_field(agentgateway_crd, path)["maxLength"] - SHORTER.get(path, 0)
    lengths = range(longest - 1, longest + 3)
    refused = [_refused(GIVING[path](_text(path, length))) for length in lengths]
    assert refused == [False, False, True, True]
    assert _problems(_objects(GIVING[path](_text(path, longest))), schemas) == []


@pytest.mark.parametrize("path", GIVING)
def test_an_empty_text_is_refused(path: str, agentgateway_crd: dict[str, Any]) -> None:
    assert spec_field(agentgateway_crd, path)["minLength"] == 1
    assert _refused(GIVING[path](""))


def test_a_port_beyond_the_schemas_limits_is_refused(agentgateway_crd: dict[str, Any]) -> None:
    port = spec_field(agentgateway_crd, "ai.provider.port")
    given = [port["minimum"] - 1, port["minimum"], port["maximum"], port["maximum"] + 1]
    assert [_refused({**ARGS, "port": each}) for each in given] == [True, False, False, True]


def test_a_header_name_may_have_the_characters_of_the_schemas_pattern(agentgateway_crd: dict[str, Any]) -> None:
    pattern = spec_field(agentgateway_crd, HEADER_NAME)["pattern"]
    names = [f"x{chr(code)}x" for code in (*range(0x80), 0xE9, 0x2028)]
    taken = [name for name in names if not _refused(GIVING[HEADER_NAME](name))]
    assert taken == [name for name in names if re.search(pattern, name)]


def test_the_longest_accepted_base_url_gives_a_path_as_long_as_the_schema_allows(
    agentgateway_crd: dict[str, Any], schemas: StrictSchemas
) -> None:
    longest = spec_field(agentgateway_crd, PATH)["maxLength"] - len("/chat/completions")

    def args(length: int) -> dict[str, Any]:
        url = f"https://llm.example.com{_text(PATH, length)}"
        return {"base_url": url, "api_key": "key", "api": BackendApi.AGENTGATEWAY}

    assert [_refused(args(length)) for length in range(longest - 1, longest + 3)] == [False, False, True, True]
    assert _problems(_objects(args(longest)), schemas) == []


@pytest.mark.parametrize("api", BackendApi)
def test_the_objects_of_the_longest_accepted_name_pass_the_schemas(api: BackendApi, schemas: StrictSchemas) -> None:
    args = {**ARGS, "api": api, "route_path": "/llm"}
    longest = max((name for name in ("a" * n for n in range(230, 256)) if not _refused(args, name)), key=len)
    assert len(longest) < 253
    assert _problems(_objects(args, longest), schemas) == []
