"""The catalogue, and what a preset does in a component."""

from dataclasses import fields
from datetime import date
from urllib.parse import urlsplit

import pytest

from components import BackendApi, Endpoints, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.inputs import parse, validators
from components.openai_compatible_llm.presets import PRESETS, EndpointClaim, EndpointKind, Preset
from tests.support.recording import record_component
from tools.catalogue import endpoints_grid, providers_table, sources_table

KEY = "sk-canary-8c1f"


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_makes_a_component_whose_objects_have_its_host_and_path(key: str) -> None:
    preset = PRESETS[key]
    args: OpenAICompatibleLLMArgs = {"preset": key, "api_key": KEY, "api": BackendApi.AGENTGATEWAY}
    recording = record_component(args)
    provider = recording.spec("AgentgatewayBackend")["ai"]["provider"]
    prefix = preset.path.removesuffix("/chat/completions") or "/"
    assert provider == {"openai": {}, "host": preset.host, "port": preset.port, "pathPrefix": prefix}
    chat = record_component({**args, "endpoints": Endpoints.CHAT}).spec("AgentgatewayBackend")["ai"]["provider"]
    assert chat == {"openai": {}, "host": preset.host, "port": preset.port, "path": preset.path}
    assert recording.spec("AgentgatewayBackend")["policies"]["tls"] == {"sni": preset.host}


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_is_well_formed_and_names_its_sources(key: str) -> None:
    preset = PRESETS[key]
    # The preset's name is a component's name by default.
    parse(key, {"preset": key, "api_key": KEY})
    assert validators.host(preset.host) is None
    assert preset.path.endswith("/chat/completions")
    assert preset.title
    assert len(set(preset.sources)) == len(preset.sources) > 0
    assert preset.confirmed <= date.today()  # noqa: DTZ011 (a day more or less is no matter)


@pytest.mark.parametrize("claim", [claim for preset in PRESETS.values() for claim in preset.endpoint_claims])
def test_every_claim_about_endpoints_has_a_source_and_a_day(claim: EndpointClaim) -> None:
    assert claim.kinds
    assert all(isinstance(kind, EndpointKind) for kind in claim.kinds)
    assert sorted(set(claim.kinds)) == sorted(claim.kinds)
    source = urlsplit(claim.source)
    assert source.scheme == "https"
    assert source.netloc
    assert source.path.strip("/")
    assert claim.confirmed <= date.today()  # noqa: DTZ011 (a day more or less is no matter)


def test_no_two_sources_claim_the_same_endpoint_of_a_provider() -> None:
    for preset in PRESETS.values():
        kinds = [kind for claim in preset.endpoint_claims for kind in claim.kinds]
        assert sorted(set(kinds)) == sorted(kinds)
        assert sorted(preset.endpoint_kinds) == sorted(kinds)


def test_the_tables_show_what_each_provider_serves_and_who_says_so() -> None:
    providers = _cells(providers_table())
    assert {row[0]: row[5] for row in providers} == {
        f"`{key}`": ", ".join(preset.endpoint_kinds) or "-" for key, preset in PRESETS.items()
    }
    assert _cells(sources_table()) == [
        [f"`{key}`", ", ".join(claim.kinds), str(claim.confirmed), f"<{claim.source}>"]
        for key, preset in PRESETS.items()
        for claim in preset.endpoint_claims
    ]


def test_the_grid_of_endpoints_has_a_row_for_every_preset_and_says_yes_where_a_source_does() -> None:
    head, _line, *rows = (row.strip("|").split("|") for row in endpoints_grid().splitlines())
    kinds = [cell.strip() for cell in head[1:]]
    assert kinds == ["chat", *EndpointKind]
    assert {name.strip(): [cell.strip() for cell in cells] for name, *cells in rows} == {
        f"`{key}`": ["yes" if kind in ("chat", *preset.endpoint_kinds) else "?" for kind in kinds]
        for key, preset in PRESETS.items()
    }


def _cells(table: str) -> list[list[str]]:
    _head, _line, *rows = table.splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_no_two_presets_are_one_provider() -> None:
    for facts in ([preset.host for preset in PRESETS.values()], [preset.title for preset in PRESETS.values()]):
        assert sorted(set(facts)) == sorted(facts)


def test_a_preset_names_no_model() -> None:
    assert not any("model" in field.name for field in fields(Preset))
