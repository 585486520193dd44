"""The commands of README.md, docs/gateway-apis.md and docs/taking-over.md, as they stand there.

Those for this machine alone run in test_local_up.py, those for programs of one's own in test_import.py and
test_package_add.py, those of the other pages in test_environments.py, test_least_privilege.py and test_policy_pack.py.
"""

import copy
import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli
from tests.support import seed
from tests.support.canary import Canaries
from tests.support.clone import put_packages
from tests.support.cluster import Cluster, api_key, revisions
from tests.support.pages import EXAMPLE_GATEWAY, EXAMPLE_OBJECTS, block
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import NO_ROUTE, TOKENS, stand_in_gateway

ASK = block("README.md", "Say hello")
NEW_STACK = block("README.md", "pulumi stack init")
SET_KEY = block("README.md", "providers.mistral.apiKey")

KEY = "sk-for-the-pages"
NEXT_KEY = "sk-for-the-pages-rotated"
SECOND_GATEWAY = "http://localhost:8081"

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def cli(pulumi_cli: PulumiCli, cluster: Cluster) -> PulumiCli:
    return pulumi_cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))


@pytest.fixture
def their_namespace(cluster: Cluster) -> Iterator[str]:
    """The namespace of the README's example, with its Gateway in it."""
    with cluster.new_namespace("your-namespace") as namespace:
        _, gateway = yaml.safe_load_all(EXAMPLE_OBJECTS)
        metadata = {"name": "your-gateway", "namespace": namespace}
        cluster.create({**gateway, "metadata": metadata}, field_manager="kubectl")
        yield namespace


def run(cli: PulumiCli, commands: str, typed: str = "") -> str:
    """What they print; neither that nor any file has a key in it. Without kubectl, its lines are left out."""
    if not shutil.which("kubectl"):
        commands = re.sub(r"^kubectl .*\n", "", commands, flags=re.MULTILINE)
    done = cli.shell(commands, typed)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    canaries = Canaries(KEY, NEXT_KEY)
    assert not canaries.are_in(printed)
    assert canaries.files(cli.project) == canaries.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    return printed


def write_stack(cli: PulumiCli, block: str, **settings: object) -> None:
    """Adds what a page's stack file has to the stack's own, with its secrets. `settings` are those of `mistral-2`."""
    file = cli.project / "stacks/Pulumi.mistral.yaml"
    content = yaml.safe_load(block)
    for name, value in settings.items():
        content["config"]["openai-compatible-llm:providers"]["mistral-2"][name] = value
    file.write_text(yaml.safe_dump(merged(yaml.safe_load(file.read_text()), content)))


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    groups = {key: merged(one[key], other[key]) for key in one.keys() & other.keys() if isinstance(other[key], dict)}
    return one | other | groups


def test_on_a_cluster_with_the_cli(cli: PulumiCli, cluster: Cluster, their_namespace: str) -> None:
    run(cli, NEW_STACK)
    listed = run(cli, block("README.md", "kubectl get gatewayclasses"))
    gateway = r"^your-namespace +gateway\.gateway\.networking\.k8s\.io/your-gateway +agentgateway "
    assert not shutil.which("kubectl") or re.search(gateway, listed, re.MULTILINE)
    write_stack(cli, block("README.md", "your-gateway", "yaml"))
    run(cli, SET_KEY, typed=KEY)
    first = cluster.objects("mistral", their_namespace)
    assert "AgentgatewayBackend" in first
    assert api_key(first) == KEY
    (parent,) = first["HTTPRoute"]["spec"]["parentRefs"]
    assert (parent["name"], parent["namespace"]) == ("your-gateway", their_namespace)
    ask(cli, their_namespace)

    # The same commands change a key.
    run(cli, SET_KEY, typed=NEXT_KEY)
    second = cluster.objects("mistral", their_namespace)
    assert api_key(second) == NEXT_KEY
    changed = {kind for kind in first if revisions(first)[kind] != revisions(second)[kind]}
    assert changed == {"Secret"}
    assert second["Secret"]["metadata"]["uid"] == first["Secret"]["metadata"]["uid"]

    assert cli("destroy", "--skip-preview").returncode == 0
    assert cluster.objects("mistral", their_namespace) == {}


def put_make(cli: PulumiCli) -> None:
    """Puts what `make chat` needs into the project."""
    for file in ("Makefile", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / file, cli.project)
    shutil.copytree(REPOSITORY / "local", cli.project / "local")
    put_packages(cli.project)


def ask(cli: PulumiCli, namespace: str) -> None:
    put_make(cli)
    with stand_in_gateway() as gateway:
        done = cli.shell(ASK.replace(EXAMPLE_GATEWAY, gateway.url))
        assert (done.returncode, done.stdout) == (0, f"{''.join(TOKENS)}\n"), done.stderr
        (request,) = gateway.requests
        assert (request.path, request.json["model"]) == ("/mistral/v1/chat/completions", "mistral-medium-latest")
        assert request.json["messages"][0]["content"] == "Say hello in five words."

        gateway.replies_with(NO_ROUTE)
        done = cli.shell(block("docs/troubleshooting.md", "make chat").replace(EXAMPLE_GATEWAY, gateway.url))
        assert done.returncode != 0
        assert "mistral: broken at the hop route" in done.stderr
        assert f"no controller has reported on HTTPRoute {namespace}/mistral for the Gateway" in done.stderr
        assert "Error 11" in done.stderr


@pytest.mark.slow
def test_a_stack_that_does_not_say_where_its_gateway_is_is_told_so(cli: PulumiCli, cluster: Cluster) -> None:
    run(cli, f"{NEW_STACK}{SET_KEY}", typed=KEY)
    put_make(cli)
    done = cli.shell(ASK.replace(f"GATEWAY_URL={EXAMPLE_GATEWAY}", ""))
    assert "has no URL of the gateway of provider mistral" in done.stderr
    run(cli, "pulumi destroy --skip-preview")
    assert cluster.objects("mistral") == {}


@pytest.mark.slow
def test_a_second_component_of_the_other_api_comes_and_the_first_one_goes(cli: PulumiCli, cluster: Cluster) -> None:
    run(cli, f"{NEW_STACK}{SET_KEY}", typed=KEY)
    first = cluster.objects("mistral")
    run(cli, block("docs/gateway-apis.md", "kubectl get gatewayclasses"))

    # No controller is here that could accept anything.
    write_stack(cli, block("docs/gateway-apis.md", "mistral-2", "yaml"), waitForReady=False)
    run(cli, block("docs/gateway-apis.md", "providers.mistral-2.apiKey"), typed=NEXT_KEY)
    second = cluster.objects("mistral-2")
    assert api_key(second) == NEXT_KEY
    assert "AgentgatewayBackend" in second
    routes = [each["HTTPRoute"]["spec"] for each in (cluster.objects("mistral"), second)]
    assert {each["rules"][0]["matches"][0]["path"]["value"] for each in routes} == {"/mistral"}
    assert len({each["parentRefs"][0]["namespace"] for each in routes}) == 2
    assert revisions(cluster.objects("mistral")).keys() == revisions(first).keys()

    put_make(cli)
    with stand_in_gateway() as gateway:
        done = cli.shell(block("docs/gateway-apis.md", "make chat").replace(SECOND_GATEWAY, gateway.url))
        assert (done.returncode, done.stdout) == (0, f"{''.join(TOKENS)}\n"), done.stderr

    run(cli, block("docs/gateway-apis.md", "config rm"))
    assert cluster.objects("mistral") == {}
    assert revisions(cluster.objects("mistral-2")) == revisions(second)
    run(cli, "pulumi destroy --skip-preview")
    assert cluster.objects("mistral-2") == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "refused_before",
    [
        pytest.param(False, id="at once"),
        pytest.param(
            True,
            id="after an up that was refused",
            marks=pytest.mark.kubernetes_provider("4.29", does="refuses an object that exists already"),
        ),
    ],
)
def test_objects_made_by_hand_are_taken_over_as_they_are(
    cli: PulumiCli, cluster: Cluster, refused_before: bool
) -> None:
    by_hand(cluster)
    first = cluster.objects("mistral")
    run(cli, NEW_STACK + SET_KEY.removesuffix("pulumi up\n"), typed=KEY)
    if refused_before:
        refused = cli("up", "--skip-preview")
        assert refused.returncode != 0
        assert re.search('(gloo-system/mistral-secret|secrets "mistral-secret") already exists', refused.stdout)
        assert revisions(cluster.objects("mistral")) == revisions(first)

    run(cli, block("docs/taking-over.md", "kubectl annotate"))
    printed = run(cli, block("docs/taking-over.md", "pulumi up"))
    assert not re.search(r"\d (to )?(delete|replace)", printed)
    run(cli, block("docs/taking-over.md", "--expect-no-changes"))
    second = cluster.objects("mistral")
    assert api_key(second) == KEY
    assert {kind: uid for kind, (uid, _) in revisions(second).items()} == {
        kind: uid for kind, (uid, _) in revisions(first).items()
    }
    wanted = copy.deepcopy(first)
    wanted["Backend"]["spec"]["ai"]["llm"]["openai"]["model"] = "mistral-medium-latest"
    assert {kind: each.get("spec") for kind, each in second.items()} == {
        kind: each.get("spec") for kind, each in wanted.items()
    }
    if shutil.which("kubectl"):
        assert LAST_APPLIED not in second["Secret"]["metadata"].get("annotations", {})
    assert "6 unchanged" in run(cli, "pulumi up --skip-preview")
    run(cli, "pulumi destroy --skip-preview")
    assert cluster.objects("mistral") == {}


def by_hand(cluster: Cluster) -> None:
    """The walk-through's objects, with another model, as `kubectl apply` makes them."""
    for kind, manifest in copy.deepcopy(seed.MISTRAL).items():
        if kind == "Secret":
            manifest["stringData"] = {"Authorization": KEY}
            manifest["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(manifest)}
        if kind == "Backend":
            manifest["spec"]["ai"]["llm"]["openai"]["model"] = "by hand"
        cluster.create(manifest, field_manager="kubectl-client-side-apply")
