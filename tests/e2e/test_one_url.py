"""`make up` of a stack whose providers share one URL: its objects to the letter, and what a change of it changes."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.clone import Clone, fresh_clone
from tests.support.cluster import Cluster, Objects, changes
from tests.support.recording import PROJECT

NAMESPACE, GATEWAYS = "llm", "gateways"
GATEWAY = {"name": "edge", "namespace": GATEWAYS, "sectionName": "llm", "url": "https://llm.example.com"}
CONFIG: dict[str, Any] = {
    "api": "agentgateway",
    "namespace": NAMESPACE,
    "gateway": GATEWAY,
    "shared": {"routePath": "/llm", "maxRequestBytes": 33554432, "clientLabel": True},
    "providers": {
        "mistral": {
            "models": ["mistral-*", "codestral-latest"],
            "modelAliases": {"fast": "mistral-small-latest"},
            "routePath": "/own/mistral",
        },
        "deepseek": {"models": ["deepseek-flash"]},
    },
}

LIST = (GATEWAYS, "AgentgatewayPolicy", "llm-models")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        yield clone


@pytest.fixture(scope="module")
def first_up(clone: Clone) -> str:
    return up(clone)


@pytest.fixture
def cluster(clone: Clone, first_up: str) -> Iterator[Cluster]:
    assert first_up
    with clone.cluster() as cluster:
        yield cluster


def up(clone: Clone, **providers: Any) -> str:
    """Deploys the stack with further providers, or with other settings of its own, and returns what is printed."""
    config = copy.deepcopy(CONFIG)
    for name, more in providers.items():
        config["providers"].setdefault(name, {}).update(more)
    content = {"config": {f"{PROJECT}:{key}": value for key, value in config.items()}}
    clone.stack_file("one-url").write_text(yaml.safe_dump(content))
    return clone.up("one-url")


def live(cluster: Cluster) -> Objects:
    return cluster.everything_in_all(NAMESPACE, GATEWAYS)


def as_given(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns the spec without what the API server adds."""
    spec = copy.deepcopy(spec)
    for parent in spec.get("parentRefs", ()):
        assert (parent.pop("group"), parent.pop("kind")) == ("gateway.networking.k8s.io", "Gateway")
    for rule in spec.get("rules", ()):
        for backend in rule.get("backendRefs", ()):
            assert backend.pop("weight") == 1
    return spec


def objects_of(provider: str) -> set[tuple[str, str, str]]:
    kinds = ("AgentgatewayBackend", "AgentgatewayPolicy", "HTTPRoute")
    return {(NAMESPACE, "Secret", f"{provider}-secret"), *((NAMESPACE, kind, provider) for kind in kinds)}


OF_GATEWAY = {
    *((GATEWAYS, "AgentgatewayPolicy", name) for name in ("llm", "llm-gateway", "llm-models", "llm-unknown")),
    (GATEWAYS, "HTTPRoute", "llm"),
}
PARENT = {"name": "edge", "namespace": GATEWAYS, "sectionName": "llm"}
TARGET = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
OF_ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "llm"}
CLIENT = {"attributes": {"add": [{"name": "client", "expression": "apiKey.client"}]}}
JSON = [{"name": "content-type", "value": '"application/json"'}]


def answer(status: int, body: str) -> dict[str, Any]:
    return {"directResponse": {"status": status, "headers": JSON, "bodyExpression": body}}


def list_of(*models: tuple[str, str]) -> str:
    """Returns the expression for the list of these models, each with its owner."""
    pairs = ", ".join(f'["{name}", "{owner}"]' for name, owner in models)
    model = '{"id": m[0], "object": "model", "created": 0, "owned_by": m[1]}'
    return f'toJson({{"object": "list", "data": [{pairs}].map(m, {model})}})'


LISTED = [("codestral-latest", "mistral"), ("deepseek-flash", "deepseek"), ("fast", "mistral")]


def rule(path: str, kind: str, rewrite: dict[str, Any], provider: str, **matched: Any) -> dict[str, Any]:
    backend = {"group": "agentgateway.dev", "kind": "AgentgatewayBackend", "name": provider, "namespace": NAMESPACE}
    return {
        "matches": [{"path": {"type": kind, "value": path}, **matched}],
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-llm-model"]}},
            {"type": "URLRewrite", "urlRewrite": {"path": rewrite}},
        ],
        "backendRefs": [backend],
    }


def route_of(provider: str, path: str, models: str) -> dict[str, Any]:
    chat = {"type": "ReplaceFullPath", "replaceFullPath": "/v1/chat/completions"}
    root = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    header = {"name": "x-llm-model", "type": "RegularExpression", "value": models}
    return {
        "parentRefs": [PARENT],
        "rules": [
            rule(path, "Exact", chat, provider),
            rule(path, "PathPrefix", root, provider),
            rule("/llm", "PathPrefix", root, provider, headers=[header]),
        ],
    }


def test_up_shows_the_shared_url_beside_its_providers_and_all_objects(clone: Clone, first_up: str) -> None:
    for shown in (first_up, clone.run("status").stdout):
        for namespace, kind, name in objects_of("mistral") | objects_of("deepseek") | OF_GATEWAY:
            assert f"│ one-url │ {kind:19} │ {namespace}/{name} " in shown
        assert "│ one-url │ shared   │ /llm         │ the model's provider │ the request's own │" in shown


def test_the_gateways_objects_are_these(cluster: Cluster) -> None:
    objects = live(cluster)
    assert objects.keys() == objects_of("mistral") | objects_of("deepseek") | OF_GATEWAY
    found = {(kind, name): as_given(objects[namespace, kind, name]["spec"]) for namespace, kind, name in OF_GATEWAY}
    set_model = {"name": "x-llm-model", "value": "json(request.body).model"}
    gets = [{"path": {"type": "Exact", "value": path}, "method": "GET"} for path in ("/llm/v1/models", "/llm/models")]
    unknown = found["AgentgatewayPolicy", "llm-unknown"]["traffic"]["directResponse"]["bodyExpression"]
    assert found == {
        ("AgentgatewayPolicy", "llm"): {
            "targetRefs": [{**TARGET, "sectionName": "llm"}],
            "traffic": {"phase": "PreRouting", "transformation": {"request": {"set": [set_model]}}},
        },
        ("AgentgatewayPolicy", "llm-gateway"): {
            "targetRefs": [TARGET],
            "frontend": {"http": {"maxBufferSize": 33554432}, "metrics": CLIENT, "accessLog": CLIENT},
        },
        ("AgentgatewayPolicy", "llm-models"): {
            "targetRefs": [{**OF_ROUTE, "sectionName": "models"}],
            "traffic": answer(200, list_of(*LISTED)),
        },
        ("AgentgatewayPolicy", "llm-unknown"): {
            "targetRefs": [{**OF_ROUTE, "sectionName": "unknown"}],
            "traffic": answer(404, unknown),
        },
        ("HTTPRoute", "llm"): {
            "parentRefs": [PARENT],
            "rules": [
                {"name": "models", "matches": gets},
                {"name": "unknown", "matches": [{"path": {"type": "PathPrefix", "value": "/llm"}}]},
            ],
        },
    }
    # tests/contract evaluates the expression.
    assert "GET /llm/v1/models lists the models." in unknown


def test_a_provider_has_one_rule_more_for_its_models(cluster: Cluster) -> None:
    objects = live(cluster)
    routes = {name: objects[NAMESPACE, "HTTPRoute", name]["spec"] for name in ("mistral", "deepseek")}
    assert {name: as_given(spec) for name, spec in routes.items()} == {
        "mistral": route_of("mistral", "/own/mistral", "^(codestral-latest|fast|mistral-.*)$"),
        "deepseek": route_of("deepseek", "/deepseek", "^(deepseek-flash)$"),
    }
    backends = {name: objects[NAMESPACE, "AgentgatewayBackend", name]["spec"]["policies"]["ai"] for name in routes}
    chat = {"/chat/completions": "Completions", "/responses": "Responses"}
    anthropic = {"/messages": "Messages"}
    assert backends == {
        "mistral": {
            "routes": {**chat, **anthropic, "/embeddings": "Embeddings", "*": "Passthrough"},
            "modelAliases": {"fast": "mistral-small-latest"},
        },
        "deepseek": {"routes": {**chat, **anthropic, "*": "Passthrough"}},
    }


def test_a_second_up_changes_nothing(clone: Clone, cluster: Cluster) -> None:
    before = live(cluster)
    assert up(clone).rstrip().endswith("Nothing changed.")
    assert changes(before, live(cluster)) == (set(), set(), set())


def test_a_provider_that_joins_or_leaves_changes_its_own_objects_and_the_list_alone(
    clone: Clone, cluster: Cluster
) -> None:
    before = live(cluster)
    up(clone, groq={"models": ["llama-3.3-70b-versatile"]})
    joined = live(cluster)
    assert changes(before, joined) == (objects_of("groq"), {LIST}, set())
    listed = [*LISTED, ("llama-3.3-70b-versatile", "groq")]
    assert joined[LIST]["spec"]["traffic"] == answer(200, list_of(*listed))

    up(clone)
    left = live(cluster)
    assert changes(joined, left) == (set(), {LIST}, objects_of("groq"))
    assert left[LIST]["spec"] == before[LIST]["spec"]


def test_other_models_change_the_providers_route_and_the_list_in_place(clone: Clone, cluster: Cluster) -> None:
    before = live(cluster)
    up(clone, deepseek={"models": ["deepseek-flash", "deepseek-pro"]})
    after = live(cluster)
    route = (NAMESPACE, "HTTPRoute", "deepseek")
    assert changes(before, after) == (set(), {route, LIST}, set())
    assert as_given(after[route]["spec"]) == route_of("deepseek", "/deepseek", "^(deepseek-flash|deepseek-pro)$")


def test_down_deletes_all_of_it(clone: Clone, first_up: str) -> None:
    assert first_up
    assert "Destroyed the stacks and stopped the control plane." in clone.run("down").stdout
    assert clone.processes() == []
