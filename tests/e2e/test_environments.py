"""Several providers in one environment, several environments on one cluster, and Pulumi's own ways with config.

The commands are those of docs/environments.md, as they stand there.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.control_plane.api_server import namespace_objects
from local.control_plane.control_plane import ControlPlane
from tests.e2e.pulumi_cli import PulumiCli, cli_in_a_copy, failed, succeeded
from tests.support.clone import Clone, fresh_clone
from tests.support.cluster import Cluster, api_key, revisions
from tests.support.pages import PAGES, block, blocks
from tests.support.recording import PROJECT, record_program

NAMESPACE = "gloo-system"
PROD = "llm-prod"
KINDS = ["Backend", "BackendTLSPolicy", "HTTPRoute", "Secret"]
PROD_KINDS = ["AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute", "Secret"]

OWN_STACK = """\
pulumi stack init groq --no-select
pulumi config set --stack groq --secret --path 'providers.groq.apiKey'
pulumi up --stack groq --skip-preview
"""


@pytest.fixture(scope="module")
def cli(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> PulumiCli:
    """The CLI, with the environment's namespace on the cluster."""
    cli = cli_in_a_copy(tmp_path_factory.mktemp("environments"))
    kubeconfig = control_plane.state.kubeconfig
    control_plane.start(namespace_objects([PROD]))
    return cli.with_environment(KUBECONFIG=str(kubeconfig))


@pytest.fixture(scope="module")
def prod(cli: PulumiCli) -> Iterator[str]:
    """Creates the stack `prod` of the page, and returns what was printed."""
    (cli.project / "stacks/Pulumi.prod.yaml").write_text(block("docs/environments.md", "llm-prod\n", "yaml"))
    yield run(cli, block("docs/environments.md", "pulumi stack init prod"), typed="sk-typed")
    succeeded(cli("destroy", "--stack", "prod", "--skip-preview"))


def run(cli: PulumiCli, commands: str, typed: str = "") -> str:
    """Runs commands, each of which gets what is typed, and returns what they print."""
    return "".join(succeeded(cli.shell(command, typed=typed)) for command in commands.replace("\\\n", "").splitlines())


def stack_file(cli: PulumiCli, stack: str = "prod") -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((cli.project / f"stacks/Pulumi.{stack}.yaml").read_text())
    return content


def components(cluster: Cluster, *names: str, namespace: str = PROD) -> dict[str, dict[str, Any]]:
    return {name: cluster.objects(name, namespace) for name in names}


def all_revisions(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: revisions(each) for name, each in objects.items()}


def test_the_api_server_accepts_the_objects_of_every_recipe(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for recipe in blocks("yaml", "docs/recipes.md"):
        config = yaml.safe_load(recipe)["config"]
        for name in config[f"{PROJECT}:providers"]:
            monkeypatch.setenv(f"{name.upper()}_API_KEY", "sk-for-a-recipe")
        for manifest in record_program(config).objects():
            assert cluster.refusal(manifest) is None


@pytest.mark.slow
def test_an_environment_has_all_its_providers_in_its_namespace(prod: str, cli: PulumiCli, cluster: Cluster) -> None:
    assert "+ 16 created" in prod
    assert "sk-typed" not in prod + yaml.safe_dump(stack_file(cli))
    for objects in components(cluster, "mistral", "deepseek", "openai").values():
        assert sorted(objects) == PROD_KINDS
        assert api_key(objects) == "sk-typed"
    assert components(cluster, "mistral", namespace=NAMESPACE) == {"mistral": {}}


@pytest.mark.slow
def test_the_outputs_and_an_up_without_checkpoints_change_nothing(prod: str, cli: PulumiCli, cluster: Cluster) -> None:
    assert prod
    before = all_revisions(components(cluster, "mistral", "deepseek", "openai"))
    outputs = json.loads(run(cli, block("docs/reference.md", "pulumi stack output")))
    assert {name: each["path"] for name, each in outputs.items()} == {
        name: f"/{name}" for name in ("mistral", "deepseek", "openai")
    }
    assert "16 unchanged" in run(cli, block("docs/environments.md", "PULUMI_SKIP_CHECKPOINTS"))
    assert all_revisions(components(cluster, "mistral", "deepseek", "openai")) == before


@pytest.mark.slow
def test_settings_are_set_read_and_removed_by_their_path(prod: str, cli: PulumiCli) -> None:
    assert prod
    assert run(cli, block("docs/environments.md", "requestTimeoutSeconds' 60")) == "llm.example.com\n"
    mistral = stack_file(cli)["config"][f"{PROJECT}:providers"]["mistral"]
    assert mistral["requestTimeoutSeconds"] == 60
    assert "hostnames" not in mistral
    run(cli, "pulumi config rm --path 'providers.mistral.requestTimeoutSeconds'")


@pytest.mark.slow
def test_a_config_file_elsewhere_and_the_projects_defaults_are_used(prod: str, cli: PulumiCli) -> None:
    assert prod
    before = stack_file(cli)
    project_file = cli.project / "Pulumi.yaml"
    settings = project_file.read_text()
    content = yaml.safe_load(settings)
    content["config"] |= yaml.safe_load(block("docs/environments.md", "# Pulumi.yaml\n", "yaml"))["config"]
    project_file.write_text(yaml.safe_dump(content))
    try:
        # What the file says takes the place of what the stack has: the other two providers would go, and with the
        # stack's `api` the backend and the policy of the third.
        command = block("docs/environments.md", "--config-file").rstrip() + " --diff\n"
        printed = run(cli.with_environment(MISTRAL_API_KEY="sk-elsewhere"), command)
    finally:
        project_file.write_text(settings)
    assert '"llm-prod" => "llm"' in printed
    assert '"agentgateway" => "edge"' in printed
    assert "- 12 to delete" in printed
    assert stack_file(cli) == before


@pytest.mark.slow
def test_a_stack_can_be_made_with_a_passphrase_of_its_own(prod: str, cli: PulumiCli) -> None:
    assert prod
    run(cli, block("docs/environments.md", "--secrets-provider"))
    assert stack_file(cli, "dev")["encryptionsalt"]
    run(cli, "pulumi stack rm dev\npulumi stack select prod")


@pytest.mark.slow
def test_a_stack_file_that_names_environments_needs_a_backend_that_has_them(prod: str, cli: PulumiCli) -> None:
    assert prod
    file = cli.project / "stacks/Pulumi.prod.yaml"
    before = file.read_text()
    file.write_text(f"environment:\n  - llm/prod\n{before}")
    done = cli("preview", "--stack", "prod")
    file.write_text(before)
    assert "does not support environments" in failed(done)


@pytest.mark.slow
def test_the_problems_of_all_providers_are_reported_together_and_by_name(prod: str, cli: PulumiCli) -> None:
    assert prod
    file = cli.project / "stacks/Pulumi.prod.yaml"
    before = file.read_text()
    content = yaml.safe_load(before)
    content["config"][f"{PROJECT}:providers"]["mistral"]["port"] = 0
    content["config"][f"{PROJECT}:providers"] |= {"sarvam": {"passthrough": False}, "house": {"passthrough": True}}
    file.write_text(yaml.safe_dump(content))
    done = cli("preview", "--stack", "prod")
    file.write_text(before)
    printed = failed(done)
    for problem in (
        "providers.mistral.port: 0 is not a port",
        'providers.house.preset: "house" is not a preset',
        "has no API key for provider sarvam",
    ):
        assert problem in printed


@pytest.mark.slow
def test_removing_a_provider_deletes_its_objects_and_no_others(prod: str, cli: PulumiCli, cluster: Cluster) -> None:
    assert prod
    others = all_revisions(components(cluster, "mistral", "deepseek"))
    assert "- 5 deleted" in run(cli, block("docs/environments.md", "'providers.openai'\n"))
    assert components(cluster, "openai") == {"openai": {}}
    assert all_revisions(components(cluster, "mistral", "deepseek")) == others


@pytest.mark.slow
def test_renaming_a_provider_creates_the_new_objects_before_it_deletes_the_old_ones(
    prod: str, cli: PulumiCli, cluster: Cluster
) -> None:
    assert prod
    others = all_revisions(components(cluster, "mistral"))
    printed = run(cli, block("docs/environments.md", "providers.reasoning"), typed="sk-renamed")
    updating = printed[printed.index("Updating") :]
    assert "+ 5 created" in updating
    assert "- 5 deleted" in updating
    assert updating.index("HTTPRoute reasoning created") < updating.index("HTTPRoute deepseek deleting")
    now = components(cluster, "deepseek", "reasoning")
    assert now["deepseek"] == {}
    assert sorted(now["reasoning"]) == PROD_KINDS
    rules = now["reasoning"]["HTTPRoute"]["spec"]["rules"]
    assert {match["path"]["value"] for rule in rules for match in rule["matches"]} == {"/deepseek"}
    assert api_key(now["reasoning"]) == "sk-renamed"
    assert all_revisions(components(cluster, "mistral")) == others


@pytest.mark.slow
def test_a_provider_moves_from_its_own_stack_without_a_write(prod: str, cli: PulumiCli, cluster: Cluster) -> None:
    assert prod
    run(cli, OWN_STACK, typed="sk-groq")
    before = components(cluster, "groq", namespace=NAMESPACE)
    assert sorted(before["groq"]) == KINDS

    printed = run(cli, block("docs/environments.md", "pulumi state move"))
    assert len(re.findall(r"Resources:\n +\d+ unchanged\n", printed)) == 2, "in the preview and in the update"
    assert all_revisions(components(cluster, "groq", namespace=NAMESPACE)) == all_revisions(before)
    assert "groq" not in cli("stack", "ls").stdout
    assert not (cli.project / "stacks/Pulumi.groq.yaml").exists()

    printed = run(cli, block("docs/environments.md", "config rm --stack prod"))
    updating = printed[printed.index("Updating") :]
    made, gone = "HTTPRoute groq created replacement", "HTTPRoute groq deleting original"
    assert updating.index(made) < updating.index(gone)
    assert components(cluster, "groq", namespace=NAMESPACE) == {"groq": {}}
    moved = components(cluster, "groq")
    assert sorted(moved["groq"]) == KINDS
    assert api_key(moved["groq"]) == "sk-groq"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        yield clone


@pytest.mark.slow
def test_dev_and_prod_are_deployed_side_by_side_on_this_machine(clone: Clone) -> None:
    assert 'make up STACK="dev prod"' in PAGES["docs/environments.md"]
    printed = clone.up("dev", "prod")
    with clone.cluster() as cluster:
        environments = {
            stack: components(cluster, *stack_providers(clone, stack), namespace=f"llm-{stack}")
            for stack in ("dev", "prod")
        }
        for stack, objects in environments.items():
            assert [sorted(each) for each in objects.values()] == [KINDS] * 3
            assert f"llm-{stack}/mistral-secret" in printed
        routes = [each["mistral"]["HTTPRoute"]["spec"]["parentRefs"][0]["name"] for each in environments.values()]
        assert routes == ["agentgateway-dev", "agentgateway"]

        content = yaml.safe_load(clone.stack_file("dev").read_text())
        content["config"][f"{PROJECT}:providers"]["mistral"]["model"] = "another"
        clone.stack_file("dev").write_text(yaml.safe_dump(content))
        clone.up("dev")
        assert all_revisions(components(cluster, *environments["prod"], namespace=PROD)) == all_revisions(
            environments["prod"]
        )
        dev = components(cluster, "mistral", namespace="llm-dev")
        assert dev["mistral"]["Backend"]["spec"]["ai"]["llm"]["openai"]["model"] == "another"


def stack_providers(clone: Clone, stack: str) -> list[str]:
    config = yaml.safe_load(clone.stack_file(stack).read_text())["config"]
    return list(config[f"{PROJECT}:providers"])
