"""`make demo` in a fresh clone, with programs that stand in for agentgateway's."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from local.gateway.assets import VARIABLE
from tests.e2e.gateway_assets import stand_in_gateway_assets
from tests.support.clone import Clone, Done, fresh_clone

KEY = "sk-canary-demo-41f0a2"
QUESTION = "Who is there?"
ANSWER = "This is the demo provider. You said: "
NO_GATEWAY = (
    "error: The demo needs a gateway for `api: agentgateway`, and there is none. "
    "Get one: `make demo GATEWAY=agentgateway`"
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        yield clone


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(stand_in_gateway_assets(tmp_path_factory.mktemp("assets")))


@pytest.fixture
def demo(clone: Clone, assets: str) -> Clone:
    """A clone in which the demo runs."""
    if not clone.state.kubeconfig.exists():
        make_demo(clone, **{VARIABLE: assets})
    return clone


def make_demo(clone: Clone, **variables: str) -> str:
    done = clone.run("demo", keys={"OPENAI_API_KEY": KEY, **variables})
    assert done.status == 0, done.printed
    assert KEY not in done.printed
    return done.stdout


def chat(clone: Clone, *options: str) -> Done:
    return clone.run("chat", "--stack", "demo", *options)


def answers(clone: Clone) -> bool:
    asked = chat(clone, "--", QUESTION)
    assert asked.status == 0, asked.printed
    return asked.stdout == f"{ANSWER}{QUESTION}\n"


def provider_port(clone: Clone) -> int:
    found = re.search(r"The demo provider answers at http://127\.0\.0\.1:(\d+)/v1\.\n", clone.run("status").stdout)
    assert found
    return int(found[1])


def provider_pid(clone: Clone) -> int:
    (process,) = (each for each in clone.processes() if "provider.py" in " ".join(each.cmdline()))
    return process.pid


def kill_provider(clone: Clone) -> None:
    (process,) = (each for each in clone.processes() if "provider.py" in " ".join(each.cmdline()))
    process.kill()
    process.wait(10)


def test_without_a_gateway_it_says_what_to_run_and_starts_nothing(clone: Clone) -> None:
    said = clone.failure("demo")
    assert said.rstrip().endswith(NO_GATEWAY)
    assert "`keyless`" in clone.failure("demo", "--gateway", "kgateway")
    assert "The stack demo is not deployed yet." in clone.failure("chat", "--stack", "demo", PATH="/usr/bin:/bin")
    assert not clone.state.root.exists()


def test_a_stack_of_the_users_own_with_its_name_is_left_alone(clone: Clone, assets: str) -> None:
    own = clone.stack_file("demo")
    own.write_text("config: {}\n")
    try:
        said = clone.failure("demo", **{VARIABLE: assets})
        assert "stacks/Pulumi.demo.yaml is a stack of your own" in said
        assert not clone.state.root.exists()
    finally:
        own.unlink()


def test_make_demo_and_make_chat_of_a_fresh_clone_bring_the_providers_answer(clone: Clone, assets: str) -> None:
    said = make_demo(clone, **{VARIABLE: assets})
    assert "Starting demo-provider" in said
    for kind in ("AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute"):
        assert re.search(rf"│ demo  │ {kind} +│ demo/demo ", said)
    assert re.search(r"The Gateway demo/demo \(agentgateway\) answers at http://127\.0\.0\.1:\d+\. ", said)
    assert "placeholder" not in said
    assert "listens on all addresses" not in said, "there is no key to be used by others"
    assert "The demo answers. Ask it:\n  make chat STACK=demo\n" in said
    assert answers(clone)
    assert not clone.stack_file("demo").exists()


def test_the_line_for_curl_brings_an_answer(demo: Clone) -> None:
    (line,) = (line for line in make_demo(demo).splitlines() if line.startswith("  curl "))
    done = subprocess.run(["bash", "-c", f"{line.strip()} --silent --noproxy '*'"], capture_output=True, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == f"{ANSWER}Hello!"


def test_the_answer_streams_and_models_and_embeddings_are_served(demo: Clone) -> None:
    assert chat(demo, "--stream", "--", QUESTION).stdout == f"{ANSWER}{QUESTION}\n"
    assert chat(demo, "--models").stdout.split() == ["demo"]
    assert chat(demo, "--embeddings", "some text", "--model", "demo").status == 0


def test_a_second_make_demo_changes_nothing_and_needs_not_be_told_of_the_gateway(demo: Clone) -> None:
    before = {each.pid for each in demo.processes()}
    said = make_demo(demo)
    assert "Nothing changed." in said
    assert "Starting" not in said
    assert {each.pid for each in demo.processes()} == before


def test_preview_and_up_take_it_as_any_stack(demo: Clone) -> None:
    previewed = demo.run("preview", "demo")
    assert previewed.status == 0, previewed.printed
    assert "3 unchanged" in previewed.stdout or "4 unchanged" in previewed.stdout or "5 unchanged" in previewed.stdout
    assert demo.up("demo").endswith("Nothing changed.\n")


def test_another_stack_leaves_it_as_it_is(demo: Clone) -> None:
    port, pid = provider_port(demo), provider_pid(demo)
    said = demo.up("mistral")
    assert "The Gateway demo/demo (agentgateway) answers at " in said
    assert (provider_port(demo), provider_pid(demo)) == (port, pid)
    assert answers(demo)


def test_a_killed_provider_is_told_and_comes_back_on_its_port(demo: Clone) -> None:
    port = provider_port(demo)
    kill_provider(demo)
    assert "The demo provider is not running. Start it with `make demo`." in demo.run("status").stdout
    assert "The demo provider is not running. Start it with `make demo`." in demo.failure("chat", "--stack", "demo")
    assert "Nothing changed." in make_demo(demo)
    assert provider_port(demo) == port
    assert answers(demo)


def test_where_its_port_was_taken_the_backend_leads_to_another(demo: Clone) -> None:
    port = provider_port(demo)
    kill_provider(demo)
    with socket.create_server(("127.0.0.1", port)):
        assert "~ 1 updated" in make_demo(demo)
        assert provider_port(demo) != port
        assert answers(demo)


def test_a_stack_of_the_users_own_that_comes_later_wins_its_name(demo: Clone) -> None:
    demo.stack_file("demo").write_text("config: {}\n")
    try:
        assert "stacks/Pulumi.demo.yaml is a stack of your own" in demo.failure("demo")
        assert "The demo provider" not in demo.run("status").stdout
    finally:
        demo.stack_file("demo").unlink()
    assert answers(demo)


def test_its_log_has_no_header(demo: Clone) -> None:
    answer = urllib3.request(
        "GET", f"http://127.0.0.1:{provider_port(demo)}/v1/models?key={KEY}", headers={"authorization": f"Bearer {KEY}"}
    )
    assert answer.status == 200
    log = Path(demo.state.logs / "demo-provider.log").read_text()
    assert log.splitlines()[-1].endswith("] GET /v1/models 200")
    assert KEY not in log


@pytest.mark.parametrize("moment", ["Starting demo-provider", "Starting agentgateway-controller", "Updating (demo)"])
def test_ctrl_c_and_again(clone: Clone, assets: str, moment: str) -> None:
    clone.run("down")
    running = clone.start("demo", keys={VARIABLE: assets})
    running.wait_for(moment)
    running.press_ctrl_c()
    done = running.end()
    assert done.status == 130, done.printed
    assert done.stderr.endswith("Interrupted. Run `make demo` again to continue.\n")
    assert "Traceback" not in done.printed
    make_demo(clone, **{VARIABLE: assets})
    assert answers(clone)


def test_make_down_stops_the_provider_too(demo: Clone) -> None:
    done = demo.run("down")
    assert done.status == 0, done.printed
    assert done.stdout.endswith("Destroyed the stacks and stopped the control plane.\n")
    assert demo.processes() == []
    assert not demo.state.root.exists()
