"""The real engine runs the policy pack in the pack's own environment. The rules have unit tests."""

import json
import re
import shutil

import pytest
import yaml

from components.openai_compatible_llm import __version__
from tests.e2e.pulumi_cli import PulumiCli, failed, succeeded
from tests.support.clone import put_policy_packages
from tests.support.pages import block
from tests.support.recording import PROJECT
from tests.support.refused import ADVISORY, KEY, REFUSED, Manifest, backend
from tests.support.repository import REPOSITORY

WITH_TWO_OBJECTS = ("tls-hostname-is-host", "routes-ask-for-a-key", "clients-keys-are-hashed")

# Creates the objects of a file; the host of the last one isn't known in a preview.
PROGRAM = """\
import pathlib
import yaml
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

def make(name, obj):
    if obj["kind"] == "Secret":
        return Secret(name, metadata=obj["metadata"], string_data=obj["stringData"])
    return CustomResource(name, obj["apiVersion"], obj["kind"], metadata=obj["metadata"], spec=obj["spec"])

objects = list(yaml.safe_load_all(pathlib.Path("objects.yaml").read_text()))
made = [make(f"object-{number}", each) for number, each in enumerate(objects[:-1])]
objects[-1]["spec"]["ai"]["llm"]["host"] = made[0].id
make("later", objects[-1])
"""


@pytest.fixture
def cli(pulumi_cli: PulumiCli) -> PulumiCli:
    """The CLI with the pack in the project's copy, and without an API server, which a preview doesn't need."""
    pack = pulumi_cli.project / "policy"
    shutil.copytree(REPOSITORY / "policy", pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    put_policy_packages(pack)
    kubeconfig = pulumi_cli.project.parent / "kubeconfig"
    cluster = {"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    user = {"name": "none", "user": {"token": "none"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "none"}
    kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **config}))
    return pulumi_cli.with_environment(KUBECONFIG=str(kubeconfig))


@pytest.mark.parametrize("api", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)])
def test_a_stack_passes_the_pack(cli: PulumiCli, api: str) -> None:
    cli.shell(f"pulumi stack init mistral; pulumi config set openai-compatible-llm:api {api}")
    printed = succeeded(cli.shell(block("docs/policies.md", "--cwd policy"), MISTRAL_API_KEY=KEY))
    assert f"openai-compatible-llm@v{__version__} (local: policy)" in printed
    # The stack has no clients' keys.
    assert re.findall(r"\[(\w+)\]  (\S+)", printed) == [("advisory", "routes-ask-for-a-key")]


@pytest.mark.slow
def test_a_stack_with_clients_breaks_no_policy(cli: PulumiCli) -> None:
    clients = {"web": {"apiKey": KEY.removeprefix("sk-"), "models": ["mistral-*"]}, "cron": {"apiKeySha256": "0" * 64}}
    settings = {"api": "agentgateway", "clients": clients, "providers": {"mistral": {}}}
    content = {"config": {f"{PROJECT}:{key}": value for key, value in settings.items()}}
    (cli.project / "stacks/Pulumi.clients.yaml").write_text(yaml.safe_dump(content))
    succeeded(cli("stack", "init", "clients"))
    printed = succeeded(cli.shell(block("docs/policies.md", "--cwd policy"), MISTRAL_API_KEY=KEY))
    assert "+ 7 to create" in printed
    assert re.findall(r"\[(\w+)\]  (\S+)", printed) == []
    assert KEY.removeprefix("sk-") not in printed


@pytest.mark.slow
def test_a_stack_with_a_shared_url_passes_the_pack(cli: PulumiCli) -> None:
    settings = {
        "api": "agentgateway",
        "gateway": {"name": "edge", "namespace": "infra", "sectionName": "llm"},
        "shared": {"routePath": "/llm", "maxRequestBytes": 33554432, "clientLabel": True},
        "providers": {"mistral": {"models": ["mistral-*"]}},
    }
    content = {"config": {f"{PROJECT}:{key}": value for key, value in settings.items()}}
    (cli.project / "stacks/Pulumi.shared.yaml").write_text(yaml.safe_dump(content))
    succeeded(cli("stack", "init", "shared"))
    printed = succeeded(cli.shell(block("docs/policies.md", "--cwd policy"), MISTRAL_API_KEY=KEY))
    assert "+ 12 to create" in printed
    # The provider's own route asks for no key. The other one leads nowhere.
    assert re.findall(r"\[(\w+)\]  (\S+)  \(\S+: (\S+)\)", printed) == [("advisory", "routes-ask-for-a-key", "mistral")]


def test_any_program_is_refused_until_its_violations_are_allowed(cli: PulumiCli) -> None:
    first_cases = {rule: next(iter(cases.values())) for rule, cases in REFUSED.items()}
    objects = [(rule, in_namespace(rule, each)) for rule, case in first_cases.items() for each in case]
    later = in_namespace("later", backend())
    (cli.project / "objects.yaml").write_text(yaml.safe_dump_all([*(each for _, each in objects), later]))
    (cli.project / "__main__.py").write_text(PROGRAM)
    cli("stack", "init", "dev")
    printed = failed(cli("preview", "--policy-pack", "policy"))
    # Of two objects, the second is wrong: the BackendTLSPolicy, the HTTPRoute, and the Secret.
    assert [rule for rule, _ in objects] == sorted([*REFUSED, *WITH_TWO_OBJECTS], key=list(REFUSED).index)
    wrong = {rule: f"object-{number}" for number, (rule, _) in enumerate(objects)}
    violations = re.findall(r"\[(\w+)\]  (\S+)  \(\S+: (\S+)\)", printed)
    levels = {rule: "advisory" if rule in ADVISORY else "mandatory" for rule in REFUSED}
    expected = {(levels[rule], rule, name) for rule, name in wrong.items()}
    assert set(violations) == {*expected, ("mandatory", "backend-has-tls", "later")}
    assert KEY not in printed
    assert "Updating" not in failed(cli("up", "--yes", "--policy-pack", "policy"))

    allowed = {"tls-hostname-is-host": {"allowedHostnames": ["api.deepseek.com"]}, "no-key-in-spec": "disabled"}
    levels = {"backend-has-tls": "advisory", "routes-ask-for-a-key": "mandatory"}
    (cli.project / "policies.json").write_text(json.dumps({**allowed, **levels}))
    again = cli.shell(block("docs/policies.md", "--policy-pack-config"))
    assert set(re.findall(r"\[(\w+)\]  (\S+) ", again.stdout)) == {
        ("mandatory", "no-inline-token"),
        ("mandatory", "routes-ask-for-a-key"),
        ("mandatory", "clients-keys-are-hashed"),
        ("advisory", "backend-has-tls"),
    }


def in_namespace(name: str, obj: Manifest) -> Manifest:
    return {**obj, "metadata": {**obj["metadata"], "namespace": name}}
