"""`make demo` of a fresh clone, with a registry on loopback that has programs which stand for agentgateway's.

They send requests to the providers of the routes that they find, as the real ones do.
"""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import urllib3

from tests.e2e.stand_in_programs import cache_without_gateways, forwarding_proxy, publish_gateway
from tests.support.clone import Clone, Done, Running, fresh_clone, put_packages
from tests.support.pages import block
from tests.support.registry import registry

MAKE_DEMO, MAKE_CHAT = block("docs/gateway.md", "make demo").splitlines()
KEY = "sk-canary-demo-41f0a2"
QUESTION = "Who is there?"
ANSWER = "This is the demo provider. You said: "
NO_GATEWAY = (
    "error: The demo needs a gateway for `api: agentgateway`, and there is none. "
    "Get one: `make demo GATEWAY=agentgateway`\n"
)


@dataclass(frozen=True)
class User:
    """Somebody with a fresh clone, whose cache has the control plane's programs and no gateway."""

    clone: Clone
    environment: dict[str, str]

    def make(self, command: str) -> Done:
        """Runs a line of the page, or another for `make`."""
        done = self.clone.shell(command, **self.environment)
        assert "Traceback" not in done.stderr
        assert KEY not in done.stdout + done.stderr
        return done

    def output(self, command: str) -> str:
        """Returns what a command prints that goes well."""
        done = self.make(command)
        assert done.status == 0, done.printed
        return done.stdout

    def error(self, command: str) -> str:
        """Returns the error of a command that fails."""
        done = self.make(command)
        assert done.status != 0, done.printed
        return done.stderr

    def start_demo(self) -> Running:
        return self.clone.start("demo", "--gateway", "agentgateway", keys=self.environment)

    def is_answered(self) -> bool:
        return self.output(f"{MAKE_CHAT} PROMPT='{QUESTION}'") == f"{ANSWER}{QUESTION}\n"

    @property
    def provider(self) -> psutil.Process:
        (found,) = (each for each in self.clone.processes() if "provider.py" in " ".join(each.cmdline()))
        return found

    @property
    def provider_port(self) -> int:
        found = re.search(r"The demo provider answers at http://127\.0\.0\.1:(\d+)/v1\.\n", self.output("make status"))
        assert found
        return int(found[1])

    def kill_provider(self) -> None:
        process = self.provider
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with fresh_clone(tmp_path_factory) as clone, registry() as upstream:
        put_packages(clone.folder)
        publish_gateway(upstream, "agentgateway", forwarding_proxy)
        cache = cache_without_gateways(tmp_path_factory.mktemp("cache"))
        own = {"XDG_CACHE_HOME": str(cache.parent), "GATEWAY_REGISTRY": upstream.url, "OPENAI_API_KEY": KEY}
        yield User(clone, own)


@pytest.fixture
def demo(user: User) -> User:
    """A user whose demo runs."""
    if not user.clone.state.kubeconfig.exists():
        user.output(MAKE_DEMO)
    return user


def test_without_a_gateway_it_says_what_to_run_and_starts_nothing(user: User) -> None:
    assert user.error("make demo").startswith(NO_GATEWAY)
    assert "`keyless`" in user.error("make demo GATEWAY=kgateway")
    assert not user.clone.state.root.exists()


def test_a_stack_of_the_users_own_with_its_name_is_left_alone(user: User) -> None:
    own = user.clone.stack_file("demo")
    own.write_text("config: {}\n")
    try:
        assert "stacks/Pulumi.demo.yaml is a stack of your own" in user.error(MAKE_DEMO)
        assert not user.clone.state.root.exists()
    finally:
        own.unlink()


def test_the_commands_of_the_page_bring_the_providers_answer(user: User) -> None:
    said = user.output(MAKE_DEMO)
    assert "Starting demo-provider" in said
    for kind in ("AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute"):
        assert re.search(rf"│ demo  │ {kind} +│ demo/demo ", said)
    assert re.search(r"The Gateway demo/demo \(agentgateway\) answers at http://127\.0\.0\.1:\d+\. ", said)
    assert "placeholder" not in said
    assert "listens on all addresses" not in said, "there is no key to be used by others"
    assert "The demo answers. Ask it:\n  make chat STACK=demo\n" in said
    assert user.output(MAKE_CHAT).startswith(ANSWER)
    assert user.is_answered()
    assert not user.clone.stack_file("demo").exists()


def test_the_line_for_curl_brings_an_answer_and_a_second_make_demo_changes_nothing(demo: User) -> None:
    before = {each.pid for each in demo.clone.processes()}
    said = demo.output("make demo")
    assert "Nothing changed." in said
    assert "Starting" not in said
    assert {each.pid for each in demo.clone.processes()} == before
    (line,) = (line for line in said.splitlines() if line.startswith("  curl "))
    done = subprocess.run(["bash", "-c", f"{line.strip()} --silent --noproxy '*'"], capture_output=True, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == f"{ANSWER}Hello!"


def test_the_answer_streams_and_models_and_embeddings_are_served(demo: User) -> None:
    assert demo.output(f"{MAKE_CHAT} OPTIONS=--stream PROMPT='{QUESTION}'") == f"{ANSWER}{QUESTION}\n"
    assert demo.output(f"{MAKE_CHAT} OPTIONS=--models").split() == ["demo"]
    assert demo.output(f"{MAKE_CHAT} OPTIONS='--embeddings text --model demo'")


def test_preview_up_and_another_stack_leave_it_as_it_is(demo: User) -> None:
    port, pid = demo.provider_port, demo.provider.pid
    previewed = demo.output("make preview STACK=demo")
    assert " unchanged" in previewed
    assert not re.search(r"to (create|update|delete|replace)\b", previewed)
    said = demo.output("make up STACK='demo mistral'")
    assert "The Gateway demo/demo (agentgateway) answers at " in said
    assert demo.output("make up STACK=demo").endswith("Nothing changed.\n")
    assert (demo.provider_port, demo.provider.pid) == (port, pid)
    assert demo.is_answered()


def test_a_killed_provider_is_told_and_comes_back_on_its_port(demo: User) -> None:
    port = demo.provider_port
    demo.kill_provider()
    told = "The demo provider is not running. Start it with `make demo`."
    assert told in demo.output("make status")
    assert told in demo.error(MAKE_CHAT)
    assert "Nothing changed." in demo.output("make demo")
    assert demo.provider_port == port
    assert demo.is_answered()


def test_where_its_port_was_taken_the_backend_leads_to_another(demo: User) -> None:
    port = demo.provider_port
    demo.kill_provider()
    with socket.create_server(("127.0.0.1", port)):
        assert "~ 1 updated" in demo.output("make demo")
        assert demo.provider_port != port
        assert demo.is_answered()


def test_its_log_has_no_header_and_no_query(demo: User) -> None:
    url = f"http://127.0.0.1:{demo.provider_port}/v1/models?key={KEY}"
    assert urllib3.request("GET", url, headers={"authorization": f"Bearer {KEY}"}).status == 200
    log = Path(demo.clone.state.logs / "demo-provider.log").read_text()
    assert log.splitlines()[-1].endswith("] GET /v1/models 200")
    assert KEY not in log


def test_make_down_stops_the_provider_too(demo: User) -> None:
    assert demo.output("make down").endswith("Destroyed the stacks and stopped the control plane.\n")
    assert demo.clone.processes() == []
    assert not demo.clone.state.root.exists()


@pytest.mark.slow
def test_ctrl_c_at_any_moment_and_again(user: User) -> None:
    user.output("make down")
    for moment in ("Starting demo-provider", "Starting agentgateway-controller", "Updating (demo)"):
        user.start_demo().interrupt(moment, "make demo")
    user.output(MAKE_DEMO)
    assert user.is_answered()
