"""Which stack `make chat` asks, and what it tells the command of the package."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from components.openai_compatible_llm import doctor
from local import chat as module
from local.chat import chat
from local.demo import demo
from local.demo.provider import DemoProvider
from local.errors import LocalError
from local.folders import StateFolder, read_json
from local.gateway.api import AGENTGATEWAY, KGATEWAY, Gateway, GatewayApi
from local.processes import DetachedProcesses
from local.toolchain.binaries import Binaries
from local.waiting import wait_until
from tests.unit.local.gateway.test_assets import PARTS, write

LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
USERS = {"KUBECONFIG": "/home/user/.kube/config", "OPENAI_API_KEY": "own", "PULUMI_ACCESS_TOKEN": "pul-token"}
PROVIDERS = {"mistral": {}, "edge": {"gateway": {"name": "edge"}, "api": "agentgateway"}}


@dataclass
class Asked:
    """What the package's command got."""

    arguments: list[str] = field(default_factory=list)
    folder: Path = Path()
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    got = Asked()

    def run(command: list[str], env: dict[str, str], cwd: Path, *, check: bool) -> "subprocess.CompletedProcess[bytes]":
        assert not check
        assert command[:3] == [sys.executable, "-m", doctor.__name__]
        got.arguments, got.folder, got.environment = command[3:], cwd, env
        return subprocess.CompletedProcess(command, 17)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(module, "find_or_build", lambda: Binaries(*(tmp_path / "bin" / name for name in "abcde")))
    monkeypatch.chdir(tmp_path)
    return got


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """After a `make up` of the stack `dev` with a gateway's programs."""
    state = StateFolder(tmp_path / "state")
    state.create()
    for api in ("kgateway", "agentgateway"):
        write(tmp_path / "assets" / api, *PARTS)
    state.gateways.write_text(json.dumps({"assets": str(tmp_path / "assets")}))
    (state.pulumi_project / "stacks").mkdir(parents=True)
    (state.pulumi_project / "Pulumi.yaml").write_text("name: routes\nruntime: python\n")
    config = {"config": {"routes:providers": PROVIDERS}}
    (state.pulumi_project / "stacks/Pulumi.dev.yaml").write_text(yaml.safe_dump(config))
    checkpoint = state.pulumi_state / ".pulumi/stacks/routes/dev.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text('{"checkpoint": {}}')
    return state


@pytest.fixture
def run(state: StateFolder) -> Iterator[Callable[..., Gateway]]:
    """Runs programs that stand for those of a Gateway."""
    processes = DetachedProcesses(state)

    def run(api: GatewayApi, name: str, namespace: str = "gloo-system") -> Gateway:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        gateway = Gateway(api, namespace, name, port)
        state.ports.write_text(json.dumps({**read_json(state.ports), gateway.proxy: port}))
        processes.start(api.controller, ["sleep", "60"])
        processes.start(gateway.proxy, [sys.executable, "-c", LISTEN, str(port)])
        assert wait_until(lambda: processes.listens(gateway.proxy, port), 10)
        return gateway

    yield run
    processes.stop(*processes.names())


Run = Callable[..., Gateway]


def test_a_local_stack_is_asked_at_its_gateway_with_its_own_state_and_cluster(
    state: StateFolder, asked: Asked, run: Run
) -> None:
    gateway = run(KGATEWAY, "agentgateway")
    assert chat(state, ["--stack", "dev", "--provider", "mistral", "--stream", "--", "Hi!"], USERS) == 17
    assert asked.arguments[:2] == ["--gateway-url", gateway.url]
    assert asked.arguments[2:] == ["--stack", "dev", "--provider", "mistral", "--stream", "--", "Hi!"]
    assert asked.folder == state.pulumi_project
    assert asked.environment["KUBECONFIG"] == str(state.kubeconfig)
    assert asked.environment["OPENAI_API_KEY"] == "own"
    assert "PULUMI_ACCESS_TOKEN" not in asked.environment
    assert asked.environment["PULUMI_BACKEND_URL"].startswith(state.pulumi_state.as_uri())
    assert asked.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(state.pulumi_passphrase)


def test_the_gateway_is_that_of_the_provider_that_is_asked(state: StateFolder, asked: Asked, run: Run) -> None:
    run(KGATEWAY, "agentgateway")
    edge = run(AGENTGATEWAY, "edge")
    chat(state, ["--stack", "dev", "--provider", "edge"], USERS)
    assert asked.arguments[:2] == ["--gateway-url", edge.url]
    with pytest.raises(LocalError, match=r"^The providers of stack dev have different gateways\."):
        chat(state, ["--stack", "dev", "--all"], USERS)


def test_the_shared_url_is_asked_at_its_own_gateway(state: StateFolder, asked: Asked, run: Run) -> None:
    run(KGATEWAY, "agentgateway")
    edge = run(AGENTGATEWAY, "edge")
    shared = {"routePath": "/llm", "gateway": {"name": "edge"}}
    config = {"config": {"routes:providers": {"mistral": {}}, "routes:shared": shared}}
    (state.pulumi_project / "stacks/Pulumi.dev.yaml").write_text(yaml.safe_dump(config))
    chat(state, ["--stack", "dev", "--shared", "--all"], USERS)
    assert asked.arguments == ["--gateway-url", edge.url, "--stack", "dev", "--shared", "--all"]
    # Without the option, the shared URL's Gateway is none of those to choose from.
    chat(state, ["--stack", "dev", "--all"], USERS)
    assert asked.arguments[0] == "--gateway-url"
    assert asked.arguments[1] != edge.url


@pytest.mark.parametrize("arguments", [["--shared"], ["--provider", "mistrl"]])
def test_what_the_stack_does_not_have_is_for_the_package_to_say(
    arguments: list[str], state: StateFolder, asked: Asked, run: Run
) -> None:
    run(KGATEWAY, "agentgateway")
    assert chat(state, ["--stack", "dev", *arguments], USERS) == 17
    assert asked.arguments == ["--stack", "dev", *arguments]
    assert asked.folder == state.pulumi_project
    assert asked.environment["KUBECONFIG"] == str(state.kubeconfig)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stack", "dev", "--gateway-url", "https://llm.example.com"],
        ["--stack", "mine"],
        ["--path", "/mistral"],
        [],
        ["--help"],
    ],
)
def test_everything_else_goes_to_the_package_as_it_is(
    arguments: list[str], state: StateFolder, asked: Asked, run: Run, tmp_path: Path
) -> None:
    run(KGATEWAY, "agentgateway")
    assert chat(state, arguments, USERS) == 17
    assert asked.arguments == arguments
    assert asked.folder == tmp_path
    assert asked.environment.items() >= USERS.items()


@pytest.mark.parametrize("is_deployed_here", [False, True])
def test_beside_a_clone_the_users_own_project_is_asked(
    state: StateFolder, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_deployed_here: bool
) -> None:
    state.gateways.unlink()
    own, clone = tmp_path / "own", tmp_path / "own/clone"
    clone.mkdir(parents=True)
    (own / "Pulumi.yaml").write_text("name: routes\nruntime: python\nmain: clone\n")
    (own / "pulumi").touch(0o755)
    monkeypatch.setattr(module, "REPOSITORY", clone)
    arguments = ["--stack", "dev" if is_deployed_here else "prod"]
    assert chat(state, arguments, {**USERS, "PATH": str(own)}) == 17
    assert (asked.arguments, asked.folder) == (arguments, own)
    # What else is in that folder is not for Python to import.
    assert asked.environment.items() >= {"PYTHONPATH": str(clone), "PYTHONSAFEPATH": "1"}.items()


def test_a_stack_that_was_put_up_without_a_gateway_is_the_users_own(
    state: StateFolder, asked: Asked, tmp_path: Path
) -> None:
    state.gateways.unlink()
    pulumi = tmp_path / "pulumi"
    pulumi.touch(0o755)
    assert chat(state, ["--stack", "dev"], {**USERS, "PATH": str(tmp_path)}) == 17
    assert asked.arguments == ["--stack", "dev"]


def test_without_pulumi_such_a_stack_can_only_be_the_local_one_which_has_no_gateway(
    state: StateFolder, asked: Asked, tmp_path: Path
) -> None:
    state.gateways.unlink()
    users = {**USERS, "PATH": str(tmp_path)}
    with pytest.raises(
        LocalError, match=r"^No gateway runs here, .* `make up STACK=dev GATEWAY=kgateway` .* stack dev"
    ):
        chat(state, ["--stack", "dev", "--shared"], users)
    assert asked.arguments == []
    for arguments in (["--stack", "mine"], ["--stack", "dev", "--gateway-url", "https://llm.example.com"]):
        assert chat(state, arguments, users) == 17
        assert asked.arguments == arguments


def test_a_gateway_whose_programs_are_not_there_is_told_with_what_gets_it(
    state: StateFolder, asked: Asked, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "assets/kgateway")
    with pytest.raises(LocalError) as refused:
        chat(state, ["--stack", "dev", "--provider", "mistral"], USERS)
    assert str(refused.value) == (
        "No gateway runs here for `api: kgateway`, so its requests get no answer. Get one: "
        "`make up STACK=dev GATEWAY=kgateway`, or give GATEWAY_URL to ask through a gateway of your own cluster."
    )
    assert asked.arguments == []


def test_a_gateway_that_does_not_run_is_told_with_what_starts_it(state: StateFolder, asked: Asked, run: Run) -> None:
    gateway = run(KGATEWAY, "agentgateway")
    DetachedProcesses(state).stop(gateway.proxy)
    with pytest.raises(LocalError, match=r"^No gateway is running for the local stack dev\. Start it with `make up "):
        chat(state, ["--stack", "dev", "--provider", "mistral"], USERS)
    assert asked.arguments == []


@pytest.fixture
def demo_state(state: StateFolder) -> StateFolder:
    """After a `make demo`."""
    content = demo.stack_file(DemoProvider(state).base_url, "routes")
    (state.pulumi_project / "stacks/Pulumi.demo.yaml").write_text(yaml.safe_dump(content))
    (state.pulumi_state / ".pulumi/stacks/routes/demo.json").write_text('{"checkpoint": {}}')
    return state


def test_the_demo_is_asked_as_any_local_stack(demo_state: StateFolder, asked: Asked, run: Run) -> None:
    DemoProvider(demo_state).start()
    gateway = run(AGENTGATEWAY, "demo", "demo")
    assert chat(demo_state, ["--stack", "demo"], USERS) == 17
    assert asked.arguments == ["--gateway-url", gateway.url, "--stack", "demo"]


def test_a_demo_whose_provider_does_not_run_is_told_with_what_starts_it(
    demo_state: StateFolder, asked: Asked, run: Run
) -> None:
    run(AGENTGATEWAY, "demo", "demo")
    with pytest.raises(LocalError, match=r"^The demo provider is not running\. Start it with `make demo`\.$"):
        chat(demo_state, ["--stack", "demo"], USERS)
    assert asked.arguments == []


def test_a_stack_of_the_users_own_that_has_the_demos_name_needs_no_demo_provider(
    demo_state: StateFolder, asked: Asked, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "stack_names", lambda: ["demo"])
    gateway = run(AGENTGATEWAY, "demo", "demo")
    assert chat(demo_state, ["--stack", "demo"], USERS) == 17
    assert asked.arguments == ["--gateway-url", gateway.url, "--stack", "demo"]


def test_a_demo_that_was_not_made_is_told_unless_there_is_a_pulumi_to_read_another_stack_of_its_name(
    state: StateFolder, asked: Asked, tmp_path: Path
) -> None:
    users = {**USERS, "PATH": str(tmp_path)}
    with pytest.raises(LocalError) as raised:
        chat(state, ["--stack", "demo"], users)
    assert str(raised.value) == "The stack demo is not deployed yet. Run `make demo GATEWAY=agentgateway` first."
    (tmp_path / "pulumi").touch(0o755)
    assert chat(state, ["--stack", "demo"], users) == 17
    assert asked.arguments == ["--stack", "demo"]
