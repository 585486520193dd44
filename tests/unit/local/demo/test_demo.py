"""What `make demo` refuses, what it deploys, and what it says."""

import json
import shlex
import socket
from collections.abc import Callable

import pytest

from local.demo import GATEWAY, STACK, demo
from local.errors import LocalError
from local.gateway.attachments import attachments
from local.stack_files import read_key_variables, read_placements
from tests.support.recording import PROJECT, record_program
from tests.support.stand_in_gateway import StandInGateway, completion, page

BASE_URL = "http://127.0.0.1:8123/v1"
CONFIG = demo.stack_file(BASE_URL, PROJECT)["config"]


@pytest.fixture
def own_stacks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which stacks the clone has."""
    return lambda *names: monkeypatch.setattr(demo, "stack_names", lambda: list(names))


def test_a_stack_of_the_users_own_keeps_its_name(own_stacks: Callable[..., None]) -> None:
    own_stacks("mistral", "demo")
    assert not demo.is_among(["demo"])
    with pytest.raises(LocalError) as raised:
        demo.check(None)
    assert str(raised.value) == (
        "stacks/Pulumi.demo.yaml is a stack of your own, and `make demo` needs its name. Rename yours, or deploy it "
        "with `make up STACK=demo`."
    )


def test_the_demo_is_one_of_the_stacks_although_it_has_no_file(own_stacks: Callable[..., None]) -> None:
    own_stacks("mistral")
    demo.check(None)
    demo.check("agentgateway")
    assert demo.is_among(["mistral", "demo"])
    assert not demo.is_among(["mistral"])


def test_no_stack_that_is_shipped_has_its_name() -> None:
    demo.check(None)


def test_a_gateway_that_cannot_do_without_a_key_is_refused() -> None:
    with pytest.raises(LocalError) as raised:
        demo.check("kgateway")
    assert str(raised.value) == (
        "`make demo` can't use GATEWAY=kgateway: the demo's provider takes no key (`keyless`), which needs "
        "`api: agentgateway`. Run `make demo GATEWAY=agentgateway`."
    )


def test_without_a_gateway_it_says_what_to_run() -> None:
    demo.check_gateway(True, {})
    problem = "The demo needs a gateway for `api: agentgateway`, and there is none. Get one: "
    for variables, command in (({}, ""), ({"GATEWAY_ASSETS": "/gateways"}, "GATEWAY_ASSETS= ")):
        with pytest.raises(LocalError) as raised:
            demo.check_gateway(False, variables)
        assert str(raised.value) == f"{problem}`{command}make demo GATEWAY=agentgateway`"


def test_its_stack_has_neither_a_key_nor_tls() -> None:
    recorded = record_program(CONFIG)
    objects = {each.inputs["kind"]: each.inputs for each in recorded.resources if "kind" in each.inputs}
    assert set(objects) == {"HTTPRoute", "AgentgatewayBackend", "AgentgatewayPolicy"}
    assert {each["metadata"]["namespace"] for each in objects.values()} == {"demo"}
    provider = objects["AgentgatewayBackend"]["spec"]["ai"]["provider"]
    assert (provider["host"], provider["port"], provider["openai"]) == ("127.0.0.1", 8123, {"model": "demo"})


def test_its_gateway_is_its_own() -> None:
    settings = {name.removeprefix(f"{PROJECT}:"): value for name, value in CONFIG.items()}
    (attached,) = attachments({STACK: read_placements(settings)})
    assert attached.gateway == GATEWAY
    assert read_key_variables(settings) == []


def test_the_names_of_its_settings_are_the_projects() -> None:
    assert {name.partition(":")[0] for name in demo.stack_file(BASE_URL, "renamed")["config"]} == {"renamed"}


def test_it_waits_until_the_provider_answers_through_the_gateway(gateway: StandInGateway) -> None:
    replies = iter([page(404), page(503)])
    gateway.replies = {"/demo": lambda handler, request: next(replies, completion)(handler, request)}
    demo.wait_for_answer(gateway.url)
    assert [request.path for request in gateway.requests] == 3 * ["/demo/v1/chat/completions"]
    assert gateway.requests[-1].json["messages"] == [{"role": "user", "content": "Hello!"}]


def test_without_an_answer_it_says_what_finds_the_reason(
    gateway: StandInGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SECONDS_TO_ANSWER", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for url in (gateway.url, f"http://127.0.0.1:{silent.getsockname()[1]}", "http://127.0.0.1:1"):
            with pytest.raises(LocalError) as raised:
                demo.wait_for_answer(url)
            assert str(raised.value) == (
                f"The demo does not answer at {url}/demo/v1/chat/completions. "
                "`make chat STACK=demo` says which part is broken."
            )


def test_the_line_for_curl_is_one_that_a_shell_takes() -> None:
    (line,) = (line for line in demo.next_steps("http://127.0.0.1:8080").splitlines() if "curl" in line)
    words = shlex.split(line)
    assert words[:2] == ["curl", "http://127.0.0.1:8080/demo/v1/chat/completions"]
    assert words[2:5] == ["--header", "content-type: application/json", "--data"]
    assert json.loads(words[5])["messages"][0]["content"] == "Hello!"
