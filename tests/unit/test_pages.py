"""Holds what the pages say against the code, and that each of their blocks of code is tested somewhere.

Commands run in tests/e2e and tests/gateway. tests/e2e/test_plugin_schema.py holds the programs in other languages
against the plugin's schema, and tests/contract/test_page_manifests.py the manifests against the CRDs. The clients of
docs/one-url.md and docs/clients.md run in test_one_url_page.py and test_clients_page.py, and those of docs/endpoints.md
in tests/gateway. tests/e2e runs the queries of docs/usage.md and checks its YAML.
"""

import ast
import json
import re
import runpy
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.backends import READERS
from components.openai_compatible_llm.doctor.diagnosis import diagnose
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.doctor.inspection import Evidence
from components.openai_compatible_llm.doctor.options import DEFAULT_TIMEOUT_SECONDS, parse_options
from components.openai_compatible_llm.doctor.outcome import Answer, Endpoint, HTTPError
from components.openai_compatible_llm.doctor.printing import (
    MODEL_HEADINGS,
    PATTERN,
    format_finding,
    format_model_row,
    format_note,
    format_row,
    format_row_without_completion,
    format_summary,
    format_table,
)
from components.openai_compatible_llm.doctor.request_path import Lookup, RequestPath, SecretLookup
from components.openai_compatible_llm.doctor.rival_policies import Rival, Winner
from components.openai_compatible_llm.doctor.shared_url import SharedUrl
from components.openai_compatible_llm.doctor.targets import Target
from components.openai_compatible_llm.presets import PRESETS
from local.gateway.api import GATEWAY_APIS as LOCAL_GATEWAY_APIS
from policy.gateway_policies import tls
from policy.gateway_policies.objects import kubernetes_object
from stack_config import SETTINGS
from tests.support import refused
from tests.support.pages import BLOCKS, PAGES, STACK_FILES, block, blocks, prose
from tests.support.recording import PROJECT, record, record_component, record_gateway, record_program
from tests.support.repository import PACKAGE, REPOSITORY
from tools.pages import FILES, TABLES, with_tables

REFERENCE, TROUBLESHOOTING = PAGES["docs/reference.md"], PAGES["docs/troubleshooting.md"]
ESC_ENVIRONMENT = block("docs/environments.md", "# llm/prod, in Pulumi ESC", "yaml")
GATEWAY = block("docs/one-url.md", "# gateway.yaml\n", "yaml")
CLIENTS_SECRET = block("docs/clients.md", "# clients.yaml\n", "yaml")
PROJECT_DEFAULTS = block("docs/environments.md", "# Pulumi.yaml\n", "yaml")

# The Pulumi Registry shows these. Nobody reads them in the repository.
REGISTRY_PAGES = {"docs/_index.md", "docs/installation-configuration.md"}

KEY = "sk-for-the-pages"


def test_the_readme_can_be_read_at_once_and_leads_to_every_page() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 200
    pages = {page for page in PAGES if page.startswith("docs/")} - REGISTRY_PAGES
    assert [page for page in pages if f"]({page}" not in PAGES["README.md"]] == []


def test_the_readme_names_the_lowest_versions_that_the_package_takes() -> None:
    project = tomllib.loads((REPOSITORY / "components/pyproject.toml").read_text())["project"]
    lowest = dict(re.findall(r"^([\w-]+)>=(\d+\.\d+)\.0,<\d$", "\n".join(project["dependencies"]), re.MULTILINE))
    python = project["requires-python"].removeprefix(">=")
    named = ", ".join(f"`{name}` {version}" for name, version in lowest.items())
    assert f"It takes Python {python}, {named}, and newer ones." in " ".join(PAGES["README.md"].split())


@pytest.mark.parametrize("path", FILES)
def test_a_generated_file_is_what_the_code_makes(path: str) -> None:
    assert (REPOSITORY / path).read_text() == FILES[path](), "run `make docs`"


@pytest.mark.parametrize("page", TABLES)
def test_the_generated_tables_are_what_the_code_says(page: str) -> None:
    assert with_tables(page, PAGES[page]) == PAGES[page], "run `make docs`"


def test_a_page_without_the_place_of_its_table_is_named() -> None:
    with pytest.raises(LookupError, match=r"docs/providers\.md needs one place for the table of providers"):
        with_tables("docs/providers.md", "<!-- providers -->\n")


def test_make_catalogue_prints_the_table_of_the_providers(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(REPOSITORY / "tools/catalogue.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert f"<!-- providers -->\n{printed}<!-- end of providers -->" in PAGES["docs/providers.md"]
    assert [key for key in PRESETS if f"| `{key}` " not in printed] == []


def test_every_block_of_code_is_in_a_language_that_tests_know() -> None:
    checked = {"sh", "yaml", "python", "typescript", "go", "csharp", "json", "promql", ""}
    assert {language for _, language, _ in BLOCKS} == checked
    assert set(blocks("yaml")) == {
        *STACK_FILES,
        block("docs/other-languages.md", "runtime: yaml", "yaml"),
        block("docs/_index.md", "runtime: yaml", "yaml"),
        PROJECT_DEFAULTS,
        ESC_ENVIRONMENT,
        GATEWAY,
        block("docs/gateway.md", "# internal-gateway.yaml\n", "yaml"),
        block("docs/gateway.md", "# gateway-clients.yaml\n", "yaml"),
        block("docs/gateway.md", "# production-gateway.yaml\n", "yaml"),
        block("docs/rate-limits.md", "# limits.yaml\n", "yaml"),
        CLIENTS_SECRET,
        *(
            block("docs/usage.md", f"# {name}.yaml\n", "yaml")
            for name in ("pod-monitor", "prometheus", "prices", "tracing", "client-label")
        ),
        block("docs/production.md", "# stack.yaml\n", "yaml"),
    }
    outputs = [
        EXAMPLE_REQUEST,
        EXAMPLE_COMPLETION,
        EXAMPLE_FINDING,
        EXAMPLE_TABLE,
        EXAMPLE_MODELS,
        EXAMPLE_NOTE,
        ASSETS,
    ]
    assert set(blocks("")) == set(outputs)


NOT_RUN = {
    ("docs/gateway.md", "export GATEWAY_ASSETS"): "tests/gateway/make_up runs the same targets",
    ("docs/troubleshooting.md", "maxBufferSize"): "tests/gateway creates its manifest without kubectl",
    ("examples/kind/README.md", "kind.sh all"): "needs Docker; tests/gateway/examples runs the steps that need none",
    ("examples/kind/README.md", "kind.sh delete"): "needs Docker",
    ("README.md", "make demo"): "needs the registry of agentgateway's project",
    ("docs/gateway.md", "kind.sh gateway"): "needs Helm and pods; test_kind_script.py checks what it runs",
    ("docs/gateway.md", "port-forward"): "needs pods",
    ("examples/kind/README.md", "kind.sh gateway"): "needs Helm and pods; test_kind_script.py checks what it runs",
    ("examples/kind/README.md", "port-forward"): "needs pods",
    ("examples/kind/README.md", "kind create cluster"): "needs Docker; test_kind_script.py runs it on stand-ins",
    ("examples/existing-gateway/README.md", "kubectl get clustersecretstores"): "needs the operator's definitions",
    ("docs/usage.md", "kubectl port-forward"): "needs a proxy in a pod",
    ("docs/upgrading.md", "helm upgrade"): "needs Helm and pods; test_kind_script.py runs it on stand-ins",
    ("CONTRIBUTING.md", "make lint test\n"): "runs the tests",
    ("CONTRIBUTING.md", "test-slow"): "runs the tests, from .ci/run",
}
"""The blocks of commands that no test runs as they stand, and why."""


def test_every_block_of_commands_is_run_by_a_test_or_says_why_not() -> None:
    files = [file for kind in ("e2e", "gateway") for file in (REPOSITORY / "tests" / kind).rglob("*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "block"]
    run = {block(*map(ast.literal_eval, call.args)) for call in calls}
    not_run = {block(*each) for each in NOT_RUN}
    others = {text for _, language, text in BLOCKS if language != "sh"}
    assert set(blocks("sh")) == (run | not_run) - others


@pytest.mark.parametrize("commands", [block(*each) for each in NOT_RUN], ids=map(" ".join, NOT_RUN))
def test_commands_that_no_test_runs_are_valid_shell(commands: str) -> None:
    checked = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_ci_runs_the_command_that_contributors_are_told() -> None:
    assert block("CONTRIBUTING.md", "test-slow") in (REPOSITORY / ".ci/run").read_text()


def test_every_make_target_that_a_page_names_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    commands = [*blocks("sh"), *re.findall(r"`(make [^`]+)`", "\n".join(map(prose, PAGES)))]
    targets = {
        target for named in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", "\n".join(commands)) for target in named.split()
    }
    assert targets
    assert [each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("stack_file", STACK_FILES)
def test_every_stack_file_makes_its_providers(stack_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, content = stack_file.split("\n", 1)
    assert re.fullmatch(r"# stacks/Pulumi\.[a-z-]+\.yaml", file)
    config = yaml.safe_load(content)["config"]
    providers = config.get(f"{PROJECT}:providers", {})
    for name, settings in providers.items():
        monkeypatch.setenv(name.upper().replace("-", "_") + "_API_KEY", KEY)
        for fallback in settings.get("fallbacks", ()):
            monkeypatch.setenv(fallback["name"].upper().replace("-", "_") + "_API_KEY", KEY)
    recording = record_program(config)
    shared = {config[f"{PROJECT}:shared"].get("name", "llm")} if f"{PROJECT}:shared" in config else set()
    services = {f"{name}-rate-limits" for name in {*providers, *shared} if f"{PROJECT}:rateLimitService" in config}
    assert {each.name for each in recording.all("Backend")} == set(providers) | services
    assert {each.name for each in recording.all(":HTTPRoute")} == {*providers, *shared}


def test_the_example_for_a_cluster_gives_the_url_that_the_text_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    recording = record_program(yaml.safe_load(block("README.md", "your-gateway", "yaml"))["config"])
    (exported,) = (each["providers"]["mistral"] for each in recording.outputs.values() if "providers" in each)
    assert f"Clients now use `{exported['url']}`" in PAGES["README.md"]
    assert {each["metadata"]["namespace"] for each in recording.objects()} == {"your-namespace"}
    preset = PRESETS["mistral"]
    path = f"{urlsplit(exported['url']).path}/chat/completions"
    assert f"POST {path}  →  https://{preset.host}{preset.path}\n" == EXAMPLE_REQUEST


@pytest.mark.parametrize("recipe", blocks("yaml", "docs/recipes.md"))
def test_a_recipe_leads_to_its_base_url(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = yaml.safe_load(recipe)["config"]
    for name, settings in config[f"{PROJECT}:providers"].items():
        monkeypatch.setenv(f"{name.upper()}_API_KEY", KEY)
        recording = record_program({**config, f"{PROJECT}:providers": {name: settings}})
        backend = recording.one("Backend").inputs["spec"]
        ai = backend["ai"]
        provider = ai.get("provider") or ai["llm"]
        path = provider["path"]["full"] if "path" in provider else f"{provider['pathPrefix']}/chat/completions"
        url = urlsplit(settings["baseUrl"])
        assert (provider["host"], provider["port"]) == (url.hostname, url.port or 443)
        assert path == f"{url.path}/chat/completions"
        is_secure = "tls" in backend.get("policies", {}) or "BackendTLSPolicy" in recording.kinds()
        assert is_secure == (url.scheme == "https")


def test_azures_recipe_sends_the_key_in_azures_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_KEY", KEY)
    recipes = [recipe for recipe in blocks("yaml", "docs/recipes.md") if "azure" in recipe]
    assert len(recipes) == len(("the v1 API", "a deployment's"))
    for recipe in recipes:
        recording = record_program(yaml.safe_load(recipe)["config"])
        spec = recording.one(":AgentgatewayBackend").inputs["spec"]
        auth = {"secretRef": {"name": "azure-secret"}, "location": {"header": {"name": "api-key"}}}
        assert spec["policies"]["auth"] == auth
        # With `path` instead, the gateway would drop the query that Azure's older API needs.
        assert "pathPrefix" in spec["ai"]["provider"]


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

    keys = {each.name: each.inputs["stringData"]["Authorization"] for each in recording.all(":Secret")}
    assert keys == {"mistral-secret": "sk-one", "deepseek-secret": "sk-two"}
    backends = recording.all(":AgentgatewayBackend")
    models = {each.name: each.inputs["spec"]["ai"]["provider"]["openai"]["model"] for each in backends}
    assert models == {"mistral": "mistral-medium-latest", "deepseek": "deepseek-v4-pro"}
    assert recording.one(":HTTPRoute", "mistral").inputs["spec"]["parentRefs"][0]["name"] == "edge"


def _opened(value: Any) -> Any:
    """Returns an environment's values with its secrets in plain text."""
    if not isinstance(value, dict):
        return value
    return value["fn::secret"] if "fn::secret" in value else {key: _opened(each) for key, each in value.items()}


def _merged(environment: Any, stack: Any) -> Any:
    """Merges as the engine does: RFC 7386, the stack's file over the environment."""
    if not isinstance(environment, dict) or not isinstance(stack, dict):
        return stack
    return environment | {key: _merged(environment.get(key), each) for key, each in stack.items()}


CLIENTS = {each for page in ("docs/endpoints.md", "docs/one-url.md") for each in blocks("python", page)}
CLIENTS.add(block("docs/clients.md", "from openai ", "python"))


@pytest.mark.parametrize("program", sorted(set(blocks("python")) - CLIENTS))
def test_every_python_program_runs_and_exports_its_url(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "components"))
    file = tmp_path / "__main__.py"
    file.write_text(program)

    keys = {f"{PROJECT}:{key}": f"{KEY}-{key}" for key in re.findall(r'require_secret\("(\w+)"\)', program)}
    recording = record(lambda: runpy.run_path(str(file), run_name="__main__"), config=keys, secret_keys=list(keys))
    with_clients = program.count('"clients": ')
    assert len(recording.objects()) == 4 * program.count("OpenAICompatibleLLM(") + with_clients
    assert not any(key in recording.outside_secrets() for key in keys.values())
    assert len(recording.objects()) > 0
    assert [each["url"] for each in recording.outputs.values() if set(each) == {"url"}] == [
        "https://llm.example.com/mistral/v1"
    ]


EXAMPLE_REQUEST, EXAMPLE_COMPLETION, EXAMPLE_FINDING = blocks("", "README.md")
EXAMPLE_TABLE, EXAMPLE_MODELS, EXAMPLE_NOTE = blocks("", "docs/troubleshooting.md")
(ASSETS,) = blocks("", "docs/gateway.md")
MISTRAL = Answer(Endpoint.CHAT, "Hello, it's wonderful meeting you!\n", ("mistral-medium-latest",), 0.84, 21)


def test_the_example_of_a_completion_is_printed_so() -> None:
    assert f"{MISTRAL.text}{format_summary(MISTRAL)}\n" == EXAMPLE_COMPLETION


def test_the_example_of_a_broken_hop_is_printed_so() -> None:
    secret = SecretLookup("Secret your-namespace/mistral-secret", keys=("api-key",))
    route = Lookup("HTTPRoute your-namespace/mistral", {"metadata": {}, "spec": {}})
    request_path = RequestPath("test", route, api=READERS[BackendApi.KGATEWAY], secrets=(secret,))
    target = Target("mistral", "http://localhost:8080/mistral/v1", "/mistral", None, "mistral")
    finding = diagnose(Evidence(target, request_path, HTTPError(401, "application/json", "{}")))
    assert f"{format_finding('mistral', finding, request_path)}\n" == EXAMPLE_FINDING


def test_the_example_of_a_table_is_printed_so() -> None:
    streamed = replace(MISTRAL, first_token_seconds=0.31)
    target = Target("mistral", "", "/mistral", None, host="api.mistral.ai")
    row = format_row(target, streamed, None, Answer(Endpoint.MODELS, "", tuple("abcd") * 13, 0.1))
    limited = format_row_without_completion("deepseek", "broken: limit")
    assert format_table([row, limited]) == EXAMPLE_TABLE


def test_the_example_of_a_table_of_models_is_printed_so() -> None:
    shared = SharedUrl({"deepseek": ["deepseek-chat"], "mistral": ["fast", "mistral-*"]}, None, None)
    streamed = replace(MISTRAL, first_token_seconds=0.31)
    answers = {"deepseek-chat": "broken: limit", "fast": streamed.models[0], "mistral-*": PATTERN}
    rows = [
        format_model_row(Target("", "", "/llm", model, shared=shared), by, streamed if model == "fast" else None)
        for model, by in answers.items()
    ]
    assert format_table(rows, MODEL_HEADINGS) == EXAMPLE_MODELS


def test_the_example_of_a_note_is_printed_so() -> None:
    own, rival = (f"AgentgatewayPolicy gloo-system/{name}" for name in ("mistral", "theirs"))
    assert f"{format_note(str(Rival(rival, own, ('traffic.retry',), Winner.ANY)))}\n" == EXAMPLE_NOTE


def test_the_folders_of_the_gateways_programs_are_named_after_the_apis() -> None:
    assert re.findall(r"^  (\w+)/ +for `api: (\w+)`", ASSETS, re.MULTILINE) == [
        (each.value, each.value) for each in BackendApi
    ]
    assert re.findall(r"^    (.*)$", ASSETS, re.MULTILINE) == ["controller  proxy  crds/*.yaml"] * len(BackendApi)


def test_the_controllers_of_the_apis_are_those_in_the_table() -> None:
    (row,) = re.findall(
        r"^\| Controller of the Gateway's class \| `(.+)` \| `(.+)` \|$", PAGES["docs/gateway-apis.md"], re.MULTILINE
    )
    assert row == tuple(LOCAL_GATEWAY_APIS[each].controller_name for each in BackendApi)


def test_every_hop_is_in_the_table_with_its_exit_status() -> None:
    rows = re.findall(r"^\| .* \| `([a-z-]+)` (\d+) \| .* \| .* \|$", TROUBLESHOOTING, re.MULTILINE)
    assert [(hop.label, str(hop.status)) for hop in Hop] == rows


def test_every_option_of_make_chat_is_in_the_table_and_there_is_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    helped = set(re.findall(r"(--[a-z-]+)", capsys.readouterr().out))
    told = set(re.findall(r'`OPTIONS="(--[a-z-]+)', TROUBLESHOOTING))
    by_variable = {"--stack", "--gateway-url", "--shared"}
    without_a_stack = {"--path", "--model"}
    assert told == helped - by_variable - without_a_stack - {"--help"}
    assert f"(default: {DEFAULT_TIMEOUT_SECONDS:g})" in TROUBLESHOOTING


@pytest.mark.parametrize(
    "message",
    [
        "has no API key for",
        "the route of provider",
        "takes the requests that clients of",
        "is a model of provider",
        "can be the same model",
        "no provider uses it",
        "is not a preset",
        "belongs to HTTP itself",
        "another client has the same key",
        "these gateways count one limit of a client",
        "the service knows the limits of the stack's",
        "so it makes no configuration for the rate limit service",
        "these gateways always send `Authorization: Bearer <key>`",
        "A new API key will replace its Secret",
        "in plain text in its file",
    ],
)
def test_a_message_of_ours_that_a_page_explains_is_one_that_the_code_has(message: str) -> None:
    sources = [*(REPOSITORY / "stack_config").glob("*.py"), *PACKAGE.rglob("*.py")]
    assert any(message in source.read_text() for source in sources)
    assert re.search(rf"^\| `[^|]*{re.escape(message)}", TROUBLESHOOTING, re.MULTILINE)


def test_the_names_of_the_objects_are_those_in_the_tables() -> None:
    service = {
        "rate_limit_service": {"host": "ratelimit"},
        "clients": {"web": {"api_key": "sk-of-a-client-of-the-page"}},
    }
    provider = {"preset": "mistral", "api_key": "sk-provider", "rate_limits": [{"requests": 1, "per": "second"}]}
    fallbacks = [{"name": "deepseek", "preset": "deepseek", "api_key": "sk-fallback"}]
    recordings = [
        record_component({**provider, "api": BackendApi.KGATEWAY}),
        record_component({**provider, "api": BackendApi.AGENTGATEWAY, "fallbacks": fallbacks, **service}),
        record_gateway({"route_path": "/llm", "client_label": True, **service}),
    ]
    created = {(each["kind"], each["metadata"]["name"]) for recording in recordings for each in recording.objects()}
    section = REFERENCE.partition("## Names of the objects")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w[^|]+) \| `([a-z-]+)` \|", section, re.MULTILINE)
    kinds = {kind for kind, _ in created}
    assert {(kind, name) for words, name in rows for kind in re.findall(r"\w+", words) if kind in kinds} == created


def test_the_settings_of_a_stack_are_those_in_the_table() -> None:
    rows = re.findall(rf"^\| `{PROJECT}:(\w+)` \|", REFERENCE, re.MULTILINE)
    assert rows == list(SETTINGS)


def test_the_outputs_of_the_program_are_those_that_the_reference_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    recording = record_program({"providers": {"mistral": {}}})
    (exported,) = (each["providers"]["mistral"] for each in recording.outputs.values() if "providers" in each)
    words = {"routeName": "HTTPRoute", "tlsPolicyName": "BackendTLSPolicy", "url": "URL"}
    (sentence,) = re.findall(r"exports `providers`: (.*?)\.\n", REFERENCE, re.DOTALL)
    assert [each for each in exported if words.get(each, each) not in sentence] == []


def test_every_policy_is_in_the_table_and_its_example_of_configuration_allows_what_it_says() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGES["docs/policies.md"], re.MULTILINE) == list(refused.REFUSED)
    ((name, config),) = json.loads(*blocks("json", "docs/policies.md")).items()
    assert name == "tls-hostname-is-host"
    (allowed,) = config["allowedHostnames"]
    manifests = [refused.backend(), refused.tls_policy(refused.backend(), hostname=allowed)]
    objects = [found for each in manifests if (found := kubernetes_object("urn", each))]
    assert list(tls.wrong_hostnames(objects)) != []
    assert list(tls.wrong_hostnames(objects, config["allowedHostnames"])) == []
