"""What people call an argument, a setting or a provider elsewhere leads to what this component calls it."""

import re
from typing import Any

import pytest

from components.openai_compatible_llm.args import OpenAICompatibleLLMArgs
from components.openai_compatible_llm.arguments.suggestions import bare
from components.openai_compatible_llm.inputs.advice import (
    COMPONENT_WORDS,
    FAMILIES,
    GROUP_WORDS,
    OWN_SERVERS,
    argument_advice,
)
from components.openai_compatible_llm.presets import PRESETS
from stack_config import SETTINGS
from tests.support.pages import PAGES
from tests.support.recording import program_error
from tests.unit.example_component import invalid_arguments
from tests.unit.test_program import CANARY
from tests.unit.test_validation import VALID

BODY = "it is a field of a request's body; give it in `{request_defaults}` or `{request_overrides}`"
HEADERS = "the only header that can be set is the key's; see `{auth_header}`"
CONFIGMAP = "did you mean `{tls.ca_certificate_configmap}`? It names a ConfigMap, not a Secret."
CHECKED = (
    "the gateway always checks the provider's certificate; give its authority as `{tls.ca_certificate_configmap}`, "
    "or a `{base_url}` with http for plain HTTP"
)
RECIPE = "(docs/recipes.md)"
SERVER = f"everyone runs their own; give its URL as `base_url` {RECIPE}"
ANTHROPIC = (
    f"Anthropic's own API isn't OpenAI's; give a server that translates, such as LiteLLM, as `base_url` {RECIPE}"
)
AZURE = f"its host is your own resource's; give its URL as `base_url` {RECIPE}"
BEDROCK = "its host depends on your region; give https://bedrock-runtime.<region>.amazonaws.com/openai/v1 as `base_url`"
VERTEX = "Vertex AI takes tokens that expire, not an API key; give its URL as `base_url`, and `passthrough`"
SEVERAL = "several providers serve this model; give the preset of one, or the `base_url` of a server"

# A name and a value in Python's spelling, and what the message says after "unknown argument; ". A name of an argument
# alone stands for "did you mean"; arguments in braces are those that each reader spells.
ARGUMENTS: list[tuple[str, Any, str]] = [
    ("api_base", "https://llm.example.com/v1", "base_url"),
    ("api_url", "https://llm.example.com/v1", "base_url"),
    ("server_url", "https://llm.example.com/v1", "base_url"),
    ("openai_api_base", "https://llm.example.com/v1", "base_url"),
    ("azure_endpoint", "https://x.openai.azure.com", "base_url"),
    ("endpoint", "https://llm.example.com/v1", "base_url"),
    ("api_bases", "https://llm.example.com/v1", "base_url"),
    ("token", CANARY, "api_key"),
    ("api_token", CANARY, "api_key"),
    ("auth_token", CANARY, "api_key"),
    ("openai_api_key", CANARY, "api_key"),
    ("secret_ref", {"name": "keys"}, "api_key_secret"),
    ("secret_key_ref", {"name": "keys"}, "api_key_secret"),
    ("auth", CANARY, "did you mean `{api_key}`, or `{api_key_secret}` for an existing Secret?"),
    ("api_keys", [CANARY], "did you mean `{api_key}`, the provider's, or `{clients}`?"),
    ("forward_token", True, "passthrough"),
    ("provider", "openai", "preset"),
    ("custom_llm_provider", "openai", "preset"),
    ("hostname", "llm.example.com", "did you mean `{host}`, the provider's, or `{hostnames}`, the route's?"),
    ("hosts", ["llm.example.com"], "did you mean `{host}`, the provider's, or `{hostnames}`, the route's?"),
    ("domains", ["llm.example.com"], "hostnames"),
    ("prefix", "/x", "did you mean `{route_path}`? The provider's own path is `path`."),
    ("path_prefix", "/x", "did you mean `{route_path}`? The provider's own path is `path`."),
    ("model_name", "m", "model"),
    ("azure_deployment", "m", "model"),
    (
        "model_list",
        ["m"],
        "did you mean `model`, which every request gets, or `models`, by which a shared URL finds the provider?",
    ),
    ("alias", {"fast": "m"}, "model_aliases"),
    ("model_group_alias", {"fast": "m"}, "model_aliases"),
    ("fallback", {"preset": "groq"}, "fallbacks"),
    ("priority_groups", [], "fallbacks"),
    ("weight", 5, "providers are used in order, and not by weight; see `fallbacks`"),
    ("timeout", 30, "request_timeout_seconds"),
    ("request_timeout", 30, "request_timeout_seconds"),
    ("max_retries", 2, "retries.attempts"),
    ("retry_on", "5xx", "retries.status_codes"),
    ("rpm", 100, "rate_limits"),
    ("max_tokens", 100, BODY),
    ("temperature", 0, BODY),
    ("litellm_params", {}, BODY),
    ("extra_headers", {"x": "y"}, HEADERS),
    ("organization", "org-1", HEADERS),
    ("stream", True, "only the client sets this field of a request"),
    ("header_name", "api-key", "auth_header.header_name"),
    ("consumers", {"web": CANARY}, "clients"),
    ("parent_refs", [{"name": "llm"}], "gateway"),
    ("section_name", "https", "gateway.section_name"),
    ("sni", "llm.example.com", "tls.hostname"),
    ("ca_bundle", "ca.pem", CONFIGMAP),
    ("ca_certificate_configmap", "ca", CONFIGMAP),
    ("verify_ssl", False, CHECKED),
    ("scheme", "http", "did you mean `{tls.disabled}`, or a `{base_url}` with http?"),
    ("route_type", "llm/v1/chat", "endpoints"),
    ("api_version", "2024-10-21", f"the objects' version follows from `api`; Azure's v1 API takes no version {RECIPE}"),
    ("tags", {"team": "llm"}, "labels"),
    ("name", "mistral", "a component's name stands before its arguments, not among them"),
]

# The same in groups, by their names.
IN_GROUPS: list[tuple[str, str, Any, str]] = [
    ("api_key_secret", "namespace", "keys", "the Secret must be in the component's own `namespace`"),
    ("api_key_secret", "key", "token", "the Secret holds the key under `Authorization`"),
    ("clients_secret", "namespace", "keys", "the Secret must be in the component's own namespace"),
    ("auth_header", "name", "api-key", "header_name"),
    ("auth_header", "scheme", "Token", "prefix"),
    ("auth_header", "value", CANARY, "the key comes from `{api_key}` or `{api_key_secret}`, beside `{auth_header}`"),
    ("gateway", "listener", "https", "section_name"),
    ("gateway", "base_url", "https://llm.example.com", "url"),
    ("gateway", "route_path", "/x", "`{route_path}` is an argument of the component, not of `gateway`"),
    ("tls", "ca_certificate_secret", "ca", CONFIGMAP.replace("tls.", "")),
    ("tls", "ca_certificate_refs", [{"name": "ca"}], CONFIGMAP.replace("tls.", "")),
    ("tls", "sni", "llm.example.com", "hostname"),
    ("tls", "insecure_skip_verify", True, CHECKED),
    ("tls", "enabled", False, "TLS is on, unless `disabled`"),
    ("retries", "max_attempts", 2, "attempts"),
    ("retries", "retry_on", "5xx", "status_codes"),
    ("retries", "timeout", 2, "did you mean `{request_timeout_seconds}`, beside `retries`?"),
]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def message(expected: str, spell: Any) -> str:
    """Returns the end of a message in one spelling of arguments."""
    if " " not in expected:
        return f"did you mean `{spell(expected)}`?"
    before, *marked = expected.split("{")
    return before + "".join(spell(name) + rest for name, _, rest in (each.partition("}") for each in marked))


def texts(args: dict[str, Any]) -> dict[str, str]:
    return {issue.location(): issue.text() for issue in invalid_arguments({**VALID, **args}).issues}


def test_a_foreign_name_leads_to_the_argument() -> None:
    for spell in (str, camel):
        rows = {spell(name): (value, expected) for name, value, expected in ARGUMENTS if spell(name) not in VALID}
        given = {name: value for name, (value, _) in rows.items()}
        said = {name: f"unknown argument; {message(expected, str)}" for name, (_, expected) in rows.items()}
        assert texts(given) == said
        config = {"providers": {"mistral": {"apiKey": CANARY, **given}}}
        assert sorted(program_error(config).splitlines()) == sorted(
            f"Stack prod: providers.mistral.{name}: unknown argument; {message(expected, camel)}"
            for name, (_, expected) in rows.items()
        )


def test_an_endpoint_that_is_no_url_leads_to_the_endpoints() -> None:
    assert texts({"endpoint": "all"}) == {"endpoint": "unknown argument; did you mean `endpoints`?"}


def test_a_foreign_name_in_a_group_leads_to_the_argument() -> None:
    for spell in (str, camel):
        given: dict[str, dict[str, Any]] = {}
        for group, name, value, _ in IN_GROUPS:
            given.setdefault(group, {})[spell(name)] = value
        found = texts(given)
        mistral = {"apiKey": CANARY, **{camel(group): each for group, each in given.items()}}
        lines = program_error({"providers": {"mistral": mistral}}).splitlines()
        for group, name, _, expected in IN_GROUPS:
            assert found[f"{group}.{spell(name)}"] == f"unknown argument; {message(expected, str)}"
            place = f"{camel(group)}.{spell(name)}"
            assert f"Stack prod: providers.mistral.{place}: unknown argument; {message(expected, camel)}" in lines


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hostname", "did you mean `host`?"),
        ("api_base", "did you mean `base_url`?"),
        ("token", "did you mean `api_key`?"),
        ("timeout", "did you mean the component's `request_timeout_seconds`?"),
        ("route_path", "`route_path` is an argument of the component, not of `fallbacks`"),
    ],
)
def test_a_fallback_has_the_same_words_as_far_as_it_has_the_arguments(name: str, expected: str) -> None:
    fallback = {"name": "b", "preset": "groq", "api_key": CANARY, name: "x"}
    found = texts({"api": "agentgateway", "fallbacks": [fallback]})
    assert found[f"fallbacks[0].{name}"] == f"unknown argument; {expected}"


def test_a_limits_foreign_name_leads_to_its_argument() -> None:
    found = texts({"rate_limits": [{"requests_per_unit": 5, "per": "minute"}]})
    assert found["rate_limits[0].requests_per_unit"] == "unknown argument; did you mean `requests`?"


@pytest.mark.parametrize("name", ["route_path", "routePath", "RoutePath", "route-path", "ROUTE_PATH", "routepath"])
def test_a_name_in_another_spelling_leads_to_its_own(name: str) -> None:
    assert argument_advice(name) == "route_path"
    (line,) = program_error({"providers": {"mistral": {"apiKey": CANARY, "route_path": "/x"}}}).splitlines()
    assert line.endswith("unknown argument; did you mean `routePath`?")


@pytest.mark.parametrize("name", ["guardrails", "cors", "replicas", "cache", "logging", "prot", "x", "llm", "plugins"])
def test_a_name_that_means_nothing_here_gets_no_suggestion(name: str) -> None:
    (issue,) = invalid_arguments({**VALID, name: "x"}).issues
    assert issue.text().startswith("unknown argument; valid arguments are `annotations`, `api`, ")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("provider", "did you mean `providers`?"),
        ("apiKey", "did you mean `providers.<name>.apiKey`?"),
        ("api_base", "did you mean `providers.<name>.baseUrl`?"),
        ("routePath", "did you mean `providers.<name>.routePath`?"),
        ("sni", "did you mean `providers.<name>.tls.hostname`?"),
        ("mistral", "did you mean `providers.mistral`?"),
        ("gatewayRef", "did you mean `gateway`?"),
        ("listener", "did you mean `gateway.sectionName`?"),
        ("consumers", "did you mean `clients`?"),
        ("client_api_keys", "did you mean `clients`?"),
        ("temperature", message(BODY, camel)),
        (
            "replicas",
            (
                "valid settings are `api`, `clientAuthHeader`, `clients`, `clientsSecret`, `gateway`, `namespace`, "
                "`providers`, `rateLimitService`, `shared`"
            ),
        ),
    ],
)
def test_a_foreign_setting_of_the_stack_leads_to_its_place(setting: str, expected: str) -> None:
    config = {setting: "x", "providers": {"mistral": {"apiKey": CANARY}}}
    assert program_error(config) == f"Stack prod: openai-compatible-llm:{setting}: unknown setting; {expected}"


def test_whoever_comes_from_litellm_finds_arguments_that_there_are_and_gets_advice_for_their_names() -> None:
    _, _, section = PAGES["docs/reference.md"].partition("\n## Coming from LiteLLM or Kong\n")
    rows = [line.strip("| ").split(" | ") for line in section.partition("\n## ")[0].splitlines() if "`" in line]
    assert rows
    theirs = [name.rpartition(".")[2] for first, _, _ in rows for name in re.findall("`([^`]+)`", first)]
    ours = [name for _, _, last in rows for name in re.findall("`([^`]+)`", last)]
    arguments = OpenAICompatibleLLMArgs.__annotations__
    assert [name for name in ours if name not in {*map(camel, arguments), *SETTINGS}] == []
    assert [name for name in theirs if name not in arguments and not argument_advice(name)] == []


# Who is meant by a name: a preset, or what to do instead.
NAMES = {
    "openai": ["gpt-4", "gpt-4.5", "gpt4o-mini", "chatgpt", "o3-mini", "openai/gpt-4o", "OpenAI", "openai-eu"],
    "xai": ["grok", "grok-2", "x-ai", "x.ai", "grokk"],
    "moonshot": ["kimi", "kimi-k2", "moonshotai"],
    "dashscope": ["qwen", "qwen2.5-72b", "alibaba", "tongyi"],
    "zai": ["glm", "glm-4.6", "zhipu", "z.ai"],
    "mistral": ["codestral", "magistral", "mistral-large-latest", "mistral-eu", "eu-mistral", "mixtral-8x7b"],
    "perplexity": ["sonar", "sonar-pro", "pplx"],
    "nvidia": ["nim", "nemotron"],
    "gemini": ["google", "gemma", "gemma-3", "gemini-2.5-flash", "googleai"],
    "cohere": ["command-r", "command-a-03"],
    "huggingface": ["hf", "hugging-face"],
    "deepseek": ["deepseek-r1", "deep-seek", "deepseek-r1-distill-llama-70b"],
    "groq": ["groqcloud", "llama-groq", "gpt-oss-groq"],
    SERVER: ["ollama", "vllm", "litellm", "tgi", "lmstudio", "lm-studio", "llama.cpp", "sglang", "mistral-vllm"],
    f"{SERVER} ": ["openai-compatible", "openai_like", "custom", "gpt4all", "my-ollama", "local-llama"],
    AZURE: ["azure", "azure-openai", "azure_openai", "openai-azure", "azure/gpt-4o"],
    ANTHROPIC: ["anthropic", "claude", "claude-3-opus", "antropic", "anthropic/claude-sonnet-4"],
    BEDROCK: ["bedrock", "aws", "bedrock-claude"],
    VERTEX: ["vertex", "vertex-ai", "google-vertex", "vertexai/gemini"],
    "it has the names of several presets; give one of them": ["deepseek-groq", "groq/deepseek-r1"],
    SEVERAL: ["llama", "llama3.1", "meta-llama/Llama-3.3-70B", "gpt-oss", "gpt-oss-120b", "phi4"],
}


def test_the_name_of_a_product_leads_to_its_company_or_its_page() -> None:
    problems, lines = {}, []
    for meant, names in NAMES.items():
        advice = f"for {PRESETS[meant].title} give `preset: {meant}`" if meant in PRESETS else meant.strip()
        for name in names:
            problems[name] = f'"{name}" is not a preset; {advice}'
            place = f'["{name}"]' if set(name) & set("./") else f".{name}"
            lines.append(f"Stack prod: providers{place}.preset: {problems[name].replace('base_url', 'baseUrl')}")
    assert {name: texts({"preset": name})["preset"] for name in problems} == problems
    config = {"providers": {name: {"apiKey": CANARY} for name in problems}}
    assert set(lines) <= set(program_error(config).splitlines())


NOBODY = """minimax ai21 doubao hunyuan stepfun baichuan reka watsonx databricks replicate anyscale octoai novita nebius
hyperbolic featherless siliconflow lambda voyage jina deepgram elevenlabs stability upstage nscale cerebrium moonshine
openchat dashboard deepmind house llm chat eu prod nova varnish vision cohort groove"""


def test_nobody_elses_product_leads_to_a_preset() -> None:
    for name in NOBODY.split():
        text = texts({"preset": name})["preset"]
        assert text.startswith(f'"{name}" is not a preset (for any other provider give `host` or `base_url`); valid ')


@pytest.mark.parametrize(("name", "preset"), [("mistrl", "mistral"), ("depseek", "deepseek"), ("opnai", "openai")])
def test_a_misspelt_preset_leads_to_it(name: str, preset: str) -> None:
    (issue,) = invalid_arguments({**VALID, "preset": name}).issues
    assert issue.text() == (
        f'"{name}" is not a preset (for any other provider give `host` or `base_url`); did you mean `{preset}`?'
    )


@pytest.mark.parametrize("words", [COMPONENT_WORDS, OWN_SERVERS, FAMILIES, *GROUP_WORDS.values()])
def test_no_word_has_two_meanings(words: dict[str, str]) -> None:
    every = [bare(word) for line in words.values() for word in line.split()]
    assert sorted(every) == sorted(set(every))


def test_all_advice_names_arguments_that_there_are() -> None:
    reference = PAGES["docs/reference.md"].replace("[]", "").replace("<name>.", "")
    arguments = set(re.findall(r"^\| `([a-z0-9_.]+)` \| `[A-Za-z0-9.]+` \|", reference, re.MULTILINE))
    for group, words in {"": COMPONENT_WORDS, "presets": {**OWN_SERVERS, **FAMILIES}, **GROUP_WORDS}.items():
        for advice in words:
            named = re.findall("`([a-z0-9_.]+)`", advice) if " " in advice else [advice]
            others = {name for name in named if not {name, f"{group}.{name}"} & arguments}
            assert others <= set(PRESETS)
