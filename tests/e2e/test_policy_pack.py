"""The policy pack as the real engine runs it, in its own environment. The unit tests go through its rules."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.e2e.pulumi_cli import PulumiCli
from tests.pages import APPLY_POLICIES
from tests.refused import KEY, REFUSED, Manifest, backend

REPOSITORY = Path(__file__).resolve().parents[2]

# What a file has becomes resources, and one more whose host isn't known in a preview.
PROGRAM = """\
import pathlib
import yaml
from pulumi_kubernetes.apiextensions import CustomResource

def make(name, obj):
    return CustomResource(name, obj["apiVersion"], obj["kind"], metadata=obj["metadata"], spec=obj["spec"])

objects = list(yaml.safe_load_all(pathlib.Path("objects.yaml").read_text()))
made = [make(f"object-{number}", each) for number, each in enumerate(objects[:-1])]
objects[-1]["spec"]["ai"]["llm"]["host"] = made[0].id
make("later", objects[-1])
"""


@pytest.fixture
def cli(pulumi_cli: PulumiCli) -> PulumiCli:
    """With the pack in the project's copy, and no API server: a preview goes without."""
    make = ["make", "--silent", f"PYTHON={sys.executable}", "policy/.venv/.installed"]
    subprocess.run(make, cwd=REPOSITORY, check=True)
    pack = pulumi_cli.project / "policy"
    shutil.copytree(REPOSITORY / "policy", pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (pack / ".venv").symlink_to(REPOSITORY / "policy/.venv")
    kubeconfig = pulumi_cli.project.parent / "kubeconfig"
    cluster = {"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    user = {"name": "none", "user": {"token": "none"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "none"}
    kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **config}))
    return replace(pulumi_cli, environment={**pulumi_cli.environment, "KUBECONFIG": str(kubeconfig)})


@pytest.mark.parametrize("api", ["kgateway", pytest.param("agentgateway", marks=pytest.mark.slow)])
def test_a_stack_passes_the_pack(cli: PulumiCli, api: str) -> None:
    cli.shell(f"pulumi stack init mistral; pulumi config set openai-compatible-llm:api {api}")
    done = cli.shell(APPLY_POLICIES, MISTRAL_API_KEY=KEY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✅ openai-compatible-llm@v0.1.0 (local: policy)" in done.stdout
    assert "[mandatory]" not in done.stdout


def test_any_program_is_refused_what_the_rules_are_about_until_it_is_allowed(cli: PulumiCli) -> None:
    first_cases = {rule: next(iter(cases.values())) for rule, cases in REFUSED.items()}
    objects = [(rule, in_namespace(rule, each)) for rule, case in first_cases.items() for each in case]
    later = in_namespace("later", backend())
    (cli.project / "objects.yaml").write_text(yaml.safe_dump_all([*(each for _, each in objects), later]))
    (cli.project / "__main__.py").write_text(PROGRAM)
    cli("stack", "init", "dev")
    refused = cli("preview", "--policy-pack", "policy")
    assert refused.returncode != 0
    # Of two objects, it is the BackendTLSPolicy in which the wrong name stands.
    assert [rule for rule, _ in objects] == [*REFUSED, "tls-hostname-is-host"]
    wrong = {rule: f"object-{number}" for number, (rule, _) in enumerate(objects)}
    said = re.findall(r"\[mandatory\]  (\S+)  \(\S+: (\S+)\)", refused.stdout)
    assert set(said) == {*wrong.items(), ("backend-has-tls", "later")}
    assert KEY not in refused.stdout + refused.stderr

    allowed = {"tls-hostname-is-host": {"allowedHostnames": ["api.deepseek.com"]}, "no-key-in-spec": "disabled"}
    (cli.project / "policies.json").write_text(json.dumps({**allowed, "backend-has-tls": "advisory"}))
    again = cli("preview", "--policy-pack", "policy", "--policy-pack-config", "policies.json")
    assert set(re.findall(r"\[(\w+)\]  (\S+) ", again.stdout)) == {
        ("mandatory", "no-inline-token"),
        ("advisory", "backend-has-tls"),
    }


def in_namespace(name: str, obj: Manifest) -> Manifest:
    return {**obj, "metadata": {**obj["metadata"], "namespace": name}}
