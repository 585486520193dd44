"""Limits of clients by a rate limit service on the real agentgateway: over all routes, beside a route's own limit."""

import itertools
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from local.waiting import wait_until
from tests.gateway.clients import CRON, LIMITED, NEW, OTHER, TOKENS_OF_AN_ANSWER, WEB, bearer, client
from tests.gateway.counting_service import HOST, CountingService, Question, counting_service
from tests.gateway.one_url import PATH, SECONDS, OneUrl
from tests.gateway.openai_provider import OpenAIProvider
from tests.support.cluster import Cluster
from tests.support.question import ask
from tests.support.rate_limit_protocol import Descriptor
from tests.support.rate_limit_service import rate_limit_service

CONFIG = "llm-rate-limits"
UNITS = ("second", "minute", "hour", "day")
ONE, TWO = "gpt-5", "mistral-small"
MANY = 50
REFUSED = (HTTPStatus.TOO_MANY_REQUESTS, b"")


@pytest.fixture
def service() -> Iterator[CountingService]:
    with counting_service() as service:
        yield service


def descriptor(client: str, limit: str) -> Descriptor:
    return ("client", client), ("limit", limit)


def settings(port: int, clients: dict[str, Any], **service: Any) -> dict[str, Any]:
    """Returns a stack's clients, and the service for their limits."""
    return {"clients": clients, "rateLimitService": {"host": HOST, "port": port, **service}}


def limits_file(cluster: Cluster, one_url: OneUrl) -> str:
    """Returns the service's configuration, which the stack has made."""
    config_map: Any = cluster.core.read_namespaced_config_map(CONFIG, one_url.namespace)
    return str(config_map.data["limits.yaml"])


def chat(one_url: OneUrl, path: str, model: str, key: str) -> tuple[int, bytes]:
    answer = ask(f"{one_url.gateway.url}{path}/v1/chat/completions", {"model": model}, headers=bearer(key))
    return answer.status, answer.data


def two_providers(one_url: OneUrl, other_provider: OpenAIProvider) -> dict[str, Any]:
    return {
        "one": one_url.config(models=[ONE]),
        "two": one_url.config(other_provider, models=["mistral-*", TWO]),
    }


WAYS = (("/one", ONE), ("/two", TWO), (PATH, ONE), (PATH, TWO))
"""A path, and a model that it has."""


def test_a_clients_limits_hold_over_all_routes_and_the_shared_url(
    one_url: OneUrl, other_provider: OpenAIProvider, service: CountingService, cluster: Cluster
) -> None:
    tokens = {"tokens": 2 * TOKENS_OF_AN_ANSWER + 1, "per": "day"}
    limited = {
        "web": client(WEB, limits=[{"requests": 4, "per": "day"}, {"requests": 100, "per": "minute"}]),
        "cron": client(CRON, limits=[tokens, {"requests": 1000, "per": "hour"}]),
        "other": client(OTHER),
    }
    one_url.settings = settings(service.port, limited)
    one_url.deploy(two_providers(one_url, other_provider))
    service.configure(limits_file(cluster, one_url))
    for model in (ONE, TWO):
        one_url.until(200, body={"model": model}, headers=bearer(OTHER))
    one_url.until_listed(ONE, TWO, **bearer(OTHER))

    assert [chat(one_url, path, model, WEB)[0] for path, model in WAYS] == [200] * len(WAYS)
    assert [chat(one_url, path, model, WEB) for path, model in WAYS] == [REFUSED] * len(WAYS)
    # The list and the error ask the service as well.
    assert one_url.listed(**bearer(WEB)) is None
    assert chat(one_url, PATH, "nobodys", WEB) == REFUSED

    served = itertools.takewhile(
        lambda answer: answer != REFUSED,
        (chat(one_url, *way, CRON) for way in itertools.islice(itertools.cycle(WAYS), MANY)),
    )
    statuses = [status for status, _ in served]
    assert statuses == [200] * len(statuses)
    # Tokens are counted after the answer that used them.
    assert 3 <= len(statuses) < MANY
    used = TOKENS_OF_AN_ANSWER * len(statuses)
    assert wait_until(lambda: service.used[descriptor("cron", "tokens-day")] == used, SECONDS), service.used
    assert [chat(one_url, path, model, CRON) for path, model in WAYS] == [REFUSED] * len(WAYS)
    assert [chat(one_url, path, model, OTHER)[0] for path, model in WAYS] == [200] * len(WAYS)


def test_the_service_is_asked_for_each_unit_of_requests_and_of_tokens(
    one_url: OneUrl, service: CountingService
) -> None:
    one_url.settings = settings(service.port, {"web": client(WEB), "other": client(OTHER)}, domain="team-a")
    one_url.deploy({"one": one_url.config(models=[ONE])})
    one_url.until(200, body={"model": ONE}, headers=bearer(OTHER))
    one_url.until_listed(ONE, **bearer(OTHER))

    def asked() -> list[Question]:
        return [each for each in service.asked if ("client", "web") in each.descriptors[0]]

    def question(kind: str, hits: int | None) -> Question:
        descriptors = tuple(descriptor("web", f"{kind}-{unit}") for unit in UNITS)
        return Question("team-a", descriptors, (hits,) * len(UNITS))

    assert chat(one_url, PATH, ONE, WEB)[0] == 200
    expected = [question("requests", None), question("tokens", 0), question("tokens", TOKENS_OF_AN_ANSWER)]
    assert wait_until(lambda: asked() == expected, SECONDS), asked()
    assert one_url.listed(**bearer(WEB)) == [(ONE, "one")]
    assert asked() == [*expected, question("requests", None)]
    # Who has no key isn't asked about.
    total = len(service.asked)
    assert one_url.ask(body={"model": ONE}).status == 401
    assert len(service.asked) == total


@pytest.mark.parametrize(("arguments", "status"), [({}, 500), ({"failOpen": True}, 200)])
def test_while_the_service_is_down_requests_are_refused_unless_it_may_fail(
    one_url: OneUrl, service: CountingService, arguments: dict[str, bool], status: int
) -> None:
    one_url.settings = settings(service.port, {"web": client(WEB)}, **arguments)
    one_url.deploy({"one": one_url.config(models=[ONE])})
    one_url.until(200, body={"model": ONE}, headers=bearer(WEB))
    one_url.until_listed(ONE, **bearer(WEB))

    service.stop()
    one_url.until(status, body={"model": ONE}, headers=bearer(WEB))
    served = len(one_url.provider.requests)
    ways = ("/one", PATH)
    assert [chat(one_url, path, ONE, WEB)[0] for path in ways] == [status] * len(ways)
    assert one_url.listed(**bearer(WEB)) == ([(ONE, "one")] if status == 200 else None)
    assert len(one_url.provider.requests) - served == (len(ways) if status == 200 else 0)

    service.start()
    one_url.until(200, body={"model": ONE}, headers=bearer(WEB))
    one_url.until_listed(ONE, **bearer(WEB))


def test_a_routes_own_limit_is_counted_beside_by_the_gateway_and_before_the_service_is_asked(
    one_url: OneUrl, other_provider: OpenAIProvider, service: CountingService, cluster: Cluster
) -> None:
    limited = {"web": client(WEB), "cron": client(CRON, limits={"requests": 1, "per": "day"}), "other": client(OTHER)}
    providers = two_providers(one_url, other_provider)
    providers["one"]["rateLimits"] = [{"requests": 5, "per": "hour"}]
    one_url.settings = settings(service.port, limited)
    one_url.deploy(providers)
    service.configure(limits_file(cluster, one_url))
    one_url.until(200, body={"model": TWO}, headers=bearer(OTHER))
    one_url.until(200, body={"model": ONE}, headers=bearer(OTHER))

    at_the_limit = (429, LIMITED.encode())
    assert chat(one_url, "/one", ONE, CRON)[0] == 200
    assert chat(one_url, PATH, ONE, CRON) == REFUSED
    assert [chat(one_url, path, ONE, WEB)[0] for path in ("/one", PATH)] == [200] * 2
    asked = len(service.asked)
    for path, key in itertools.product(("/one", PATH), (WEB, CRON, OTHER)):
        assert chat(one_url, path, ONE, key) == at_the_limit
    questions = service.asked[asked:]
    assert all(each.descriptors[0][1][1].startswith("tokens") for each in questions), questions
    # It is the limit of that route alone.
    assert chat(one_url, "/two", TWO, WEB)[0] == 200
    assert chat(one_url, "/two", TWO, CRON) == REFUSED


def test_a_clients_limit_changes_the_services_configuration_alone(
    one_url: OneUrl, service: CountingService, cluster: Cluster
) -> None:
    providers = {"one": one_url.config(models=[ONE])}

    def deploy(*limits: dict[str, Any]) -> str:
        one_url.settings = settings(service.port, {"web": client(WEB, limits=list(limits)), "other": client(OTHER)})
        return one_url.deploy(providers)

    def others() -> dict[tuple[str, str], Any]:
        """Returns all objects but the configuration, without what the controller writes."""
        objects = cluster.everything_in(one_url.namespace)
        return {
            key: (each["metadata"]["uid"], each.get("spec"), each.get("data"))
            for key, each in objects.items()
            if key[0] != "ConfigMap"
        }

    deploy({"requests": 1, "per": "day"})
    config_map: Any = cluster.core.read_namespaced_config_map(CONFIG, one_url.namespace)
    one_url.until(200, body={"model": ONE}, headers=bearer(OTHER))
    service.configure(limits_file(cluster, one_url))
    before = others()
    assert [chat(one_url, PATH, ONE, WEB) for _ in range(2)][1] == REFUSED

    assert "1 updated" in deploy({"requests": 4, "per": "day"}, {"tokens": 1000, "per": "hour"})
    service.configure(limits_file(cluster, one_url))
    assert [chat(one_url, PATH, ONE, WEB)[0] for _ in range(3)] == [200, 200, 429]
    assert "1 updated" in deploy()
    assert json.loads(limits_file(cluster, one_url)) == {"domain": "llm", "descriptors": []}
    service.configure(limits_file(cluster, one_url))
    assert chat(one_url, PATH, ONE, WEB)[0] == 200
    assert others() == before
    after: Any = cluster.core.read_namespaced_config_map(CONFIG, one_url.namespace)
    assert after.metadata.uid == config_map.metadata.uid


def test_clients_of_an_existing_secret_have_the_limits_that_somebody_else_gives_the_service(
    one_url: OneUrl, service: CountingService, cluster: Cluster
) -> None:
    named = json.dumps({"key": WEB, "metadata": {"client": "theirs"}})
    metadata = {"name": "our-clients", "namespace": one_url.namespace}
    entries = {"named": named, "bare": NEW}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": entries})
    one_url.settings = {
        "clientsSecret": {"name": "our-clients"},
        "rateLimitService": {"host": HOST, "port": service.port},
    }
    one_url.deploy({"one": one_url.config(models=[ONE])})
    assert ("ConfigMap", CONFIG) not in cluster.everything_in(one_url.namespace)
    one_url.until(200, body={"model": ONE}, headers=bearer(NEW))
    assert service.asked == []
    service.limits = {descriptor("theirs", "requests-hour"): 2}
    assert [chat(one_url, path, ONE, WEB)[0] for path in ("/one", PATH)] == [200] * 2
    assert [chat(one_url, path, ONE, WEB) for path in ("/one", PATH)] == [REFUSED] * 2
    # A bare key has no name by which to count.
    service.stop()
    assert [chat(one_url, path, ONE, NEW)[0] for path in ("/one", PATH)] == [200] * 2
    service.start()


def test_envoys_service_counts_for_the_gateway(
    one_url: OneUrl, other_provider: OpenAIProvider, cluster: Cluster, tmp_path: Path
) -> None:
    limited = {
        "web": client(WEB, limits={"requests": 3, "per": "day"}),
        "cron": client(CRON, limits={"tokens": 2 * TOKENS_OF_AN_ANSWER + 1, "per": "day"}),
        "other": client(OTHER),
    }
    with rate_limit_service(tmp_path, {CONFIG: {"limits.yaml": '{"domain": "llm", "descriptors": []}'}}) as envoys:
        one_url.settings = settings(envoys.port, limited)
        one_url.deploy(two_providers(one_url, other_provider))
        for model in (ONE, TWO):
            one_url.until(200, body={"model": model}, headers=bearer(OTHER))
        envoys.volume.write({CONFIG: {"limits.yaml": limits_file(cluster, one_url)}})
        for key in (WEB, CRON):
            refused = one_url.until(429, body={"model": ONE}, headers=bearer(key))
            assert (refused.status, refused.data) == REFUSED
            assert [chat(one_url, path, model, key) for path, model in WAYS] == [REFUSED] * len(WAYS)
        assert [chat(one_url, path, model, OTHER)[0] for path, model in WAYS] == [200] * len(WAYS)
