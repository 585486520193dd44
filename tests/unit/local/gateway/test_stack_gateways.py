from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from local.control_plane.control_plane import ControlPlane
from local.folders import StateFolder
from local.gateway.assets import VARIABLE
from local.gateway.references import GatewayReference
from local.gateway.stack_gateways import StackGateways
from tests.unit.local.gateway.test_assets import PARTS, write

MISTRAL = GatewayReference("one", "mistral", "kgateway", "gloo-system", "agentgateway")
HOUSE = GatewayReference("two", "house", "agentgateway", "llm", "edge")


class StoppedControlPlane:
    def __init__(self, state: StateFolder) -> None:
        self.state = state


@pytest.fixture
def control_plane(tmp_path: Path) -> ControlPlane:
    state = StateFolder(tmp_path / "state")
    state.create()
    return cast("ControlPlane", StoppedControlPlane(state))


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Everything for kgateway, and a part for agentgateway."""
    write(tmp_path / "assets/kgateway", *PARTS)
    write(tmp_path / "assets/agentgateway", "proxy")
    return tmp_path / "assets"


def of(control_plane: ControlPlane, **environment: str) -> StackGateways:
    return StackGateways(control_plane, print, environment)


def test_without_the_programs_one_line_says_that_nobody_answers(control_plane: ControlPlane) -> None:
    gateways = of(control_plane)
    assert gateways.prepare([MISTRAL, HOUSE]) == ([], [])
    assert list(gateways.report([MISTRAL, HOUSE])) == [
        "No gateway runs here, so nobody answers requests. docs/gateway.md says how to get one."
    ]
    assert list(gateways.report([])) == []


def test_what_is_missing_of_one_api_is_named_and_the_other_runs(control_plane: ControlPlane, assets: Path) -> None:
    gateways = of(control_plane, **{VARIABLE: str(assets)})
    prepared, definitions = gateways.prepare([MISTRAL, HOUSE])
    assert [str(each) for each in prepared] == ["gloo-system/agentgateway"]
    assert definitions == [{"kind": "CustomResourceDefinition"}]
    missing, stopped = gateways.report([MISTRAL, HOUSE])
    assert missing.startswith("No gateway runs here for `api: agentgateway`, so nobody answers its requests: ")
    assert missing.endswith(f" {assets}/agentgateway has no controller, crds/*.yaml. See docs/gateway.md.")
    assert stopped == "The Gateway gloo-system/agentgateway (kgateway) does not run; `make up` starts it."


def test_a_later_command_that_is_not_told_where_the_programs_are_knows_it(
    control_plane: ControlPlane, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(assets.parent)
    first, _ = of(control_plane, **{VARIABLE: assets.name}).prepare([MISTRAL])
    monkeypatch.chdir("/")
    later, _ = of(control_plane).prepare([MISTRAL])
    assert later == first != []


def test_a_gateway_keeps_its_api_as_long_as_a_stack_uses_it(control_plane: ControlPlane, assets: Path) -> None:
    write(assets / "agentgateway", *PARTS)
    moved = replace(MISTRAL, stack="moved", api="agentgateway")

    def api(*references: GatewayReference) -> str:
        ((gateway,), _) = of(control_plane, **{VARIABLE: str(assets)}).prepare(references)
        return gateway.api.name

    assert api(MISTRAL) == "kgateway"
    assert api(moved, MISTRAL) == "kgateway"
    assert api(moved) == "agentgateway"
    assert api(MISTRAL, moved) == "agentgateway"
