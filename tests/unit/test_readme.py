"""What the README and the pages beside it say, held against what is.

Their commands are run in tests/e2e; tests/e2e/test_plugin_schema.py holds the programs in other languages against the
plugin's schema.
"""

import re
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.presets import PRESETS
from docs.readme import with_tables
from tests.readme import ESC_ENVIRONMENT, PAGES, PROJECT_DEFAULTS, README, RECIPES, STACK_FILES, blocks
from tests.unit.recording import PROJECT, REPOSITORY, record, record_program


@pytest.mark.parametrize("page", ["README.md", "docs/endpoints.md"])
def test_the_tables_are_what_the_code_says(page: str) -> None:
    assert with_tables(page, PAGES[page]) == PAGES[page], "run `make readme`"


def test_make_catalogue_prints_the_table_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(REPOSITORY / "docs/catalogue.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert f"<!-- providers -->\n{printed}<!-- end of providers -->" in README
    assert [key for key in PRESETS if f"| `{key}` " not in printed] == []


@pytest.mark.parametrize("block", STACK_FILES)
def test_every_stack_file_in_the_readme_makes_its_providers(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, content = block.split("\n", 1)
    assert re.fullmatch(r"# stacks/Pulumi\.[a-z-]+\.yaml", file)
    config = yaml.safe_load(content)["config"]
    providers = config[f"{PROJECT}:providers"]
    for name in providers:
        monkeypatch.setenv(name.upper().replace("-", "_") + "_API_KEY", "sk-for-the-readme")
    recording = record_program(config)
    for kind in ("Backend", ":HTTPRoute"):
        assert {r.name for r in recording.resources if r.type.endswith(kind)} == set(providers)


@pytest.mark.parametrize("block", blocks("yaml", RECIPES))
def test_a_recipe_leads_to_its_base_url(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = yaml.safe_load(block)["config"]
    for name, settings in config[f"{PROJECT}:providers"].items():
        monkeypatch.setenv(f"{name.upper()}_API_KEY", "sk-for-the-readme")
        recording = record_program({**config, f"{PROJECT}:providers": {name: settings}})
        ai = recording.one("Backend").inputs["spec"]["ai"]
        provider = ai.get("provider") or ai["llm"]
        url = urlsplit(settings["baseUrl"])
        assert (provider["host"], provider["port"]) == (url.hostname, url.port or 443)
        paths = {name: provider[name] for name in ("path", "pathPrefix") if name in provider}
        all_endpoints = "provider" in ai
        assert paths == (
            {"pathPrefix": url.path} if all_endpoints else {"path": {"full": f"{url.path}/chat/completions"}}
        )
        secure = [r for r in recording.resources if r.type.endswith(":BackendTLSPolicy")]
        assert len(secure) == (url.scheme == "https")


def test_azures_recipe_sends_the_key_in_azures_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_KEY", "sk-for-the-readme")
    (azure,) = (block for block in blocks("yaml", RECIPES) if "azure" in block)
    recording = record_program(yaml.safe_load(azure)["config"])
    auth = recording.one(":AgentgatewayBackend").inputs["spec"]["policies"]["auth"]
    assert auth == {"secretRef": {"name": "azure-secret"}, "location": {"header": {"name": "api-key"}}}


def test_the_projects_file_gives_every_stack_its_defaults() -> None:
    assert PROJECT_DEFAULTS.startswith("# Pulumi.yaml\n")
    defaults = {key: each["value"] for key, each in yaml.safe_load(PROJECT_DEFAULTS)["config"].items()}
    recording = record_program({**defaults, "providers": {"mistral": {"passthrough": True}}})
    assert {each["metadata"]["namespace"] for each in recording.objects()} == {"llm"}
    (parent,) = recording.one(":HTTPRoute").inputs["spec"]["parentRefs"]
    assert parent == {"name": "edge", "namespace": "gateways"}


def test_config_and_keys_are_taken_as_pulumi_merges_them_from_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ESC_ENVIRONMENT.startswith("# llm/prod, in Pulumi ESC\n")
    values = _opened(yaml.safe_load(ESC_ENVIRONMENT)["values"])
    (stack_file,) = (content for content in map(yaml.safe_load, STACK_FILES) if content.get("environment"))
    for name, value in values["environmentVariables"].items():
        monkeypatch.setenv(name, value)
    recording = record_program(_merged(values["pulumiConfig"], stack_file["config"]), secret_keys=["providers"])

    keys = {r.name: r.inputs["stringData"]["Authorization"] for r in recording.resources if r.type.endswith(":Secret")}
    assert keys == {"mistral-secret": "sk-one", "deepseek-secret": "sk-two"}
    backends = [r for r in recording.resources if r.type.endswith(":Backend")]
    models = {r.name: r.inputs["spec"]["ai"]["llm"]["openai"]["model"] for r in backends}
    assert models == {"mistral": "mistral-medium-latest", "deepseek": "deepseek-v4-pro"}
    assert recording.one(":HTTPRoute", "mistral").inputs["spec"]["parentRefs"][0]["name"] == "edge"


def _opened(value: Any) -> Any:
    """An environment's values with its secrets in plain."""
    if not isinstance(value, dict):
        return value
    return value["fn::secret"] if "fn::secret" in value else {key: _opened(each) for key, each in value.items()}


def _merged(environment: Any, stack: Any) -> Any:
    """As the engine does it: RFC 7386, the stack's file over the environment."""
    if not isinstance(environment, dict) or not isinstance(stack, dict):
        return stack
    return environment | {key: _merged(environment.get(key), each) for key, each in stack.items()}


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_snippet_in_the_readme_runs(block: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "components"))
    snippet = tmp_path / "__main__.py"
    snippet.write_text(block)

    keys = [f"{PROJECT}:{key}" for key in re.findall(r'require_secret\("(\w+)"\)', block)]
    recording = record(
        lambda: runpy.run_path(str(snippet), run_name="__main__"),
        config=dict.fromkeys(keys, "sk-for-the-readme"),
        secret_keys=keys,
    )
    assert len(recording.objects()) == 4 * block.count("OpenAICompatibleLLM(")
    assert len(recording.objects()) > 0


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_repository_leads_somewhere(page: str) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)]+)\)", PAGES[page])
    assert targets
    assert [target for target in targets if not _exists(target, page)] == []


def _exists(target: str, page: str) -> bool:
    path, _, heading = target.partition("#")
    file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
    if not file.exists() or not heading:
        return file.exists()
    titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return heading in {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_link_that_may_be_broken_is_in_the_table_with_its_exit_status() -> None:
    rows = re.findall(r"^\| .* \| `([a-z-]+)` (\d+) \| .* \| .* \|$", README, re.MULTILINE)
    assert [(hop.label, str(hop.status)) for hop in Hop] == rows
    (example,) = re.findall(r"^mistral: broken at the hop (.*)\.$", README, re.MULTILINE)
    assert example == f"{Hop.SECRET.label}: {Hop.SECRET.meaning}"


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    text = "\n".join(PAGES.values())
    commands = [*blocks("sh", text), *re.findall(r"`(make [^`]+)`", text)]
    targets = {
        target for named in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", "\n".join(commands)) for target in named.split()
    }
    assert targets
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
