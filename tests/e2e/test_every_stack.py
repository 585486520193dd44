"""Previews and applies each stack of stacks/, and moves it to the other gateway API.

The engine runs the program in this process, and shows its preview and updates in one go, as `pulumi up` does; what the
commands of the CLI say is seen elsewhere.
"""

import gc
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation
from pulumi.automation._stack import StackInitMode

from components.openai_compatible_llm.presets import PRESETS
from local.control_plane.api_server import namespace_objects
from local.control_plane.control_plane import ControlPlane
from local.engine.project import read_settings, stack_names
from local.environment import program_with
from local.stack_files import read_placements
from local.toolchain.binaries import Binaries
from local.toolchain.tools import KUBERNETES_PROVIDER
from stack_config import api_key_variable
from tests.e2e import inline_stack
from tests.support.cluster import AGENTGATEWAY_BACKEND, BACKEND, CUSTOM, ROUTE, Cluster
from tests.support.repository import REPOSITORY

PROJECT = "openai-compatible-llm"
NAMESPACE = "gloo-system"
KEY = "sk-every-stack"
APIS = {"kgateway": BACKEND, "agentgateway": AGENTGATEWAY_BACKEND}

# An environment, and both kinds of a provider's stack; the others are alike.
QUICK = ("groq", "perplexity", "prod")
STACKS = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in stack_names()]

pytestmark = inline_stack.pytestmark


class PulumiWithPreview(automation.PulumiCommand):
    """Lets `up` show its preview, which the SDK skips."""

    def run(self, args: list[str], *others: Any, **options: Any) -> automation.CommandResult:
        return super().run([arg for arg in args if arg != "--skip-preview"], *others, **options)


@pytest.fixture(scope="module")
def project(
    control_plane: ControlPlane, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[automation.LocalWorkspaceOptions]:
    """A copy of the project, with the namespaces and Gateways of its stacks on the control plane."""
    folder = tmp_path_factory.mktemp("every-stack")
    copy = folder / "project"
    shutil.copytree(REPOSITORY / "stacks", copy / "stacks")
    shutil.copy(REPOSITORY / "Pulumi.yaml", copy)
    placements = [each for stack in stack_names(copy) for each in read_placements(read_settings(copy, stack)).values()]
    control_plane.start(namespace_objects({each.namespace for each in placements}))
    (folder / "state").mkdir()
    variables = {
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
        "KUBECONFIG": str(control_plane.state.kubeconfig),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    KUBERNETES_PROVIDER.install(folder / "home", binaries.kubernetes_provider)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", os.pathsep.join((str(binaries.pulumi.parent), os.environ["PATH"])))
        yield automation.LocalWorkspaceOptions(
            work_dir=str(copy), env_vars=variables, pulumi_command=PulumiWithPreview()
        )
    take_all_away(Cluster(control_plane.state.kubeconfig), {given(file)[1] for file in copy.glob("stacks/*")})
    # The SDK leaves event loops open.
    gc.collect()


def take_all_away(cluster: Cluster, namespaces: set[str]) -> None:
    for namespace in namespaces:
        cluster.core.delete_collection_namespaced_secret(namespace)
        for group, version, plural in CUSTOM.values():
            cluster.custom.delete_collection_namespaced_custom_object(group, version, namespace, plural)
    cluster.close()


def created(project: automation.LocalWorkspaceOptions, name: str) -> automation.Stack:
    keys = {api_key_variable(provider): KEY for provider in given(file_of(project, name))[0]}
    workspace = automation.LocalWorkspace(**{**vars(project), "program": program_with(keys)})
    return inline_stack.QuickStack(name, workspace, StackInitMode.CREATE)


def file_of(project: automation.LocalWorkspaceOptions, name: str) -> Path:
    return Path(str(project.work_dir)) / f"stacks/Pulumi.{name}.yaml"


def given(file: Path) -> tuple[dict[str, Any], str, str]:
    """Returns providers, namespace and Gateway of a stack file."""
    config = yaml.safe_load(file.read_text())["config"]
    namespace = config.get(f"{PROJECT}:namespace", NAMESPACE)
    gateway = config.get(f"{PROJECT}:gateway", {}).get("name", "agentgateway")
    return config[f"{PROJECT}:providers"], namespace, gateway


def set_api(file: Path, api: str) -> None:
    content = yaml.safe_load(file.read_text())
    content["config"][f"{PROJECT}:api"] = api
    file.write_text(yaml.safe_dump(content))


def counts(result: automation.UpResult) -> list[dict[str, int]]:
    """Returns the counts of the preview and of the update, in the engine's words."""
    parts = re.findall(r"^Resources:\n(.*?)^(?:Updating|Duration)", result.stdout, re.DOTALL | re.MULTILINE)
    found = [re.findall(r"(\d+) (to [a-z]+|[a-z]+ed)$", part, re.MULTILINE) for part in parts]
    return [{what: int(number) for number, what in each} for each in found]


def live(cluster: Cluster, kind: tuple[str, str, str], namespace: str) -> dict[str, Any]:
    """Returns specs by name."""
    listed: Any = cluster.custom.list_namespaced_custom_object(kind[0], kind[1], namespace, kind[2])
    return {each["metadata"]["name"]: each["spec"] for each in listed["items"]}


def endpoint(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns host, path and model of a backend of either gateway API."""
    ai = spec["ai"]
    provider = ai.get("provider") or ai["llm"]
    path = f"{provider['pathPrefix'].rstrip('/')}/chat/completions" if "provider" in ai else provider["path"]["full"]
    return {"host": provider["host"], "path": path, "model": provider["openai"].get("model")}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_previews_and_applies_with_both_gateway_apis(
    name: str, project: automation.LocalWorkspaceOptions, cluster: Cluster
) -> None:
    file = file_of(project, name)
    providers, namespace, gateway = given(file)
    number = len(providers)
    endpoints = {
        provider: {"host": PRESETS[provider].host, "path": PRESETS[provider].path, "model": settings.get("model")}
        for provider, settings in providers.items()
    }
    stack = created(project, name)
    first, *others = APIS

    # The stack itself, and of each provider the component and its four objects.
    made = 1 + 5 * number
    assert counts(stack.up(color="never")) == [{"to create": made}, {"created": made}]
    backends, routes = (live(cluster, kind, namespace) for kind in (APIS[first], ROUTE))
    assert {provider: endpoint(backends[provider]) for provider in providers} == endpoints
    assert {routes[provider]["parentRefs"][0]["name"] for provider in providers} == {gateway}

    for api in others:
        set_api(file, api)
        two, same = 2 * number, 1 + 2 * number
        assert counts(stack.up(color="never")) == [
            {"to create": two, "to update": number, "to delete": two, "unchanged": same},
            {"created": two, "updated": number, "deleted": two, "unchanged": same},
        ]
        backends = live(cluster, APIS[api], namespace)
        assert {provider: endpoint(backends[provider]) for provider in providers} == endpoints
        assert not providers.keys() & live(cluster, APIS[first], namespace).keys()


def test_all_stacks_are_deployed_side_by_side(project: automation.LocalWorkspaceOptions, cluster: Cluster) -> None:
    names = [each.name for each in automation.LocalWorkspace(**vars(project)).list_stacks()]
    stacks = [given(file_of(project, name)) for name in names]
    wanted = sorted((namespace, provider) for providers, namespace, _ in stacks for provider in providers)
    for kind in (AGENTGATEWAY_BACKEND, ROUTE):
        found = {(namespace, name) for _, namespace, _ in stacks for name in live(cluster, kind, namespace)}
        assert sorted(found) == wanted
