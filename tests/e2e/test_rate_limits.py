"""The real rate limit service with Redis, on the ConfigMap that OpenAICompatibleGateway makes of its clients."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

from local.waiting import wait_until
from tests.support.pages import block
from tests.support.rate_limit_protocol import RefusedError
from tests.support.rate_limit_service import RateLimitService, rate_limit_service
from tests.support.recording import record_component, record_gateway

pytestmark = pytest.mark.slow

SECONDS = {"second": 1, "minute": 60, "hour": 60 * 60, "day": 24 * 60 * 60}
LIMIT = 3
DAY = SECONDS["day"]
LIMITS = block("docs/rate-limits.md", "# limits.yaml\n", "yaml")
SECONDS_TO_ARRIVE = 10.0

Limits = Mapping[str, Sequence[dict[str, Any]]]
"""The limits of clients, by their names."""

EVERY_KIND: Limits = {
    f"{kind}-{per}": [{kind: LIMIT, "per": per}] for kind in ("requests", "tokens") for per in SECONDS
}
CONNECTIONS = 10  # of the service to Redis, by its default
CLIENTS: Limits = {
    **EVERY_KIND,
    "web": [{"tokens": 10, "per": "day"}],
    "batch": [{"tokens": 10, "per": "day"}],
    "free": [],
    "two": [{"requests": 2, "per": "hour"}, {"requests": 4, "per": "day"}, {"tokens": 5, "per": "day"}],
}


def arguments(clients: Limits, domain: str) -> dict[str, Any]:
    return {
        "clients": {name: {"api_key": f"the-key-of-client-{name}", "rate_limits": clients[name]} for name in clients},
        "rate_limit_service": {"host": "ratelimit.gloo-system.svc.cluster.local", "domain": domain},
    }


def config_map(clients: Limits, domain: str = "llm") -> dict[str, str]:
    """Returns what OpenAICompatibleGateway writes for the service."""
    gateway = {"name": "agentgateway", "namespace": "gloo-system"}
    recording = record_gateway({"gateway": gateway, "route_path": "/llm", **arguments(clients, domain)})
    data: dict[str, str] = recording.one(":ConfigMap").inputs["data"]
    return data


def policy(domain: str = "llm") -> Any:
    """Returns what a provider's policy tells the proxies to ask the service; it is the same for all limits."""
    provider = {"preset": "mistral", "api": "agentgateway", "api_key": "the-key-of-the-provider"}
    recording = record_component({**provider, **arguments(CLIENTS, domain)})
    return recording.spec("AgentgatewayPolicy")["traffic"]["rateLimit"]["global"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RateLimitService]:
    with rate_limit_service(
        tmp_path_factory.mktemp("rate-limits"), {"llm-rate-limits": config_map(CLIENTS)}
    ) as service:
        yield service


class Proxy:
    """Asks the service as a proxy of the gateway does that has a provider's policy."""

    def __init__(self, service: RateLimitService, domain: str = "llm") -> None:
        self._service = service
        self._policy = policy(domain)

    def request(self, client: str) -> set[str]:
        """Asks before a request is sent on, and returns the limits that refuse it."""
        return self._over_limit(client, "Requests") or self._over_limit(client, "Tokens", 0)

    def answer(self, client: str, tokens: int) -> None:
        """Counts the tokens of an answer."""
        self._over_limit(client, "Tokens", tokens)

    def _over_limit(self, client: str, unit: str, hits: int | None = None) -> set[str]:
        context = {"apiKey": {"client": client}}
        descriptors = [
            tuple((entry["name"], cel.evaluate(entry["expression"], context)) for entry in each["entries"])
            for each in self._policy["descriptors"]
            if each["unit"] == unit
        ]
        over_limit = self._service.over_limit(self._policy["domain"], descriptors, hits)
        return {dict(each)["limit"] for each in over_limit}


@pytest.fixture(scope="module")
def proxy(service: RateLimitService) -> Proxy:
    return Proxy(service)


@pytest.mark.parametrize("per", SECONDS)
def test_a_client_has_as_many_requests_as_its_limit_says(service: RateLimitService, proxy: Proxy, per: str) -> None:
    client = limit = f"requests-{per}"
    refused = service.in_one_window(SECONDS[per], lambda: [proxy.request(client) for _ in range(LIMIT + 2)])
    assert refused == [set()] * LIMIT + [{limit}] * 2


@pytest.mark.parametrize("per", SECONDS)
def test_a_client_is_refused_once_its_answers_have_had_more_tokens_than_its_limit(
    service: RateLimitService, proxy: Proxy, per: str
) -> None:
    client = limit = f"tokens-{per}"

    def answers() -> list[set[str]]:
        refused = [proxy.request(client)]
        for tokens in (LIMIT, 1):
            proxy.answer(client, tokens)
            refused.append(proxy.request(client))
        return refused

    assert service.in_one_window(SECONDS[per], answers) == [set(), set(), {limit}]


def test_one_clients_limit_leaves_the_others_alone(service: RateLimitService, proxy: Proxy) -> None:
    def refused() -> dict[str, set[str]]:
        proxy.answer("web", 11)
        return {client: proxy.request(client) for client in ("web", "batch", "free", "unknown")}

    assert service.in_one_window(DAY, refused) == {
        "web": {"tokens-day"},
        "batch": set(),
        "free": set(),
        "unknown": set(),
    }


@pytest.mark.parametrize("client", ["free", "unknown"])
def test_a_client_without_a_limit_is_never_refused(service: RateLimitService, proxy: Proxy, client: str) -> None:
    for _ in range(100):
        proxy.answer(client, 1_000_000)
        assert proxy.request(client) == set()
    assert client not in service.redis("KEYS", "*")


def test_every_limit_of_a_client_counts(service: RateLimitService, proxy: Proxy) -> None:
    def by_requests() -> list[set[str]]:
        return [proxy.request("two") for _ in range(5)]

    # A refused request counts as well, so that the day's limit is used up, too.
    hour, both = {"requests-hour"}, {"requests-hour", "requests-day"}
    assert service.in_one_window(SECONDS["hour"], by_requests) == [set(), set(), hour, hour, both]

    def by_tokens() -> set[str]:
        proxy.answer("two", 6)
        return proxy.request("two")

    assert service.in_one_window(SECONDS["hour"], by_tokens) == {"tokens-day"}


def test_asking_for_no_tokens_counts_none(service: RateLimitService, proxy: Proxy) -> None:
    def refused() -> list[set[str]]:
        proxy.answer("web", 10)
        return [proxy.request("web") for _ in range(20)]

    assert service.in_one_window(DAY, refused) == [set()] * 20


def test_a_day_begins_at_midnight_utc(service: RateLimitService, proxy: Proxy) -> None:
    def counted() -> tuple[str, datetime]:
        proxy.answer("web", 1)
        return service.redis("KEYS", "*_web_*"), datetime.now(UTC)

    key, now = service.in_one_window(DAY, counted)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert key == f"llm_client_web_limit_tokens-day_{int(midnight.timestamp())}"


def test_what_is_counted_is_forgotten_after_its_day(service: RateLimitService, proxy: Proxy) -> None:
    proxy.answer("web", 1)
    (key,) = service.redis("KEYS", "*_web_*").splitlines()
    assert DAY - 60 < int(service.redis("TTL", key)) <= DAY + 300


def test_a_changed_config_map_holds_without_a_restart(service: RateLimitService, proxy: Proxy) -> None:
    process = service.program.process
    service.redis("FLUSHALL")
    proxy.answer("web", 10)
    assert proxy.request("web") == set()
    with limits_of(service, web=[{"tokens": 9, "per": "day"}], late=[{"requests": 1, "per": "day"}]):
        assert wait_until(lambda: proxy.request("web"), SECONDS_TO_ARRIVE)
        assert [proxy.request("late") for _ in range(2)] == [set(), {"requests-day"}]
    # Higher again, and what was counted counts on.
    assert wait_until(lambda: not proxy.request("web"), SECONDS_TO_ARRIVE)
    assert proxy.request("late") == set()
    proxy.answer("web", 1)
    assert proxy.request("web") == {"tokens-day"}
    assert service.program.process is process
    assert process is not None
    assert process.poll() is None


@contextmanager
def limits_of(service: RateLimitService, **clients: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Changes the ConfigMap, and changes it back at the end."""
    service.volume.write({"llm-rate-limits": config_map({**CLIENTS, **clients})})
    try:
        yield
    finally:
        service.volume.write({"llm-rate-limits": config_map(CLIENTS)})


def test_without_redis_the_service_answers_with_an_error_until_redis_is_back(
    service: RateLimitService, proxy: Proxy
) -> None:
    service.redis.stop()
    with pytest.raises(RefusedError):
        proxy.request("web")
    service.redis.start()
    assert wait_until(lambda: is_answered_on_each_connection(proxy), SECONDS_TO_ARRIVE)


def is_answered_on_each_connection(proxy: Proxy) -> bool:
    """Asks until the service's pool has come round: the first request on a connection to the old Redis fails."""
    try:
        for _ in range(2 * CONNECTIONS):
            proxy.request("web")
    except RefusedError:
        return False
    return True


def test_a_redis_that_starts_again_has_forgotten_what_was_counted(service: RateLimitService, proxy: Proxy) -> None:
    proxy.answer("web", 11)
    assert proxy.request("web") == {"tokens-day"}
    service.redis.stop()
    service.redis.start()
    assert wait_until(lambda: is_answered_on_each_connection(proxy), SECONDS_TO_ARRIVE)
    assert proxy.request("web") == set()


def test_several_stacks_share_a_service_each_with_its_domain(tmp_path: Path) -> None:
    once = [{"requests": 1, "per": "day"}]
    config_maps = {
        "llm-rate-limits": config_map({"web": once}),
        "team-rate-limits": config_map({"web": once, "batch": once}, "team"),
    }
    with rate_limit_service(tmp_path, config_maps) as service:
        llm, team = Proxy(service), Proxy(service, "team")

        def refused() -> list[set[str]]:
            return [proxy.request(client) for client in ("web", "batch") for proxy in (llm, llm, team, team)]

        full = {"requests-day"}
        assert service.in_one_window(DAY, refused) == [set(), full, set(), full, set(), set(), set(), full]

        # A domain without a ConfigMap has no limits.
        nobodys = Proxy(service, "nobodys")
        assert [nobodys.request("web") for _ in range(2)] == [set()] * 2

        # Two of one domain are refused, and the limits stay as they are.
        service.volume.write({**config_maps, "team-rate-limits": config_map({"web": []})})
        duplicate = "duplicate domain 'llm' in config file"
        assert wait_until(lambda: duplicate in service.program.log.read_text(), SECONDS_TO_ARRIVE)
        assert service.in_one_window(DAY, refused) == [set(), full, set(), full, set(), set(), set(), full]


def test_limits_that_somebody_writes_by_hand_hold_for_the_clients_of_a_secret(tmp_path: Path) -> None:
    manifest = yaml.safe_load(LIMITS)
    with rate_limit_service(tmp_path, {manifest["metadata"]["name"]: manifest["data"]}) as service:
        proxy = Proxy(service)

        def by_requests() -> list[set[str]]:
            return [proxy.request("web") for _ in range(61)]

        assert service.in_one_window(SECONDS["minute"], by_requests) == [*[set()] * 60, {"requests-minute"}]

        def by_tokens() -> list[set[str]]:
            proxy.answer("web", 200_001)
            return [proxy.request(client) for client in ("web", "batch")]

        assert service.in_one_window(DAY, by_tokens) == [{"tokens-day"}, set()]
