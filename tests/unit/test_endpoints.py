"""The argument `endpoints`: chat completions alone, or the whole OpenAI API behind one base URL."""

import re
from typing import Any

import pulumi
import pytest

from tests.unit.example_component import ExampleComponent

GROQ = ExampleComponent("groq", preset="groq", api_key="k", api="agentgateway", route_path="/llm/groq")
ROUTES = {
    "/chat/completions": "Completions",
    "/responses": "Responses",
    "/messages": "Messages",
    "*": "Passthrough",
}
SERVED_MESSAGES = {name: kind for name, kind in ROUTES.items() if name != "/messages"}
EMBEDDINGS = {"/embeddings": "Embeddings"}
WHOLE_PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
CHAT_PATH = {"type": "ReplaceFullPath", "replaceFullPath": "/v1/chat/completions"}


def backend(**args: Any) -> Any:
    return GROQ.record(**args).spec("AgentgatewayBackend")


def rules(**args: Any) -> Any:
    return GROQ.record(**args).spec("HTTPRoute")["rules"]


def test_on_agentgateway_the_whole_api_is_behind_the_route_unless_said_otherwise() -> None:
    spec = backend()
    assert spec["ai"]["provider"] == {"openai": {}, "host": "api.groq.com", "port": 443, "pathPrefix": "/openai/v1"}
    assert spec["policies"]["ai"] == {"routes": ROUTES}
    assert GROQ.record().objects() == GROQ.record(endpoints="all").objects()


def routes(**args: Any) -> Any:
    return backend(**args)["policies"]["ai"]["routes"]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, SERVED_MESSAGES),
        ({"request_defaults": {"seed": 1}}, SERVED_MESSAGES),
        ({"rate_limits": [{"requests": 5, "per": "minute"}]}, SERVED_MESSAGES),
        ({"model": "m"}, ROUTES),
        ({"request_overrides": {"seed": 1}}, ROUTES),
        ({"model_aliases": {"fast": "m"}}, ROUTES | EMBEDDINGS),
        ({"rate_limits": [{"tokens": 5, "per": "minute"}]}, ROUTES | EMBEDDINGS),
        ({"rate_limits": [{"tokens": 5, "per": "minute"}], "model": "m"}, ROUTES),
        ({"endpoints": "all", "fallbacks": [{"name": "second", "preset": "mistral", "api_key": "key"}]}, ROUTES),
        (
            {
                "endpoints": "all",
                "fallbacks": [{"name": "eu", "preset": "openrouter", "api_key": "key"}],
            },
            SERVED_MESSAGES,
        ),
    ],
)
def test_a_provider_that_serves_messages_gets_them_as_they_are_unless_something_must_hold(
    args: dict[str, Any], expected: dict[str, str]
) -> None:
    assert routes(preset="openrouter", **args) == expected
    assert routes(
        host="openrouter.ai", preset=None, path="/api/v1/chat/completions", **{"endpoints": "all", **args}
    ) == (expected)


@pytest.mark.parametrize(
    ("args", "governed"),
    [
        ({}, ["/chat/completions", "/responses"]),
        ({"model": "m"}, ["/chat/completions", "/responses", "/messages"]),
        ({"model_aliases": {"fast": "m"}}, ["/chat/completions", "/responses", "/messages", "/embeddings"]),
    ],
)
def test_an_endpoint_at_which_something_must_hold_is_refused_in_other_spellings(
    args: dict[str, Any], governed: list[str]
) -> None:
    spec = GROQ.record(**args).spec("AgentgatewayPolicy")
    (expression,) = spec["traffic"]["authorization"]["policy"]["matchExpressions"]
    assert re.findall(r'endsWith\("([^"]+)"\)', expression) == governed


def test_the_route_takes_its_own_path_off_and_a_bare_request_stays_a_chat_completion() -> None:
    exact, below = rules()
    assert exact["matches"] == [{"path": {"type": "Exact", "value": "/llm/groq"}}]
    assert exact["filters"] == [{"type": "URLRewrite", "urlRewrite": {"path": CHAT_PATH}}]
    assert below["matches"] == [{"path": {"type": "PathPrefix", "value": "/llm/groq"}}]
    assert below["filters"] == [{"type": "URLRewrite", "urlRewrite": {"path": WHOLE_PREFIX}}]
    assert exact["backendRefs"] == below["backendRefs"] != []


def test_the_proxy_sets_the_host_so_that_no_rule_does() -> None:
    for endpoints in ("all", "chat"):
        filters = [each for rule in rules(endpoints=endpoints) for each in rule.get("filters", [])]
        assert [each for each in filters if "hostname" in each.get("urlRewrite", {})] == []


def test_the_callers_authorization_is_removed_in_every_rule_where_the_key_has_a_header_of_its_own() -> None:
    removal = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["Authorization"]}}
    assert all(removal in rule["filters"] for rule in rules(auth_header={"header_name": "api-key"}))


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ({"host": "llm.example.com", "preset": None}, "/v1"),
        ({"base_url": "https://llm.example.com/v1beta/openai", "preset": None}, "/v1beta/openai"),
        ({"base_url": "https://llm.example.com", "preset": None}, "/"),
        ({"preset": "perplexity"}, "/"),
        ({"path": "/api/v2/chat/completions", "endpoints": "all"}, "/api/v2"),
        ({"path": "/chat/completions", "endpoints": "all"}, "/"),
    ],
)
def test_the_prefix_is_what_stands_before_the_path_of_chat_completions(given: dict[str, Any], prefix: str) -> None:
    assert backend(**given)["ai"]["provider"]["pathPrefix"] == prefix


@pytest.mark.parametrize("given", [{"path": "/api/chat/completions"}, {"path": "/generate"}, {"endpoints": "chat"}])
def test_with_a_path_of_its_own_or_by_choice_every_request_is_a_chat_completion(given: dict[str, Any]) -> None:
    spec = backend(**given)
    assert spec["ai"]["provider"]["path"] == given.get("path", "/openai/v1/chat/completions")
    assert "pathPrefix" not in spec["ai"]["provider"]
    assert "ai" not in spec["policies"]
    assert rules(**given) == rules(), "so that a change of the endpoints changes the backend and the policy alone"


def test_on_kgateway_nothing_changes() -> None:
    older = {"api": "kgateway", "route_path": None}
    assert GROQ.record(**older).objects() == GROQ.record(**older, endpoints="chat").objects()
    path = GROQ.record(**older).spec("Backend")["ai"]["llm"]["path"]
    assert path == {"full": "/openai/v1/chat/completions"}


CHAT_ONLY = "these gateways take every request for a chat completion; give `api: agentgateway`"
OWN_HOST = "these gateways always set the provider's own host; leave this argument out"
NO_PREFIX = (
    "doesn't end in /chat/completions, so the other endpoints' paths are unknown; give one that does, or "
    "`endpoints: chat`"
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"api": "kgateway", "endpoints": "all"}, f"endpoints: {CHAT_ONLY}"),
        ({"endpoints": "ALL"}, 'endpoints: "ALL" is not a valid value; did you mean `all`?'),
        ({"endpoints": True}, "endpoints: True is not a valid value; valid values are `all`, `chat`"),
        ({"endpoints": ["all"]}, "endpoints: ['all'] is not a valid value; did you mean `all`?"),
        ({"endpoint": "all"}, "endpoint: unknown argument; did you mean `endpoints`?"),
        ({"endpoints": "embeddings"}, 'endpoints: "embeddings" is not a valid value; valid values are `all`, `chat`'),
        ({"path": "/generate", "endpoints": "all"}, f'path: "/generate" {NO_PREFIX}'),
        ({"rewrite_host": False}, f"rewrite_host: {OWN_HOST}"),
    ],
)
def test_what_can_not_be_is_refused(given: dict[str, Any], message: str) -> None:
    assert GROQ.errors(**given) == [message]


@pytest.mark.parametrize(("endpoints", "path"), [("chat", "path"), ("all", "pathPrefix")])
def test_an_output_decides_as_a_plain_value_does(endpoints: str, path: str) -> None:
    plain = GROQ.record(endpoints=endpoints).objects()

    recording = GROQ.record(lambda: {"endpoints": pulumi.Output.from_input(endpoints)})
    # The policy has to be decided upon before the value is there; test_paths.py has what is in it.
    assert [each for each in recording.objects() if each["kind"] != "AgentgatewayPolicy"] == [
        each for each in plain if each["kind"] != "AgentgatewayPolicy"
    ]
    assert path in recording.one(":AgentgatewayBackend").inputs["spec"]["ai"]["provider"]


@pytest.mark.parametrize("given", [{"endpoints": "ALL"}, {"endpoints": "all", "api": "kgateway"}])
def test_an_output_is_refused_as_a_plain_value_is(given: dict[str, Any]) -> None:
    late = GROQ.errors(lambda: {**given, "endpoints": pulumi.Output.from_input(given["endpoints"])})
    assert late == GROQ.errors(**given)
