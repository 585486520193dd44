"""Which paths a route with all endpoints takes: the expression of its policy, evaluated as the proxy does."""

import posixpath
import re
from functools import cache
from typing import Any
from urllib.parse import unquote

import cel
import pulumi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components import BackendApi
from tests.support.recording import Recording, record_component

MISTRAL: dict[str, Any] = {"preset": "mistral", "api_key": "key", "api": BackendApi.AGENTGATEWAY}
# An alias must hold at every endpoint whose requests name a model.
ALIASES: dict[str, Any] = {"model_aliases": {"fast": "mistral-small-latest"}}
# With what the class of characters in the rule lacks, and with what means something in a regular expression.
ROUTE_PATHS = ("/mistral", "/", "/a(b)*+$;c%41,d='!&", "/models", "/CHAT/completions", "/x.y/v1")


# A provider's own path, and one that it shares; the last two lie in each other.
WITH_SHARED_PATH = [
    ("/mistral", "/llm"),
    ("/mistral", "/"),
    ("/", "/llm"),
    ("/a(b)*+$;c%41,d='!&", "/$(e)+;f"),
    ("/models", "/CHAT/completions"),
    ("/llm/mistral", "/llm"),
    ("/llm", "/llm/x"),
]

WELL_FORMED = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/responses",
    "/v1/responses/resp_1/input_items",
    "/v1/chat/completions/chatcmpl-1/messages",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/models/mistral-medium-latest",
    "/v1/models/ft:gpt-4o-mini:acme::7p4lURel",
    "/v1/models/gemini-2.5-pro:generateContent",
    "/v1/models/meta-llama/Llama-3.3-70B",
    "/v1/models/meta-llama%2FLlama-3.3-70B",
    "/v1/models/meta-llama%2fLlama-3.3-70B",
    "/v1/models/accounts%2Ffireworks%2Fmodels%2Fkimi",
    "/v1/models/meta-llama%2FLlama-3.3-70B/versions",
    "/v1/models/..llama",
    "/v1/models/x%2F...",
    "/v1/audio/transcriptions",
    "/v1/files/file-abc_1.jsonl/content",
    "/v1/users/@me/~home",
]
MISSPELT = [
    "/v1/CHAT/completions",
    "/v1/chat/Completions",
    "/v1/RESPONSES",
    "/V1/Chat/Completions",
    "/v1/chat/completion%73",
    "/v1/%63hat/completions",
    "/v1/response%73",
    "/v1/chat%2Fcompletions",
    "/v1/chat%2fcompletions",
    "/v1%2Fchat%2Fcompletions",
    "/v1/chat/completions;x=1",
    "/v1/chat;x/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions//",
    "/v1//chat/completions",
    "/v1/chat//completions",
    "//v1/chat/completions",
    "/v1/./chat/completions",
    "/v1/chat/completions/.",
    "/v1/x/../chat/completions",
    "/v1/chat/completions/x/..",
    "/v1/../../admin/keys",
    "/v1/%2e%2e/admin/keys",
    "/v1/%2E./admin/keys",
    "/..",
    "/.",
    "/v1/embeddings/",
    "/v1/embeddings%00",
    "/v1/embeddings%20",
    "/v1/embeddings%25",
    "/v1/embeddings%252F",
    "/v1/files/a%2Fb",
    "/v1/models/",
    "/v1/models%2Fa",
    "/v1/models/%2Fa",
    "/v1/models/a%2F",
    "/v1/models/a%2F%2Fb",
    "/v1/models/a%2F/b",
    "/v1/models/a%252Fb",
    "/v1/models/..%2Fchat%2Fcompletions",
    "/v1/models/a%2F..%2F..",
    "/v1/models/a%2F..%2F..%2Fchat%2Fcompletions",
    "/v1/models/a%2F.%2Fb",
    "/v1/models/a%2f..%2f..",
    "/v1/models/a%2f../b",
    "/v1/models/a%2F..%2fb",
    "/v1/models/x%2Fchat%2Fcompletions",
    "/v1/models/x%2Fchat/completions",
    "/v1/models/x%2FCHAT%2fcompletions",
    "/v1/models/x%2Fresponses",
    "/v1/chat\\completions",
    "/v1/chat/completions\n",
    "/v1/chat/completion\u017f",
    "/v1/a b",
]


@cache
def recorded(route_path: str, shared_path: str | None = None) -> Recording:
    """Records a provider: one with aliases, if it shares a path."""
    shared = {**ALIASES, "shared_route_path": shared_path} if shared_path else {}
    return record_component({**MISTRAL, "route_path": route_path, **shared})


@cache
def compiled(route_path: str, shared_path: str | None = None) -> cel.Program:
    (expression,) = requirement(recorded(route_path, shared_path))
    return cel.compile(expression)


def requirement(recording: Recording) -> list[str]:
    authorization = recording.spec("AgentgatewayPolicy")["traffic"]["authorization"]
    assert authorization["action"] == "Require"
    expressions: list[str] = authorization["policy"]["matchExpressions"]
    return expressions


def taken(path: str, route_path: str = "/mistral", shared_path: str | None = None) -> bool:
    """Tells whether the rule holds for a request's path."""
    result = compiled(route_path, shared_path).execute({"request": {"path": path}})
    assert isinstance(result, bool)
    return result


GOVERNED = ["/chat/completions", "/responses"]
GOVERNED_WITH_ALIASES = [*GOVERNED, "/embeddings", "/messages"]
"""Ends of the paths at which an alias must hold."""


def is_governed(path: str, base: str, endings: list[str], *, is_shared: bool = False) -> bool:
    """Tells whether the proxy, which rewrites the path and then looks at its end, gives the request the model.

    Only the provider's own path is a chat completion by itself.
    """
    below = path.removeprefix(base.rstrip("/"))
    return (below in ("", "/") and not is_shared) or any(below.endswith(ending) for ending in endings)


@pytest.mark.parametrize("route_path", ROUTE_PATHS)
@pytest.mark.parametrize(
    "below",
    WELL_FORMED,
)
def test_well_formed_paths_are_taken(below: str, route_path: str) -> None:
    assert taken(f"{route_path.rstrip('/')}{below}", route_path)


@pytest.mark.parametrize("route_path", ROUTE_PATHS)
def test_the_routes_own_path_is_a_chat_completion_and_taken(route_path: str) -> None:
    assert taken(route_path, route_path)


@pytest.mark.parametrize("route_path", ROUTE_PATHS)
@pytest.mark.parametrize(
    "below",
    MISSPELT,
)
def test_other_spellings_of_an_endpoint_and_paths_that_resolve_elsewhere_are_refused(
    below: str, route_path: str
) -> None:
    assert not taken(f"{route_path.rstrip('/')}{below}", route_path)


@pytest.mark.parametrize("path", ["/mistral/", "/mistral//", "/mistral/.", "/mistral/..", "/mistral/%2e"])
def test_nothing_but_the_routes_own_path_stands_for_it(path: str) -> None:
    assert not taken(path)


@pytest.mark.parametrize(("shared_path", "endings"), [(None, GOVERNED), ("/llm", GOVERNED_WITH_ALIASES)])
def test_every_governed_endpoint_is_one_that_the_rule_knows(shared_path: str | None, endings: list[str]) -> None:
    routes = recorded("/mistral", shared_path).spec("AgentgatewayBackend")["policies"]["ai"]["routes"]
    for ending in endings:
        assert routes[ending] not in (None, "Passthrough")
        for base in filter(None, ("/mistral", shared_path)):
            assert taken(f"{base}/v1{ending}", "/mistral", shared_path)
            assert not taken(f"{base}/v1{ending.upper()}", "/mistral", shared_path)


def test_an_endpoint_at_which_nothing_must_hold_may_be_spelled_in_any_case() -> None:
    assert taken("/mistral/v1/EMBEDDINGS")
    assert taken("/mistral/v1/Messages")


@pytest.mark.parametrize("paths", WITH_SHARED_PATH)
def test_the_rule_holds_at_both_paths_of_a_provider_that_shares_one(paths: tuple[str, str]) -> None:
    for base in paths:
        prefix = base.rstrip("/")
        assert [below for below in WELL_FORMED if not taken(f"{prefix}{below}", *paths)] == []
        assert [below for below in MISSPELT if taken(f"{prefix}{below}", *paths)] == []
        for ending in GOVERNED_WITH_ALIASES:
            assert taken(f"{prefix}/v1{ending}", *paths)
            assert taken(f"{prefix}{ending}", *paths)
            others = (ending.title(), f"{ending}/", f"/{ending}", f"{ending};x", ending.replace("e", "%65", 1))
            assert [each for each in others if taken(f"{prefix}/v1{each}", *paths)] == []


def test_a_route_path_stays_as_it_is_although_the_rule_would_refuse_such_a_path() -> None:
    assert taken("/eu;west/v1/embeddings", "/eu;west")
    assert not taken("/eu;west/v1/embeddings;x", "/eu;west")
    assert not taken("/eu;west/v1/embeddings")


def test_the_longest_paths_leave_the_expression_within_the_api_servers_limit() -> None:
    paths = ("/" + "." * 1023, "/" + "+" * 1023)
    (expression,) = requirement(recorded(*paths))
    assert len(expression) < 16384
    for base in paths:
        assert taken(f"{base}/v1/embeddings", *paths)


@pytest.mark.parametrize("length", [1023, 1024])
def test_the_longest_route_path_leaves_the_expression_within_the_api_servers_limit(length: int) -> None:
    longest = "/" + "." * (length - 1)
    (expression,) = requirement(recorded(longest))
    assert len(expression) < 16384
    assert taken(f"{longest}/v1/embeddings", longest)


def spelled(letter: str) -> st.SearchStrategy[str]:
    """Writes one letter in a way that somebody may take for it."""
    code = f"%{ord(letter):02x}"
    ways = [letter] * 6 + [letter.upper(), code, code.upper(), f"%25{code[1:]}"]
    return st.sampled_from(ways + (["//", "/./", "/x/../", "%2F", "/;a/"] if letter == "/" else []))


def spellings(bases: st.SearchStrategy[Any], endings: list[str]) -> st.SearchStrategy[tuple[Any, str]]:
    """Makes paths that may be taken for one of the endpoints, each below a base."""
    return st.tuples(
        bases,
        st.builds(
            lambda before, ending, after: f"{before}{''.join(ending)}{after}",
            st.sampled_from(
                ["", "/v1", "/v1/models/a", "/models/a%2Fb", "/models/a%2F..", "/models", "/V1", "//", "/a/.."]
            ),
            st.sampled_from(endings).flatmap(lambda ending: st.tuples(*map(spelled, ending))),
            st.sampled_from([""] * 5 + ["/", "//", "/.", "/x/..", "/%2e", "%2F", "?", ";v=1", "%00"]),
        ),
    )


def decoded(path: str) -> str:
    """Returns the path that a lenient provider makes of it: what it may take an endpoint by."""
    while (once := unquote(path)) != path:
        path = once
    path = re.sub(r";[^/]*", "", path.partition("?")[0].partition("\0")[0]).lower()
    return re.sub("/+", "/", posixpath.normpath(path))


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(spelling=spellings(st.sampled_from(ROUTE_PATHS), GOVERNED))
@example(spelling=("/mistral", "/v1/models/..%2Fchat%2Fcompletions"))
def test_any_spelling_of_a_governed_endpoint_is_governed_or_refused(spelling: tuple[str, str]) -> None:
    route_path, below = spelling
    path = f"{route_path.rstrip('/')}{below}"
    if decoded(path).endswith(tuple(GOVERNED)) and taken(path, route_path):
        assert is_governed(path, route_path, GOVERNED)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(
    spelling=spellings(
        st.sampled_from([(*paths, base) for paths in WITH_SHARED_PATH for base in paths]), GOVERNED_WITH_ALIASES
    )
)
def test_so_it_is_at_both_paths_of_a_provider_that_shares_one(spelling: tuple[tuple[str, str, str], str]) -> None:
    (route_path, shared_path, base), below = spelling
    path = f"{base.rstrip('/')}{below}"
    if decoded(path).endswith(tuple(GOVERNED_WITH_ALIASES)) and taken(path, route_path, shared_path):
        assert is_governed(path, base, GOVERNED_WITH_ALIASES, is_shared=base == shared_path)


@pytest.mark.parametrize(
    ("args", "policies"),
    [
        ({}, 1),
        ({"endpoints": "all"}, 1),
        ({"endpoints": "chat"}, 0),
        ({"path": "/v2/chat/completions"}, 0),
        ({"path": "/v2/chat/completions", "endpoints": "all"}, 1),
        ({"fallbacks": [{"name": "eu", "preset": "deepseek", "api_key": "key"}], "endpoints": "all"}, 1),
    ],
)
def test_a_route_with_all_endpoints_has_the_rule(args: dict[str, Any], policies: int) -> None:
    recording = record_component({**MISTRAL, **args})
    of_route = [each["spec"]["traffic"] for each in recording.objects() if each["kind"] == "AgentgatewayPolicy"]
    assert sum("authorization" in traffic for traffic in of_route) == policies


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ({"endpoints": "all"}, None),
        ({"endpoints": None}, None),
        ({"endpoints": "chat"}, ["true"]),
        ({"path": "/v2/chat/completions"}, ["true"]),
        ({"path": None}, None),
    ],
)
def test_endpoints_that_are_known_late_have_a_policy_in_any_case(
    late: dict[str, Any], expected: list[str] | None
) -> None:
    ((argument, value),) = late.items()
    recording = record_component(lambda: {**MISTRAL, argument: pulumi.Output.from_input(value)})
    assert requirement(recording) == (expected or requirement(recorded("/mistral")))
    assert recording.component_outputs()["policyName"] == "mistral"


def test_a_route_of_kgateway_has_no_policy_for_its_paths() -> None:
    recording = record_component({**MISTRAL, "api": BackendApi.KGATEWAY, "route_path": "/a;b"})
    assert "TrafficPolicy" not in recording.kinds()
