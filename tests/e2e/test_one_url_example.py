"""Runs the commands of examples/one-url/README.md and docs/one-url.md, and looks at the objects on the API server."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.pulumi_cli import PulumiCli, isolated_cli, put_yaml_host, succeeded
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.pages import block
from tests.support.project import NAME
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import COMPLETION, StandInGateway, completion, stand_in_gateway

pytestmark = pytest.mark.slow

COPY_PROGRAM = block("examples/one-url/README.md", "cp -r")
SET_KEYS = block("examples/one-url/README.md", "providers.mistral.apiKey")
ASK_STACK, ASK_PROGRAM = (
    block("examples/one-url/README.md", '"fast"'),
    block("examples/one-url/README.md", '"deepseek-flash"'),
)
ADD, REMOVE = block("docs/one-url.md", "providers.groq.apiKey"), block("docs/one-url.md", "config rm")

NAMESPACE = "gloo-system"
GATEWAY_URL = "http://localhost:8080"
KEYS = ("sk-canary-one-url-1f", "sk-canary-one-url-2f", "sk-canary-one-url-3f")
CANARIES = Canaries(*KEYS)

PARENTS = [
    {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "agentgateway", "namespace": NAMESPACE},
]


def policy(target: dict[str, str], **spec: Any) -> Any:
    return {"targetRefs": [{"group": "gateway.networking.k8s.io", **target}], **spec}


def answer(section: str, status: int, body: str) -> Any:
    response = {
        "status": status,
        "headers": [{"name": "content-type", "value": '"application/json"'}],
        "bodyExpression": body,
    }
    keys = {"mode": "Strict", "secretRef": {"name": "llm-clients"}}
    target = {"kind": "HTTPRoute", "name": "llm", "sectionName": section}
    return policy(target, traffic={"apiKeyAuthentication": keys, "directResponse": response})


def shared_rule(name: str, models: str) -> Any:
    header = {"name": "x-llm-model", "type": "RegularExpression", "value": models}
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    backend = {"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": name, "namespace": NAMESPACE}
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": "/llm"}, "headers": [header]}],
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-llm-model"]}},
            {"type": "URLRewrite", "urlRewrite": rewrite},
        ],
        "backendRefs": [{**backend, "weight": 1}],
    }


LIST = (
    'toJson({"object": "list", "data": [["deepseek-flash", "deepseek"], ["deepseek-v4-pro", "deepseek"], '
    '["fast", "mistral"], ["mistral-medium-latest", "mistral"]]'
    '.filter(m, !has(apiKey.models) || m[0].matches("^(" + apiKey.models + ")$"))'
    '.map(m, {"id": m[0], "object": "model", "created": 0, "owned_by": m[1]})})'
)


def run(cli: PulumiCli, commands: str, *typed: str) -> str:
    """Runs commands, each with what is typed for it; neither what they print nor any file has a key in it."""
    printed = ""
    if typed:
        *setting, commands = commands.splitlines()
        for command, key in zip(setting, typed, strict=False):
            printed += succeeded(cli.shell(command, key))
    done = cli.shell(commands)
    printed += done.stderr + succeeded(done)
    assert not CANARIES.are_in(printed)
    assert CANARIES.files(cli.project) == CANARIES.files(cli.home, leaving_out=[cli.home / "bin"]) == []
    return printed


@pytest.fixture
def stack(pulumi_cli: PulumiCli, cluster: Cluster) -> Iterator[PulumiCli]:
    """The example as a stack of the repository's program, deployed."""
    cli = pulumi_cli.with_environment(KUBECONFIG=str(cluster.kubeconfig))
    shutil.copytree(REPOSITORY / "examples/one-url", cli.project / "examples/one-url")
    run(cli, block("examples/one-url/README.md", "cp examples"))
    run(cli, SET_KEYS, *KEYS)
    yield cli
    run(cli, "pulumi destroy --skip-preview")


@contextmanager
def program(language: str, place: Path, cluster: Cluster) -> Iterator[PulumiCli]:
    """Deploys the example's program of this language, in a project beside a clone."""
    clone = place / NAME
    for folder in ("components", "examples/one-url"):
        shutil.copytree(REPOSITORY / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    cli = isolated_cli(place, place / "pulumi-home")
    put_yaml_host(cli)
    cli = cli.with_environment(KUBECONFIG=str(cluster.kubeconfig), PYTHONPATH=str(clone / "components"))
    succeeded(cli.shell(COPY_PROGRAM.replace("/python ", f"/{language} ")))
    cli = replace(cli, project=place / "my-llm")
    run(cli, block("examples/one-url/README.md", "mistralApiKey"), *KEYS)
    yield cli
    run(cli, "pulumi destroy --skip-preview")


def specs(cluster: Cluster) -> dict[tuple[str, str], Any]:
    """Returns what the objects say, and of Secrets that they are there."""
    return {each: found.get("spec") for each, found in cluster.everything_in(NAMESPACE).items()}


def versions(cluster: Cluster) -> dict[tuple[str, str], str]:
    return {each: found["metadata"]["resourceVersion"] for each, found in cluster.everything_in(NAMESPACE).items()}


def test_the_stack_creates_what_providers_and_gateway_need_and_a_second_up_changes_nothing(
    stack: PulumiCli, cluster: Cluster
) -> None:
    created = specs(cluster)
    names = {
        kind: sorted(name for other, name in created if other == kind) for kind in sorted({kind for kind, _ in created})
    }
    assert names == {
        "AgentgatewayBackend": ["deepseek", "mistral"],
        "AgentgatewayPolicy": ["deepseek", "llm", "llm-models", "llm-unknown", "mistral"],
        "HTTPRoute": ["deepseek", "llm", "mistral"],
        "Secret": ["deepseek-clients", "deepseek-secret", "llm-clients", "mistral-clients", "mistral-secret"],
    }
    transformation = {"request": {"set": [{"name": "x-llm-model", "value": "json(request.body).model"}]}}
    assert created["AgentgatewayPolicy", "llm"] == policy(
        {"kind": "Gateway", "name": "agentgateway"},
        traffic={"phase": "PreRouting", "transformation": transformation},
    )
    assert created["AgentgatewayPolicy", "llm-models"] == answer("models", 200, LIST)
    unknown = created["AgentgatewayPolicy", "llm-unknown"]
    body = unknown["traffic"]["directResponse"]["bodyExpression"]
    assert unknown == answer("unknown", 404, body)
    assert '"code": "model_not_found"' in body
    listed = [{"path": {"type": "Exact", "value": path}, "method": "GET"} for path in ("/llm/v1/models", "/llm/models")]
    assert created["HTTPRoute", "llm"] == {
        "parentRefs": PARENTS,
        "rules": [
            {"name": "models", "matches": listed},
            {"name": "unknown", "matches": [{"path": {"type": "PathPrefix", "value": "/llm"}}]},
        ],
    }
    for name, models in {
        "mistral": "^(codestral-.*|fast|mistral-medium-latest)$",
        "deepseek": "^(deepseek-flash|deepseek-v4-pro)$",
    }.items():
        route = created["HTTPRoute", name]
        assert route["parentRefs"] == PARENTS
        assert route["rules"][2:] == [shared_rule(name, models)]
        assert [rule["matches"][0]["path"]["value"] for rule in route["rules"][:2]] == [f"/{name}"] * 2

    before = versions(cluster)
    assert re.search(r"^\s+19 unchanged$", run(stack, "pulumi up --skip-preview"), re.MULTILINE)
    assert versions(cluster) == before


def test_a_provider_that_joins_or_leaves_changes_its_own_objects_and_the_list_alone(
    stack: PulumiCli, cluster: Cluster
) -> None:
    first = versions(cluster)
    run(stack, ADD, KEYS[2], "")
    second = versions(cluster)
    own = {
        ("Secret", "groq-clients"),
        ("Secret", "groq-secret"),
        *((kind, "groq") for kind in ("AgentgatewayBackend", "HTTPRoute")),
    }
    own.add(("AgentgatewayPolicy", "groq"))
    the_list = ("AgentgatewayPolicy", "llm-models")
    assert second.keys() - first.keys() == own
    assert {each for each in first if first[each] != second[each]} == {the_list}
    body = specs(cluster)[the_list]["traffic"]["directResponse"]["bodyExpression"]
    assert '["openai/gpt-oss-120b", "groq"]' in body

    run(stack, REMOVE)
    third = versions(cluster)
    assert third.keys() == first.keys()
    assert {each for each in first if first[each] != third[each]} == {the_list}
    assert specs(cluster)[the_list] == answer("models", 200, LIST)


@pytest.mark.parametrize("language", ["python", "yaml"])
def test_a_program_creates_the_objects_that_the_stack_creates(
    language: str, stack: PulumiCli, cluster: Cluster, tmp_path: Path
) -> None:
    of_stack = specs(cluster)
    run(stack, "pulumi destroy --skip-preview")
    assert specs(cluster) == {}
    place = tmp_path / "beside"
    place.mkdir()
    with program(language, place, cluster) as cli:
        assert specs(cluster) == of_stack
        before = versions(cluster)
        run(cli, "pulumi up --skip-preview")
        assert versions(cluster) == before
        with gateway() as asked:
            assert_answers(cli, ASK_PROGRAM.replace("$(pulumi stack output url)", f"{asked.url}/llm/v1"), asked)
            assert_sends_the_clients_key(asked, succeeded(cli.shell("pulumi config get webApiKey")), cluster)
        assert run(cli, "pulumi stack output url") == f"{GATEWAY_URL}/llm/v1\n"
    assert specs(cluster) == {}


def test_the_stacks_outputs_have_the_one_url_and_who_serves_which_models(stack: PulumiCli, cluster: Cluster) -> None:
    shared = json.loads(run(stack, block("docs/one-url.md", "pulumi stack output")))
    assert shared == {
        "url": f"{GATEWAY_URL}/llm/v1",
        "path": "/llm",
        "namespace": NAMESPACE,
        "routeName": "llm",
        "policyName": "llm",
        "rateLimitConfigMapName": None,
        "models": {
            "deepseek": ["deepseek-flash", "deepseek-v4-pro"],
            "mistral": ["codestral-*", "fast", "mistral-medium-latest"],
        },
    }
    with gateway() as asked:
        assert_answers(stack, ASK_STACK.replace('"$url/', f'"{asked.url}/llm/v1/'), asked)
        key = succeeded(stack.shell("pulumi config get --path 'clients.web.apiKey'"))
        assert_sends_the_clients_key(asked, key, cluster)
        page = block("docs/one-url.md", "curl")
        assert_answers(stack, page.replace("https://llm.example.com", asked.url), asked)


@contextmanager
def gateway() -> Iterator[StandInGateway]:
    """A gateway that answers at the shared URL."""
    with stand_in_gateway() as gateway:
        gateway.replies = {"/llm": completion}
        yield gateway


def assert_answers(cli: PulumiCli, commands: str, gateway: StandInGateway) -> None:
    assert COMPLETION["choices"][0]["message"]["content"] in run(cli, commands)
    assert gateway.requests[-1].path == "/llm/v1/chat/completions"


def assert_sends_the_clients_key(gateway: StandInGateway, printed: str, cluster: Cluster) -> None:
    """Checks that the last request had the client's key, which the cluster has not."""
    key = printed.strip()
    assert gateway.requests[-1].authorization == f"Bearer {key}"
    assert len(key) == 48
    assert not Canaries(key).are_in(json.dumps(list(cluster.everything_in(NAMESPACE).values())))
