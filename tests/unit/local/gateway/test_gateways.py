from dataclasses import replace
from pathlib import Path

import pytest

from local.folders import StateFolder
from local.gateway.api import AGENTGATEWAY, KGATEWAY, Gateway
from local.gateway.assets import VARIABLE
from local.gateway.attachments import Attachment
from local.gateway.gateways import Gateways
from tests.unit.local.gateway.test_assets import PARTS, write

MISTRAL = Attachment("one", "mistral", Gateway(KGATEWAY, "gloo-system", "agentgateway"))
HOUSE = Attachment("two", "house", Gateway(AGENTGATEWAY, "llm", "edge"))


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Everything for kgateway, and a part for agentgateway."""
    write(tmp_path / "assets/kgateway", *PARTS)
    write(tmp_path / "assets/agentgateway", "proxy")
    return tmp_path / "assets"


def of(state: StateFolder, **environment: str) -> Gateways:
    return Gateways(state, environment)


def test_without_the_programs_one_line_says_that_nobody_answers(state: StateFolder) -> None:
    gateways = of(state)
    assert gateways.prepare([MISTRAL, HOUSE]) == ([], [])
    assert gateways.report([MISTRAL, HOUSE]) == [
        "No gateway runs here, so requests get no answer. docs/gateway.md says how to get one."
    ]
    assert gateways.report([]) == []


def test_what_is_missing_of_one_api_is_named_and_the_other_runs(state: StateFolder, assets: Path) -> None:
    gateways = of(state, **{VARIABLE: str(assets)})
    prepared, definitions = gateways.prepare([MISTRAL, HOUSE])
    assert [str(each) for each in prepared] == ["gloo-system/agentgateway"]
    assert definitions == [{"kind": "CustomResourceDefinition"}]
    stopped, missing = gateways.report([MISTRAL, HOUSE])
    assert missing.startswith("No gateway runs here for `api: agentgateway`, so its requests get no answer: ")
    assert missing.endswith(f" {assets}/agentgateway has no controller, crds/*.yaml. See docs/gateway.md.")
    assert stopped == "The Gateway gloo-system/agentgateway (kgateway) is not running. Start it with `make up`."


def test_a_later_command_that_is_not_told_where_the_programs_are_knows_it(
    state: StateFolder, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(assets.parent)
    first, _ = of(state, **{VARIABLE: assets.name}).prepare([MISTRAL])
    monkeypatch.chdir("/")
    later, _ = of(state).prepare([MISTRAL])
    assert later == first != []


def test_a_gateway_keeps_its_api_as_long_as_a_stack_uses_it(state: StateFolder, assets: Path) -> None:
    write(assets / "agentgateway", *PARTS)
    moved = replace(MISTRAL, stack="moved", gateway=replace(MISTRAL.gateway, api=AGENTGATEWAY))

    def api(*attached: Attachment) -> str:
        ((gateway,), _) = of(state, **{VARIABLE: str(assets)}).prepare(attached)
        return gateway.api.name

    assert api(MISTRAL) == "kgateway"
    assert api(moved, MISTRAL) == "kgateway"
    assert api(moved) == "agentgateway"
    assert api(MISTRAL, moved) == "agentgateway"
