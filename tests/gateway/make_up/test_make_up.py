"""`make up` and `make chat` with the gateways' programs. It takes their fixed ports, so it runs by itself."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
import urllib3
import yaml

from local.gateway.assets import VARIABLE
from tests.gateway.openai_provider import OpenAIProvider, openai_provider
from tests.support.clone import Clone, Done, fresh_clone, put_packages

PATH = "/v1/chat/completions"
KEY = "sk-canary-make-up-77c1a9"
PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", *2 * ["controller"], *2 * ["proxy"]]
# One for each gateway API, with its own Gateway.
STACKS = {"older": ("kgateway", "agentgateway"), "newer": ("agentgateway", "newer")}


class Checkout:
    """A clone of the project whose user has the gateways' programs."""

    def __init__(self, clone: Clone, authority: Path) -> None:
        self.clone = clone
        self.environment = {VARIABLE: os.environ[VARIABLE], "SSL_CERT_FILE": str(authority), "OLDER_API_KEY": KEY}

    def write(self, stack: str, provider: OpenAIProvider, api: str, gateway: str) -> None:
        """Writes a stack with a provider of the same name."""
        settings = {"baseUrl": provider.base_url, "model": f"{stack}-1", "api": api, "gateway": {"name": gateway}}
        content = {"config": {"openai-compatible-llm:providers": {stack: settings}}}
        self.clone.stack_file(stack).write_text(yaml.safe_dump(content))

    def make(self, *arguments: str) -> Done:
        """Runs `make` as its user does."""
        own = {name: value for name, value in self.clone.environment.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.clone.folder,
            env={**own, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def up(self, *stacks: str) -> str:
        done = self.make("up", f"STACK={' '.join(stacks)}")
        assert done.status == 0, done.printed
        assert KEY not in done.printed
        return done.stdout

    def chat(self, stack: str) -> str:
        done = self.make("chat", f"STACK={stack}")
        assert done.status == 0, done.printed
        return done.stdout

    def kill(self, name: str, *told: str) -> None:
        """Kills the program with all of this in its environment."""
        (process,) = (
            each for each in self.clone.processes() if each.name() == name and set(told) <= set(each.environ().values())
        )
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def provider(authority: trustme.CA) -> Iterator[OpenAIProvider]:
    with openai_provider(authority) as provider:
        yield provider


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, provider: OpenAIProvider
) -> Iterator[Checkout]:
    certificate = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(certificate)
    with fresh_clone(tmp_path_factory) as clone:
        put_packages(clone.folder)
        checkout = Checkout(clone, certificate)
        for stack, (api, gateway) in STACKS.items():
            checkout.write(stack, provider, api, gateway)
        yield checkout


@pytest.fixture
def up(checkout: Checkout) -> Checkout:
    """With both stacks deployed."""
    if not checkout.clone.state.root.exists():
        checkout.up(*STACKS)
    return checkout


def assert_answers(checkout: Checkout, provider: OpenAIProvider) -> None:
    """Asks both stacks at the URLs that `make status` prints."""
    said = checkout.make("status").stdout
    for stack, (_, gateway) in STACKS.items():
        found = re.search(rf"The Gateway gloo-system/{gateway} .* answers at (\S+)\. ", said)
        assert found, said
        question = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}
        answer = urllib3.request("POST", f"{found[1]}/{stack}", json=question, retries=False, timeout=20)
        assert answer.status == 200, answer.data
        assert provider.requests[-1].json["model"] == f"{stack}-1"


def test_make_up_and_make_chat_of_a_fresh_clone_bring_a_completion(
    checkout: Checkout, provider: OpenAIProvider
) -> None:
    said = checkout.up(*STACKS)
    for stack, (api, gateway) in STACKS.items():
        assert f"The Gateway gloo-system/{gateway} ({api}) answers at http://127.0.0.1:" in said
        assert f"Try it: `make chat STACK={stack}`." in said
        assert checkout.chat(stack) == "Hello, world!\n"
        assert (provider.requests[-1].path, provider.requests[-1].json["model"]) == (PATH, f"{stack}-1")
    assert "The gateway listens on all addresses of this machine: " in said
    assert "can use your OLDER_API_KEY." in said
    assert [each.authorization for each in provider.requests] == [f"Bearer {KEY}", "Bearer placeholder-for-a-key"]
    assert sorted(each.name() for each in checkout.clone.processes()) == sorted(PROGRAMS)


def test_a_second_make_up_and_a_preview_change_and_start_nothing(up: Checkout) -> None:
    before = {each.pid for each in up.clone.processes()}
    said = up.up(*STACKS)
    assert said.endswith("Nothing changed.\n")
    assert "Starting" not in said
    assert up.make("preview", "STACK=newer").status == 0
    assert {each.pid for each in up.clone.processes()} == before


def test_a_command_that_is_not_told_of_the_programs_goes_on_with_them(up: Checkout, provider: OpenAIProvider) -> None:
    before = {each.pid for each in up.clone.processes()}
    told = up.environment.pop(VARIABLE)
    try:
        assert "answers at http://127.0.0.1:" in up.up("older")
        assert_answers(up, provider)
    finally:
        up.environment[VARIABLE] = told
    assert {each.pid for each in up.clone.processes()} == before


@pytest.mark.parametrize(
    ("controller", "proxy"), [("kgateway-system", "newer"), ("agentgateway-system", "agentgateway")]
)
def test_what_was_killed_is_told_and_comes_back(
    controller: str, proxy: str, up: Checkout, provider: OpenAIProvider
) -> None:
    up.kill("controller", controller)
    up.kill("proxy", proxy)
    said = up.make("status").stdout
    for api, gateway in STACKS.values():
        assert f"The Gateway gloo-system/{gateway} ({api}) is not running. Start it with `make up`." in said
    asked = up.make("chat", "STACK=older")
    assert asked.status != 0
    assert "No gateway is running for the local stack older. Start it with `make up STACK=older`," in asked.stderr

    up.up("older")
    assert_answers(up, provider)


def test_a_killed_api_server_takes_no_gateway_with_it(up: Checkout, provider: OpenAIProvider) -> None:
    for name in ("kube-apiserver", "etcd"):
        up.clone.kill(name)
    up.up("older")
    assert_answers(up, provider)


def test_ctrl_c_while_a_gateway_starts(up: Checkout, provider: OpenAIProvider) -> None:
    up.kill("controller", "kgateway-system")
    running = up.clone.start("up", "older", keys=up.environment)
    running.wait_for("Starting kgateway-controller")
    running.press_ctrl_c()
    done = running.end()
    assert (done.status, done.stderr) == (130, "Interrupted. Run `make up` again to continue.\n"), done.printed
    up.up("older")
    assert_answers(up, provider)


def test_two_at_once(up: Checkout, provider: OpenAIProvider) -> None:
    for name, told in (("controller", "agentgateway-system"), ("proxy", "newer")):
        up.kill(name, told)
    first = up.clone.start("up", "newer", keys=up.environment)
    first.wait_for("Starting agentgateway-controller")
    second = up.clone.run("up", "newer", keys=up.environment)
    done = first.end()
    assert (done.status, second.status) == (0, 0), done.printed + second.printed
    assert "Starting" not in second.stdout
    assert_answers(up, provider)


def test_two_apis_at_one_gateway_are_told(up: Checkout, provider: OpenAIProvider) -> None:
    up.write("moved", provider, "agentgateway", "agentgateway")
    said = up.up("moved")
    assert "can serve only one API, and serves `kgateway` for provider older of stack older." in said
    assert "Requests to provider moved of stack moved, which has `api: agentgateway`, get no answer." in said
    assert_answers(up, provider)


def test_another_clone_says_which_port_is_taken_and_goes_on(
    up: Checkout, provider: OpenAIProvider, tmp_path: Path
) -> None:
    other = Checkout(Clone.make(tmp_path), Path(up.environment["SSL_CERT_FILE"]))
    put_packages(other.clone.folder)
    other.write("older", provider, *STACKS["older"])
    try:
        said = other.up("older")
        assert "is taken, and kgateway-controller can't use another." in said
        assert "Resources:\n    + 6 created" in said
        assert said.endswith(
            "The Gateway gloo-system/agentgateway (kgateway) is not running. Start it with `make up`.\n"
        )
        assert other.make("down").status == 0
        assert other.clone.processes() == []
    finally:
        other.clone.clear_away()
    assert_answers(up, provider)


def test_a_taken_listener_port_is_given_up_by_a_gateway_that_does_not_run(
    up: Checkout, provider: OpenAIProvider
) -> None:
    (port,) = {
        each.laddr.port
        for process in up.clone.processes()
        if process.name() == "proxy" and "newer" in process.environ().values()
        for each in process.net_connections("tcp")
        if each.status == "LISTEN" and each.laddr.ip not in ("127.0.0.1", "::1")
    }
    up.kill("proxy", "newer")
    with socket.create_server(("127.0.0.1", port)):
        assert f"127.0.0.1:{port}" not in up.up("newer")
        assert_answers(up, provider)


def test_nothing_is_written_outside_the_clone(up: Checkout) -> None:
    assert sorted(each.name for each in up.clone.home.iterdir()) == [".kube", ".pulumi"]


def test_make_down_leaves_no_process_and_no_file(up: Checkout) -> None:
    assert up.make("down").status == 0
    assert up.clone.processes() == []
    assert not up.clone.state.root.exists()


def test_make_down_ends_gateways_whose_folder_is_gone(up: Checkout) -> None:
    shutil.rmtree(up.clone.state.root)
    assert up.make("down").stdout.endswith("Removed everything and stopped the control plane.\n")
    assert up.clone.processes() == []
