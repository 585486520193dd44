from dataclasses import replace
from pathlib import Path

import pytest

from local.folders import StateFolder
from local.gateway.api import AGENTGATEWAY, KGATEWAY, Gateway
from local.gateway.assets import VARIABLE
from local.gateway.attachments import Attachment
from local.gateway.gateways import Gateways
from local.processes import DetachedProcesses
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


def test_without_the_programs_one_line_for_each_api_says_which_command_gets_them(state: StateFolder) -> None:
    gateways = of(state)
    assert gateways.prepare([MISTRAL, HOUSE]) == ([], [])
    assert gateways.report([MISTRAL, replace(MISTRAL, stack="other"), HOUSE]) == [
        "No gateway runs here, so requests get no answer. Get one: `make up STACK='one other' GATEWAY=kgateway`",
        "No gateway runs here, so requests get no answer. Get one: `make up STACK=two GATEWAY=agentgateway`",
    ]
    assert gateways.report([]) == []


def test_a_stack_with_another_api_than_the_gateway_is_told_which_one_to_get(state: StateFolder, assets: Path) -> None:
    gateways = of(state)
    gateways.use(assets)
    gateways.prepare([MISTRAL, HOUSE])
    (assets / "agentgateway/proxy").unlink()
    (assets / "agentgateway").rmdir()
    for each in (gateways, of(state)):
        assert each.report([MISTRAL, HOUSE])[1] == (
            "No gateway runs here for `api: agentgateway`, so its requests get no answer. "
            "Get one: `make up STACK=two GATEWAY=agentgateway`"
        )


def test_the_folder_that_is_chosen_comes_before_the_last_one(state: StateFolder, assets: Path) -> None:
    of(state, **{VARIABLE: str(assets)}).prepare([MISTRAL])
    write(assets.parent / "other/agentgateway", *PARTS)
    gateways = of(state)
    gateways.use(assets.parent / "other")
    first, _ = gateways.prepare([MISTRAL, HOUSE])
    later, _ = of(state).prepare([MISTRAL, HOUSE])
    assert [str(each) for each in first] == [str(each) for each in later] == ["llm/edge"]


def test_a_gateway_serves_the_api_that_can_run(state: StateFolder, assets: Path) -> None:
    of(state, **{VARIABLE: str(assets)}).prepare([MISTRAL])
    write(assets.parent / "other/agentgateway", *PARTS)
    gateways = of(state)
    gateways.use(assets.parent / "other")
    demo = replace(MISTRAL, stack="demo", gateway=replace(MISTRAL.gateway, api=AGENTGATEWAY))
    ((gateway,), _) = gateways.prepare([MISTRAL, demo])
    assert gateway.api == AGENTGATEWAY


def test_the_gateway_that_is_not_used_any_more_is_stopped(state: StateFolder, assets: Path) -> None:
    of(state, **{VARIABLE: str(assets)}).prepare([MISTRAL])
    processes = DetachedProcesses(state)
    for name in (KGATEWAY.controller, MISTRAL.gateway.proxy, "etcd"):
        processes.start(name, ["sleep", "60"])
    try:
        write(assets.parent / "other/agentgateway", *PARTS)
        gateways = of(state)
        gateways.use(assets.parent / "other")
        gateways.stop_unusable()
        assert processes.names() == {"etcd"}
    finally:
        processes.stop(*processes.names())


def test_what_is_missing_of_one_api_is_named_and_the_other_runs(state: StateFolder, assets: Path) -> None:
    gateways = of(state, **{VARIABLE: str(assets)})
    prepared, definitions = gateways.prepare([MISTRAL, HOUSE])
    assert [str(each) for each in prepared] == ["gloo-system/agentgateway"]
    assert definitions == [{"kind": "CustomResourceDefinition"}]
    stopped, missing = gateways.report([MISTRAL, HOUSE])
    assert missing.startswith("No gateway runs here for `api: agentgateway`, so its requests get no answer: ")
    assert missing.endswith(
        f" {assets}/agentgateway has no controller, crds/*.yaml. "
        "Get one: `GATEWAY_ASSETS= make up STACK=two GATEWAY=agentgateway`"
    )
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
