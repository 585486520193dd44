"""Compares components created through the plugin with those that a Python program creates by import."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, cast

import grpc  # type: ignore[import-untyped]
import pulumi
import pulumi_kubernetes
import pytest

from components import BackendApi, Endpoints, OpenAICompatibleLLM
from tests.e2e.plugin_process import GATEWAY_TOKEN, TOKEN, Plugin, RefusedError, output, running_plugin, secret
from tests.e2e.recording_engine import UNKNOWN, RecordingEngine, recording_engine, urn
from tests.support.canary import Canaries

CANARY = "sk-canary-plugin-7c1e"
FALLBACK_CANARY = "sk-canary-plugin-2nd-90b2"
CLIENT = "canary-client-plugin-2f90d4"
HASH = hashlib.sha256(b"canary-client-plugin-of-cron").hexdigest()
FIELDS = {"max_tokens": 256, "temperature": 0.3, "user": "5", "stop": ["a"], "metadata": {"a_b": [True]}}
MISTRAL = {"preset": "mistral", "apiKey": CANARY}
ON_AGENTGATEWAY = {**MISTRAL, "api": "agentgateway"}


@pytest.fixture(scope="module")
def engine() -> Iterator[RecordingEngine]:
    with recording_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def plugin(engine: RecordingEngine) -> Iterator[Plugin]:
    """One plugin for all tests, since a component that fails doesn't affect the next."""
    with running_plugin(engine) as plugin:
        yield plugin


class Upstream(pulumi.CustomResource):
    """Another resource of the program, whose outputs the component gets."""

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    gateway: pulumi.Output[dict[str, str]]
    labels: pulumi.Output[dict[str, str]]

    def __init__(self) -> None:
        super().__init__("their:index:Upstream", "upstream", UPSTREAM)


UPSTREAM = {"host": "llm.example.com", "port": 8443, "gateway": {"name": "edge"}, "labels": {"team": "ml"}}
UPSTREAM_URN = urn("their:index:Upstream", "upstream")
CLUSTER_URN = urn("pulumi:providers:kubernetes", "cluster")

EVERYTHING: dict[str, Any] = {
    "host": "llm.example.com",
    "port": 8443,
    "path": "/v2/chat/completions",
    "model": "m",
    "namespace": "llms",
    "gateway": {"name": "edge", "namespace": "gateways"},
    "hostnames": ["ai.example.com", "*.ai.example.com"],
    "tls": {"hostname": "llm.internal"},
    "labels": {"example.com/team": "ml"},
    "annotations": {"example.com/owner": "me"},
}


def by_import() -> None:
    """Creates the same components as `through_the_plugin`."""
    cluster = pulumi_kubernetes.Provider("cluster", enable_secret_mutable=True)
    upstream = Upstream()
    options = pulumi.ResourceOptions(
        aliases=[pulumi.Alias(name="older")], providers=[cluster], depends_on=[upstream], protect=True
    )
    OpenAICompatibleLLM("plain", {"preset": "mistral", "api_key": CANARY})
    OpenAICompatibleLLM("secret", {"preset": "mistral", "api_key": pulumi.Output.secret(CANARY)}, options)
    OpenAICompatibleLLM(
        "outputs",
        {
            "host": upstream.host,
            "port": upstream.port,
            "gateway": cast("Any", upstream.gateway),
            "tls": {"hostname": upstream.host},
            "labels": upstream.labels,
            "api_key_secret": {"name": "theirs"},
            "rewrite_host": False,
        },
    )
    everything: Any = {"route_path": "/llm", "rewrite_host": True, "wait_for_ready": True, "ready_timeout_seconds": 5}
    everything |= {**EVERYTHING, "passthrough": True, "api": BackendApi.AGENTGATEWAY, "endpoints": Endpoints.ALL}
    OpenAICompatibleLLM("everything", everything)
    header: Any = {"preset": "mistral", "api_key": CANARY, "api": "agentgateway"}
    header["auth_header"] = {"header_name": "api-key"}
    OpenAICompatibleLLM("header", header)
    fallbacks: Any = {"preset": "mistral", "api_key": CANARY, "api": "agentgateway", "request_timeout_seconds": 30}
    fallbacks["retries"] = {"attempts": 2, "status_codes": [503]}
    fallbacks["fallbacks"] = [
        {"name": "deepseek", "preset": "deepseek", "api_key": pulumi.Output.secret(FALLBACK_CANARY)},
        {"name": "house", "host": upstream.host, "api_key_secret": {"name": "theirs"}},
    ]
    OpenAICompatibleLLM("fallbacks", fallbacks)
    clients: Any = {"preset": "mistral", "api_key": CANARY, "api": "agentgateway", "request_defaults": FIELDS}
    clients["clients"] = {
        "web": {
            "api_key": CLIENT,
            "models": ["mistral-*", upstream.host],
            "rate_limits": [{"tokens": 5, "per": "day"}],
        },
        "cron": {"api_key_sha256": pulumi.Output.secret(HASH)},
    }
    clients["client_auth_header"] = {"header_name": "x-api-key"}
    clients["rate_limit_service"] = {"host": upstream.host, "port": upstream.port, "fail_open": True}
    clients |= {"rate_limits": [{"requests": 5, "per": "minute"}]}
    OpenAICompatibleLLM("clients", clients)
    limited: Any = {"preset": "mistral", "api_key": CANARY, "api": "agentgateway"}
    limited["clients"] = {"web": {"api_key": CLIENT, "rate_limits": [{"requests": 5, "per": "hour", "burst": 1}]}}
    OpenAICompatibleLLM("limited", limited)
    OpenAICompatibleLLM("fields", {"preset": "mistral", "api_key": CANARY, "request_overrides": FIELDS})


def through_the_plugin(plugin: Plugin, *, preview: bool) -> None:
    def of_upstream(field: str) -> dict[str, Any]:
        return output(*([] if preview else [UPSTREAM[field]]), of=[UPSTREAM_URN])

    cluster = f"{CLUSTER_URN}::{UNKNOWN if preview else 'cluster-id'}"
    plugin.construct("plain", MISTRAL)
    plugin.construct(
        "secret",
        {"preset": "mistral", "apiKey": secret(CANARY)},
        aliases=[{"spec": {"name": "older"}}],
        providers={"kubernetes": cluster},
        dependencies=[UPSTREAM_URN],
        protect=True,
    )
    plugin.construct(
        "outputs",
        {
            "host": of_upstream("host"),
            "port": of_upstream("port"),
            "gateway": of_upstream("gateway"),
            "tls": {"hostname": of_upstream("host")},
            "labels": of_upstream("labels"),
            "apiKeySecret": {"name": "theirs"},
            "rewriteHost": False,
        },
    )
    everything: Any = {"routePath": "/llm", "rewriteHost": True, "waitForReady": True, "readyTimeoutSeconds": 5}
    everything |= {**EVERYTHING, "passthrough": True, "api": "agentgateway", "endpoints": "all"}
    plugin.construct("everything", everything)
    plugin.construct("header", {**ON_AGENTGATEWAY, "authHeader": {"headerName": "api-key"}})
    plugin.construct(
        "fallbacks",
        {
            **ON_AGENTGATEWAY,
            "requestTimeoutSeconds": 30,
            "retries": {"attempts": 2, "statusCodes": [503]},
            "fallbacks": [
                {"name": "deepseek", "preset": "deepseek", "apiKey": output(FALLBACK_CANARY, is_secret=True)},
                {"name": "house", "host": of_upstream("host"), "apiKeySecret": {"name": "theirs"}},
            ],
        },
    )
    clients: dict[str, Any] = {**ON_AGENTGATEWAY, "requestDefaults": FIELDS}
    clients["clients"] = {
        "web": {
            "apiKey": CLIENT,
            "models": ["mistral-*", of_upstream("host")],
            "rateLimits": [{"tokens": 5, "per": "day"}],
        },
        "cron": {"apiKeySha256": output(HASH, is_secret=True)},
    }
    clients["clientAuthHeader"] = {"headerName": "x-api-key"}
    clients["rateLimitService"] = {"host": of_upstream("host"), "port": of_upstream("port"), "failOpen": True}
    clients |= {"rateLimits": [{"requests": 5, "per": "minute"}]}
    plugin.construct("clients", clients)
    limited = {"web": {"apiKey": CLIENT, "rateLimits": [{"requests": 5, "per": "hour", "burst": 1}]}}
    plugin.construct("limited", {**ON_AGENTGATEWAY, "clients": limited})
    plugin.construct("fields", {**MISTRAL, "requestOverrides": FIELDS})


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_the_plugin_registers_what_an_import_does(preview: bool) -> None:
    with recording_engine(preview=preview) as imported:
        imported.run(by_import, config={})
    with recording_engine(preview=preview) as engine, running_plugin(engine) as plugin:
        through_the_plugin(plugin, preview=preview)

    counts = {"plain": 4, "secret": 4, "outputs": 3, "everything": 3, "header": 4}
    counts |= {"fallbacks": 5, "clients": 6, "limited": 5, "fields": 5}
    for component, objects in counts.items():
        registered = engine.of(component)
        assert len(registered) == 1 + objects
        assert registered == imported.of(component)
        # They must not be equal only because both are unknown.
        assert (UNKNOWN in json.dumps(registered)) == (preview and component in OF_UPSTREAM)
        component_urn = urn(TOKEN, component)
        assert engine.outputs[component_urn] == imported.outputs[component_urn]
    assert len(engine.warnings) == 1
    assert sorted(engine.warnings) == sorted(imported.warnings)
    assert plugin.printed == ""


OF_UPSTREAM = ("secret", "outputs", "fallbacks", "clients")


def fallback(key: Any) -> dict[str, Any]:
    return {"name": "deepseek", "preset": "deepseek", "apiKey": key}


ENTRY = json.dumps(
    {
        "keyHash": f"sha256:{hashlib.sha256(CLIENT.encode()).hexdigest()}",
        "metadata": {"client": "web", "models": "mistral-.*"},
    }
)


@pytest.mark.parametrize(
    ("inputs", "sent", "held"),
    [
        (
            MISTRAL,
            [{"apiKey": CANARY}, {"apiKey": secret(CANARY)}, {"apiKey": output(CANARY, is_secret=True)}],
            [{"Authorization": CANARY}],
        ),
        (
            ON_AGENTGATEWAY,
            [{"fallbacks": [fallback(key)]} for key in (FALLBACK_CANARY, output(FALLBACK_CANARY, is_secret=True))],
            [{"Authorization": FALLBACK_CANARY}, {"Authorization": CANARY}],
        ),
        (
            ON_AGENTGATEWAY,
            [
                {"clients": {"web": {"apiKey": key, "models": ["mistral-*"]}}}
                for key in (CLIENT, output(CLIENT, is_secret=True))
            ],
            [{"Authorization": CANARY}, {"web": ENTRY}],
        ),
    ],
    ids=["of the provider", "of a fallback", "of clients"],
)
def test_keys_are_secrets_however_they_are_sent_and_are_nowhere_else(
    plugin: Plugin, engine: RecordingEngine, inputs: Any, sent: list[dict[str, Any]], held: list[Any]
) -> None:
    canaries = Canaries(CANARY, FALLBACK_CANARY, CLIENT)
    for index, keys in enumerate(sent):
        (argument,) = keys
        name = f"{argument.lower()}{index}"
        state = plugin.construct(name, {**inputs, **keys}, config={"kubernetes:enableSecretMutable": "true"})
        assert not canaries.are_in(json.dumps(state))
        registered = engine.of(name)
        data = [each["object"].pop("stringData") for each in registered if each["type"] == "kubernetes:core/v1:Secret"]
        assert sorted(data, key=str) == sorted(map(secret, held), key=str)
        assert not canaries.are_in(json.dumps(registered))
        # The rest of a spec is no secret.
        assert "api.mistral.ai" in json.dumps(registered)
        assert ("groups" in json.dumps(registered)) == (argument == "fallbacks")
    assert not canaries.are_in(json.dumps([engine.outputs, engine.messages]))


def test_so_are_those_of_the_clients_of_a_shared_url(plugin: Plugin, engine: RecordingEngine) -> None:
    clients = {"web": {"apiKey": output(CLIENT, is_secret=True), "models": ["mistral-*"]}}
    inputs = {"routePath": "/llm", "clients": clients, "rateLimitService": {"host": "ratelimit.llm"}}
    state = plugin.construct("shared", inputs, GATEWAY_TOKEN, config={"kubernetes:enableSecretMutable": "true"})
    registered = engine.of("shared")
    (entries,) = (each["object"]["stringData"] for each in registered if each["name"] == "shared-clients")
    assert entries == secret({"web": ENTRY})
    assert {"Secret", "ConfigMap", "AgentgatewayPolicy"} < {each["type"].rpartition(":")[2] for each in registered}
    assert not Canaries(CLIENT).are_in(json.dumps([state, registered, engine.outputs, engine.messages]))


@pytest.mark.parametrize(
    "clients",
    [
        {"web": {"apiKey": f"{CLIENT}\n"}},
        {"web": {"apiKey": output(f"Bearer {CLIENT}", is_secret=True)}},
        {"web": {"apiKey": [CLIENT]}},
        {"web": {"apiKeySha256": CLIENT}},
        {"web": {"api_key": CLIENT}},
        {"web": {"key": CLIENT}},
        {"web": CLIENT},
        {CLIENT: "web"},
        {CLIENT: {"apiKey": "web"}},
        [CLIENT],
        CLIENT,
    ],
    ids=str,
)
def test_a_refused_clients_key_is_not_printed_even_where_it_is_given_wrongly(plugin: Plugin, clients: Any) -> None:
    """The engine prints the value that it finds at the path of a property."""
    with pytest.raises(RefusedError) as refused:
        plugin.construct("refused", {**ON_AGENTGATEWAY, "clients": clients})
    assert not Canaries(CLIENT).are_in(f"{refused.value} {refused.value.problems}")
    paths = [path for path, _ in refused.value.problems]
    assert paths
    assert all(path.startswith("`clients") for path in paths), paths


def test_all_invalid_properties_are_reported_as_a_list(plugin: Plugin, engine: RecordingEngine) -> None:
    engine.registrations.clear()
    with pytest.raises(RefusedError) as refused:
        plugin.construct(
            "mistral",
            {
                "preset": "mistrl",
                "port": 99999,
                "waitForReady": output(True, of=[UPSTREAM_URN]),
                "readyTimeoutSeconds": "5s",
                "api": "kgatway",
                "gateway": {"sectionNam": "a"},
                "hostnames": ["ai.example.com", "a b"],
                "labels": {"example.com/team": "x y"},
            },
        )
    assert str(refused.value) == 'OpenAICompatibleLLM "mistral" has invalid arguments:'
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [path for path, _ in refused.value.problems] == [
        "preset",
        "port",
        "apiKey",
        "gateway.sectionNam",
        "hostnames[1]",
        "api",
        "waitForReady",
        "readyTimeoutSeconds",
        'labels["example.com/team"]',
    ]
    reasons = dict(refused.value.problems)
    assert reasons["port"] == "99999 is not a port; give 1 to 65535"
    assert reasons["apiKey"] == "required, unless you give `apiKeySecret`, `passthrough` or `keyless`"
    assert engine.registrations == []


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"preset": output("mistrl", of=[UPSTREAM_URN])}, "preset", "did you mean `mistral`?"),
        ({"port": output(99999, of=[UPSTREAM_URN])}, "port", "99999 is not a port"),
        ({"gateway": output({"name": "A"}, is_secret=True)}, "gateway.name", '"A" is not a valid name'),
        ({"apiKey": output(f"{CANARY}\n", is_secret=True)}, "`apiKey`", "the key has a line break"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_output_is_reported_in_the_same_way(plugin: Plugin, inputs: Any, path: str, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        plugin.construct("late", {**MISTRAL, **inputs})
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT
    ((where, why),) = refused.value.problems
    assert where == path
    assert reason in why
    assert "Traceback" not in str(refused.value)
    assert CANARY not in f"{refused.value} {why}"


def test_the_plugin_prints_nothing_when_components_fail() -> None:
    with recording_engine() as engine, running_plugin(engine) as plugin:
        # So many that Python collects the failed tasks, and would print their errors.
        for _ in range(10):
            with pytest.raises(RefusedError):
                plugin.construct("mistral", {**MISTRAL, "apiKey": output(f"{CANARY}\n", is_secret=True)})
        plugin.construct("mistral", MISTRAL)
    assert plugin.printed == ""


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"apiKey": f"Bearer {CANARY}"}, "`apiKey`"),
        ({"apiKey": [CANARY]}, "`apiKey`"),
        ({"api_key": CANARY}, "`api_key`"),
        ({"key": CANARY}, "`key`"),
        ({"apiKeySecret": CANARY}, "`apiKeySecret`"),
        ({"authHeader": CANARY}, "`authHeader`"),
        ({"fallbacks": [fallback(f"Bearer {CANARY}")]}, "`fallbacks[0].apiKey`"),
        ({"fallbacks": [fallback([CANARY])]}, "`fallbacks[0].apiKey`"),
        ({"fallbacks": [{"name": "eu", "preset": "deepseek", "apikey": CANARY}]}, "`fallbacks[0].apikey`"),
        ({"fallbacks": [{"name": "eu", "preset": "deepseek", "apiKeySecret": CANARY}]}, "`fallbacks[0].apiKeySecret`"),
        ({"fallbacks": [fallback(CANARY)] * 8}, "`fallbacks`"),
        ({"fallbacks": fallback(CANARY)}, "`fallbacks`"),
        ({"fallbacks": [[fallback(CANARY)]]}, "`fallbacks[0]`"),
    ],
    ids=str,
)
def test_the_engine_can_not_print_a_key_that_was_given_wrongly(
    plugin: Plugin, inputs: dict[str, Any], path: str
) -> None:
    """The engine prints the value that it finds at the path of a property."""
    others = ON_AGENTGATEWAY if "fallbacks" in inputs else {"preset": "mistral"}
    with pytest.raises(RefusedError) as refused:
        plugin.construct("mistral", {**others, **inputs})
    assert path in dict(refused.value.problems)
    assert path.strip("`") not in dict(refused.value.problems)
    assert CANARY not in f"{refused.value} {refused.value.problems}"


def test_the_engine_prints_what_is_wrong_with_a_fallbacks_other_properties(plugin: Plugin) -> None:
    invalid = {**fallback(CANARY), "port": 0, "tls": {"hostnam": "a"}}
    with pytest.raises(RefusedError) as refused:
        plugin.construct("mistral", {**ON_AGENTGATEWAY, "fallbacks": [invalid]})
    assert [path for path, _ in refused.value.problems] == ["fallbacks[0].tls.hostnam", "fallbacks[0].port"]
