"""The projects of examples/, each by the commands of its README in a copy outside of the clone, to a completion."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from local.gateway.api import Gateway
from local.lock import exclusive
from tests.gateway.examples.beside_clone import PIP, clone_into, ready
from tests.gateway.examples.external_secrets import external_secrets_operator
from tests.gateway.installation import Installation, using
from tests.gateway.openai_provider import TOKENS, OpenAIProvider, failing
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.demo_provider import demo_provider
from tests.support.pages import block
from tests.support.project import NAME, Project
from tests.support.question import ask
from tests.support.repository import REPOSITORY

ASK_PROGRAM = block("examples/python/README.md", "curl")
COPY_PYTHON = block("examples/python/README.md", "cp -r")
DEPLOY = block("examples/failover/README.md", "pulumi up")
KIND = REPOSITORY / "examples/kind"
COPY_ONE_URL = block("examples/one-url/README.md", "cp -r")

KEY, SECOND_KEY = "sk-canary-example-7b20", "sk-canary-example-7b21"
CANARIES = Canaries(KEY, SECOND_KEY)
ANSWER = "".join(TOKENS)
MODEL, SECOND_MODEL = "mistral-medium-latest", "deepseek-flash"
LIMIT = 60
MISSPELT = re.compile(r"^( {4,}\"?)gateway\b(?=\"?:)", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """Runs an example's commands, and has what a user would write into its stack's file."""

    project: Project
    api: str
    gateway: Gateway
    namespace: str

    def run(self, commands: str, typed: str = "", folder: Path | None = None, **environment: str) -> str:
        """Runs commands of its README; neither what they print nor any file has a key in it."""
        printed = self.project.shell(commands, {**PIP, **environment}, typed, folder)
        assert not CANARIES.are_in(printed)
        assert CANARIES.files(self.project.folder) == CANARIES.files(self.project.home) == []
        return printed

    def run_each(self, commands: Sequence[str], *typed: str) -> None:
        """Runs commands one by one, each with what is typed for it."""
        for command, text in zip(commands, typed, strict=True):
            self.run(command, text)

    def configure(self, **provider: str) -> None:
        """Sets the Gateway of the tests, and settings of the provider by their paths."""
        gateway = {"name": self.gateway.name, "namespace": self.gateway.namespace, "url": self.gateway.url}
        paths = {f"gateway.{name}": value for name, value in gateway.items()}
        for path, value in {"api": self.api, "namespace": self.namespace, **paths, **provider}.items():
            self.project("config", "set", "--path", path, value)


@contextmanager
def example_in(name: str, api: str, installation: Installation, namespace: str, place: Path) -> Iterator[Example]:
    """Yields an example, one at a time, because several have the same path at the Gateway."""
    clone = clone_into(place)
    project = ready(Project(clone.with_name(name), installation.pulumi, installation.kubeconfig))
    with exclusive(installation.folder / "examples.lock"), using(installation, api):
        yield Example(project, api, installation.gateways[api], namespace)
        if project.folder.exists():
            project.run("destroy", "--yes", "--skip-preview", **PIP)


@pytest.fixture
def example(api: str, installation: Installation, namespace: str, tmp_path: Path) -> Iterator[Example]:
    """Yields an example that the test copies to a folder beside a clone."""
    with example_in("my-llm", api, installation, namespace, tmp_path) as example:
        yield example


@pytest.fixture
def example_in_clone(api: str, installation: Installation, namespace: str, tmp_path: Path) -> Iterator[Example]:
    """Yields an example that uses the repository's own program."""
    with example_in(NAME, api, installation, namespace, tmp_path) as example:
        yield example


agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)


@pytest.mark.parametrize(
    ("copy", "program", "api"),
    [
        pytest.param(COPY_PYTHON, "__main__.py", "kgateway", id="python"),
        pytest.param(COPY_PYTHON, "__main__.py", "agentgateway", id="python-agentgateway"),
        pytest.param(block("examples/yaml/README.md", "cp -r"), "Pulumi.yaml", "kgateway", id="yaml"),
        pytest.param(block("examples/typescript/README.md", "cp -r"), "index.ts", "agentgateway", id="typescript"),
    ],
    indirect=["api"],
)
def test_a_program_of_each_language_to_a_completion(
    copy: str, program: str, example: Example, provider: OpenAIProvider
) -> None:
    example.run(copy, folder=example.project.folder.parent)
    example.configure(baseUrl=provider.base_url)
    if program != "__main__.py":
        added = (example.project.folder / "Pulumi.yaml").read_text()
        example.run(block("docs/other-languages.md", "pulumi package add"))
        assert (example.project.folder / "Pulumi.yaml").read_text() == added
    assert "Previewing update (dev)" in example.run(block("examples/python/README.md", "pulumi up"), typed=KEY)
    assert ANSWER in example.run(ASK_PROGRAM)
    assert provider.keys() == {f"Bearer {KEY}"}
    assert [each.json["model"] for each in provider.requests] == [MODEL]

    assert "ftp" in refusal(example, "--config", "baseUrl=ftp://localhost/v1")
    assert "kgatway" in refusal(example, "--config", "api=kgatway")
    file = example.project.folder / program
    written = file.read_text()
    file.write_text(MISSPELT.sub(r"\1gatway", written))
    assert "gatway" in refusal(example)
    file.write_text(written)
    assert "6 deleted" in example.run(block("examples/python/README.md", "pulumi destroy"))


def refusal(example: Example, *options: str) -> str:
    refused = example.project.fails("preview", *options, **PIP)
    assert not CANARIES.are_in(refused)
    return refused


@agentgateway_only
def test_beside_an_existing_gateway_the_key_is_an_external_secrets(
    example: Example, provider: OpenAIProvider, cluster: Cluster
) -> None:
    example.run(block("examples/existing-gateway/README.md", "cp -r"), folder=example.project.folder.parent)
    example.configure(baseUrl=provider.base_url)
    with external_secrets_operator(cluster, example.namespace, {"llm/mistral#apiKey": KEY}) as served:
        assert "Previewing update (dev)" in example.run(DEPLOY)
    assert ANSWER in example.run(ASK_PROGRAM)
    assert provider.keys() == {f"Bearer {KEY}"}
    # None of its fields was dropped.
    (external,) = served
    assert external["spec"] == {
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "your-store"},
        "refreshInterval": "15m0s",
        "target": {"name": "llm-key"},
        "data": [{"secretKey": "Authorization", "remoteRef": {"key": "llm/mistral", "property": "apiKey"}}],
    }
    # Stack, component and ExternalSecret, and three objects of the component's: none is a Secret.
    assert "6 unchanged" in example.run(DEPLOY)


@agentgateway_only
def test_a_stack_with_failover_clients_and_a_limit(
    example_in_clone: Example, provider: OpenAIProvider, other_provider: OpenAIProvider
) -> None:
    example = example_in_clone
    example.run(block("examples/failover/README.md", "cp examples"))
    first, second = "providers.mistral.baseUrl", "providers.mistral.fallbacks[0].baseUrl"
    example.configure(**{first: provider.base_url, second: other_provider.base_url})
    example.run_each(block("examples/failover/README.md", "openssl").splitlines(), KEY, SECOND_KEY, "")
    client = example.project("config", "get", "--path", "clients.web.apiKey").strip()
    assert client not in example.run(DEPLOY)

    url = f"{example.gateway.url}/mistral/v1/chat/completions"
    assert ask(url).status == HTTPStatus.UNAUTHORIZED
    assert provider.requests == other_provider.requests == []

    provider.behaviour = failing(HTTPStatus.SERVICE_UNAVAILABLE)
    answer = example.run(block("examples/failover/README.md", "curl"))
    assert ANSWER in answer
    assert client not in answer
    asked = [(each.authorization, each.json["model"]) for each in (provider.requests[0], other_provider.requests[0])]
    assert asked == [(f"Bearer {KEY}", MODEL), (f"Bearer {SECOND_KEY}", SECOND_MODEL)]

    statuses = [ask(url, headers={"authorization": f"Bearer {client}"}).status for _ in range(LIMIT)]
    assert set(statuses) == {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
    assert len(other_provider.requests) <= LIMIT


@agentgateway_only
def test_a_stack_with_one_url_for_two_providers(
    example_in_clone: Example, provider: OpenAIProvider, other_provider: OpenAIProvider
) -> None:
    example = example_in_clone
    example.run(block("examples/one-url/README.md", "cp examples"))
    urls = {"mistral": provider.base_url, "deepseek": other_provider.base_url}
    example.configure(**{f"providers.{name}.baseUrl": url for name, url in urls.items()})
    *set_keys, deploy = block("examples/one-url/README.md", "providers.mistral.apiKey").splitlines()
    example.run_each(set_keys, KEY, SECOND_KEY, "")
    example.run(deploy)

    assert ANSWER in example.run(block("examples/one-url/README.md", '"fast"'))
    assert other_provider.requests == []
    assert [(each.authorization, each.json["model"]) for each in provider.requests] == [
        (f"Bearer {KEY}", "mistral-small-latest")
    ]
    key = example.project("config", "get", "--path", "clients.web.apiKey").strip()
    client = {"authorization": f"Bearer {key}"}
    listed = urllib3.request("GET", f"{example.gateway.url}/llm/v1/models", headers=client)
    assert [(each["id"], each["owned_by"]) for each in listed.json()["data"]] == [
        ("deepseek-flash", "deepseek"),
        ("fast", "mistral"),
    ]
    url = f"{example.gateway.url}/llm/v1/chat/completions"
    refused = {"mistral-medium-latest": HTTPStatus.FORBIDDEN, "gpt-x": HTTPStatus.NOT_FOUND}
    assert {model: ask(url, {"model": model}, headers=client).status for model in refused} == refused
    assert ask(url, {"model": "fast"}).status == HTTPStatus.UNAUTHORIZED
    assert len(provider.requests) == 1


@agentgateway_only
@pytest.mark.parametrize(
    ("language", "program"), [("python", "__main__.py"), ("yaml", "Pulumi.yaml"), ("typescript", "index.ts")]
)
def test_a_program_of_each_language_with_one_url_for_two_providers(
    language: str, program: str, example: Example, provider: OpenAIProvider, other_provider: OpenAIProvider
) -> None:
    example.run(COPY_ONE_URL.replace("/python ", f"/{language} "), folder=example.project.folder.parent)
    file = example.project.folder / program
    written = file.read_text()
    base_url = "base_url" if language == "python" else "baseUrl"
    for name, url in {"mistral": provider.base_url, "deepseek": other_provider.base_url}.items():
        written, replaced = re.subn(rf'\bpreset("?): "?{name}"?', rf'{base_url}\1: "{url}"', written)
        assert replaced == 1
    file.write_text(written)
    example.configure()
    *set_keys, deploy = block("examples/one-url/README.md", "mistralApiKey").splitlines()
    example.run_each(set_keys, KEY, SECOND_KEY, "")
    example.run(deploy)

    assert ANSWER in example.run(block("examples/one-url/README.md", '"deepseek-flash"'))
    assert provider.requests == []
    assert [each.authorization for each in other_provider.requests] == [f"Bearer {SECOND_KEY}"]


@contextmanager
def context_of_kind(example: Example, folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the variables by which the example on kind uses the tests' cluster and Gateway."""
    context = yaml.safe_load(example.project.kubeconfig.read_text())["current-context"]
    with demo_provider() as url:
        gateway = {"name": example.gateway.name, "namespace": example.gateway.namespace}
        shipped = yaml.safe_load((KIND / "Pulumi.kind.yaml").read_text())["config"]
        # The Service's name leads to the provider only from Pods.
        providers = {"demo": {**shipped[f"{NAME}:providers"]["demo"], "baseUrl": f"{url}/v1"}}
        settings = {f"{NAME}:{key}": value for key, value in {"gateway": gateway, "providers": providers}.items()}
        file = folder / "stack.yaml"
        content = {**shipped, **settings, f"{NAME}:namespace": example.namespace}
        file.write_text(yaml.safe_dump({"config": content}))
        yield {
            "API": example.api,
            "CONTEXT": context,
            "GATEWAY_URL": example.gateway.url,
            "STACK_FILE": str(file),
        }


@agentgateway_only
def test_the_script_for_kind_deploys_and_asks_without_a_key_and_does_so_again_when_the_objects_are_gone(
    example_in_clone: Example, cluster: Cluster, tmp_path: Path
) -> None:
    with context_of_kind(example_in_clone, tmp_path) as variables:
        answer = "You said: Say hello in five words."
        assert answer in example_in_clone.run("examples/kind/kind.sh deploy ask", **variables)

        cluster.delete("HTTPRoute", "demo", example_in_clone.namespace)
        assert answer in example_in_clone.run("examples/kind/kind.sh deploy ask", **variables)


@agentgateway_only
def test_the_script_for_kind_deploys_and_asks_a_provider_with_a_key(
    example_in_clone: Example, provider: OpenAIProvider, tmp_path: Path
) -> None:
    with context_of_kind(example_in_clone, tmp_path) as variables:
        file = Path(variables["STACK_FILE"])
        content = yaml.safe_load(file.read_text())
        content["config"][f"{NAME}:providers"]["mistral"] = {"baseUrl": provider.base_url, "model": MODEL}
        file.write_text(yaml.safe_dump(content))
        given = {**variables, "PROVIDER": "mistral", "MISTRAL_API_KEY": KEY}
        assert ANSWER in example_in_clone.run("examples/kind/kind.sh deploy ask", **given)
        assert provider.keys() == {f"Bearer {KEY}"}
