"""Providers that fail on the real agentgateway: who answers in their place, and that no request is lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import kubernetes
import pytest
import trustme
import urllib3

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.load import Load
from tests.gateway.openai_provider import (
    Behaviour,
    Exchange,
    OpenAIProvider,
    completion,
    completion_events,
    failing,
    hanging_up,
    openai_provider,
    silent,
    tls_context,
)
from tests.gateway.test_changes_under_load import changed
from tests.support.cluster import Cluster
from tests.support.question import ask

AGENTGATEWAY = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

SECOND_KEY = "sk-canary-gateway-2nd-41"
NEW_KEY = "sk-canary-gateway-2nd-42"
LARGE = {"padding": "x" * 100_000}
REQUESTS = 1000
# The gateway leaves a provider out a moment after its failure. On a machine that stalls, an attempt may come before.
SPARE_ATTEMPT = {"attempts": 2}


def fallback(provider: OpenAIProvider, name: str = "second", **arguments: Any) -> dict[str, Any]:
    """A fallback in the spelling of stack files."""
    return {
        "name": name,
        "host": "localhost",
        "port": provider.port,
        "model": f"of-{name}",
        "apiKey": SECOND_KEY,
        **arguments,
    }


def models(provider: OpenAIProvider) -> set[str]:
    return {request.json["model"] for request in provider.requests}


def with_status_200(exchange: Exchange) -> None:
    """Answers as a provider whose errors have no other status."""
    exchange.answer(200, json.dumps({"error": {"message": "overloaded", "code": 503}}).encode())


def once(exchange: Exchange) -> None:
    """Answers on a connection that it then closes, so that every request needs a new one."""
    completion(exchange, closes=True)


# What a provider does from then on. "refuses" is the test's own: nothing listens at its port.
FAILURES: dict[str, Callable[[OpenAIProvider], None]] = {
    "status-500": lambda provider: _behave(provider, failing(500)),
    "status-503": lambda provider: _behave(provider, failing(503)),
    "status-429": lambda provider: _behave(provider, failing(429)),
    "retry-after": lambda provider: _behave(provider, failing(429, retry_after="2")),
    "hangs-up": lambda provider: _behave(provider, hanging_up),
    "silent": lambda provider: _behave(provider, silent),
}
REFUSES = "refuses"
CERTIFICATE = "certificate"


def _behave(provider: OpenAIProvider, behaviour: Behaviour) -> None:
    provider.behaviour = behaviour


class Providers:
    """First providers, one for each way to fail."""

    def __init__(self, trusted: trustme.CA, foreign: trustme.CA) -> None:
        self._trusted, self._foreign = trusted, foreign
        self._running: dict[str, ExitStack] = {}
        self.by_failure: dict[str, OpenAIProvider] = {}
        for failure in (*FAILURES, REFUSES, CERTIFICATE):
            self._start(failure)

    def fail(self, failure: str) -> None:
        provider = self.by_failure[failure]
        if failure == REFUSES:
            self._running[failure].close()
        elif failure == CERTIFICATE:
            provider.tls = tls_context(self._foreign)
        else:
            FAILURES[failure](provider)

    def recover(self, failure: str) -> OpenAIProvider:
        """Makes the provider well again, and has it forget what came before."""
        port = self.by_failure[failure].port
        if failure == REFUSES:
            self._start(failure, port)
        else:
            self.by_failure[failure].tls = tls_context(self._trusted)
            self.by_failure[failure].behaviour = self._well(failure)
            self.by_failure[failure].requests.clear()
        return self.by_failure[failure]

    def stop(self) -> None:
        for stack in self._running.values():
            stack.close()

    def _start(self, failure: str, port: int = 0) -> None:
        self._running[failure] = ExitStack()
        self.by_failure[failure] = self._running[failure].enter_context(openai_provider(self._trusted, port))
        self.by_failure[failure].behaviour = self._well(failure)

    @staticmethod
    def _well(failure: str) -> Behaviour:
        """A connection that is kept would outlive the port and the certificate."""
        return once if failure in (REFUSES, CERTIFICATE) else completion


@pytest.fixture
def providers(installation_authority: trustme.CA, foreign_authority: trustme.CA) -> Iterator[Providers]:
    providers = Providers(installation_authority, foreign_authority)
    yield providers
    providers.stop()


@pytest.fixture
def third_provider(installation_authority: trustme.CA) -> Iterator[OpenAIProvider]:
    with openai_provider(installation_authority) as provider:
        yield provider


@AGENTGATEWAY
def test_whatever_way_the_first_provider_fails_every_request_is_answered(
    deployment: Deployment, providers: Providers, other_provider: OpenAIProvider
) -> None:
    firsts = dict(providers.by_failure)
    deployment.write(
        {
            failure: deployment.config(
                port=first.port,
                routePath=f"{deployment.route_path}/{failure}",
                # A fallback has failed too if it takes longer, as it may on a busy machine.
                requestTimeoutSeconds=3,
                fallbacks=[fallback(other_provider, model=f"in-place-of-{failure}")],
                retries=SPARE_ATTEMPT,
            )
            for failure, first in firsts.items()
        }
    )
    deployment.project.up()
    url = f"{deployment.gateway.url}{deployment.route_path}"
    loads = {failure: Load(f"{url}/{failure}/v1/chat/completions", threads=2, pause=0) for failure in firsts}
    with ExitStack() as stack:
        for load in loads.values():
            stack.enter_context(load)
        wait_for_all(loads, 50)
        assert other_provider.requests == []
        for failure in firsts:
            providers.fail(failure)
        wait_for_all(loads, REQUESTS - 100)
        well = {failure: providers.recover(failure) for failure in firsts}
        for failure, first in well.items():
            while not first.requests:
                loads[failure].wait_for(1)
        wait_for_all(loads, 50)
    assert {failure: load.lost for failure, load in loads.items()} == {failure: {} for failure in firsts}
    assert min(load.total for load in loads.values()) >= REQUESTS
    assert other_provider.keys() == {f"Bearer {SECOND_KEY}"}
    assert models(other_provider) == {f"in-place-of-{failure}" for failure in firsts}
    for first in (*firsts.values(), *well.values()):
        assert first.keys() == {f"Bearer {KEY}"}
        assert models(first) == {"configured"}


def wait_for_all(loads: dict[str, Load], more: int) -> None:
    goals = {failure: load.total + more for failure, load in loads.items()}
    for failure, load in loads.items():
        load.wait_for(max(goals[failure] - load.total, 0))


@pytest.fixture
def configmap(namespace: str, foreign_authority: trustme.CA, cluster: Cluster) -> str:
    """Name of one with the foreign authority."""
    metadata = kubernetes.client.V1ObjectMeta(name="house-ca")
    data = {"ca.crt": foreign_authority.cert_pem.bytes().decode()}
    cluster.core.create_namespaced_config_map(namespace, kubernetes.client.V1ConfigMap(metadata=metadata, data=data))
    return "house-ca"


@AGENTGATEWAY
def test_one_request_reaches_the_last_of_three_providers(
    deployment: Deployment,
    other_provider: OpenAIProvider,
    third_provider: OpenAIProvider,
    foreign_authority: trustme.CA,
    configmap: str,
) -> None:
    third_provider.tls = tls_context(foreign_authority, "llm.internal")
    tls = {"hostname": "llm.internal", "caCertificateConfigmap": configmap}
    header = {"headerName": "api-key"}
    fallbacks = [
        fallback(other_provider, authHeader=header),
        fallback(third_provider, "third", host="127.0.0.1", tls=tls),
    ]
    limited = f"{deployment.route_path}/limited"
    deployment.write(
        {
            "mistral": deployment.config(fallbacks=fallbacks),
            "limited": deployment.config(routePath=limited, fallbacks=fallbacks, retries={"attempts": 1}),
        }
    )
    deployment.project.up()
    deployment.provider.behaviour = failing(500)
    other_provider.behaviour = failing(429)

    answer = ask(f"{deployment.gateway.url}{limited}/chat/completions")
    assert answer.status == 429
    assert (len(deployment.provider.requests), len(other_provider.requests)) == (1, 1)
    assert third_provider.requests == []

    answer = deployment.ask()
    assert (answer.status, answer.json()["model"]) == (200, "of-third")
    assert (len(deployment.provider.requests), len(other_provider.requests)) == (2, 2)
    (came,) = third_provider.requests
    assert (came.server_name, came.authorization) == ("llm.internal", f"Bearer {SECOND_KEY}")
    assert other_provider.requests[0].headers["api-key"] == SECOND_KEY
    assert other_provider.keys() == {None}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert deployment.ask().json()["model"] == "of-third"
    assert (len(deployment.provider.requests), len(other_provider.requests)) == (2, 2)


def breaking_off(exchange: Exchange) -> None:
    """Begins a stream, and closes the connection in the middle of it, once the proxy has passed on what came."""

    def two_tokens() -> Iterator[str]:
        events = completion_events(exchange.request_)
        yield next(events)
        yield next(events)
        exchange.server.over.wait(0.5)
        exchange.hang_up()
        raise ConnectionError

    exchange.stream(two_tokens())


def slow_stream(exchange: Exchange) -> None:
    """Begins at once, and takes longer than the timeout."""

    def events() -> Iterator[str]:
        for event in completion_events(exchange.request_):
            yield event
            exchange.server.over.wait(0.5)

    exchange.stream(events())


def streamed_models(body: bytes) -> list[str]:
    events = [line.removeprefix("data: ") for line in body.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(event)["model"] for event in events]


@AGENTGATEWAY
def test_a_stream_that_has_begun_stays_with_its_provider(
    deployment: Deployment, other_provider: OpenAIProvider
) -> None:
    deployment.up(requestTimeoutSeconds=1, fallbacks=[fallback(other_provider)])
    deployment.provider.behaviour = slow_stream
    slow = deployment.ask(body={"stream": True})
    assert streamed_models(slow.data) == ["configured"] * 5
    assert slow.data.rstrip().endswith(b"[DONE]")

    deployment.provider.behaviour = breaking_off
    broken = deployment.ask(body={"stream": True}, preload_content=False)
    received = b""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        for piece in broken.stream():
            received += piece
    assert streamed_models(received) == ["configured"] * 2
    assert other_provider.requests == []

    deployment.provider.behaviour = failing(500)
    assert streamed_models(deployment.ask(body={"stream": True}).data) == ["of-second"] * 5


@AGENTGATEWAY
def test_a_status_or_size_that_is_not_sent_again_gets_the_error_and_the_next_request_the_fallback(
    deployment: Deployment, other_provider: OpenAIProvider
) -> None:
    deployment.up(fallbacks=[fallback(other_provider)])
    deployment.provider.behaviour = failing(401)
    assert [deployment.ask().status for _ in range(2)] == [401, 401]
    deployment.provider.requests.clear()

    deployment.provider.behaviour = failing(500)
    assert deployment.ask(body=LARGE).status == 500
    assert (len(deployment.provider.requests), other_provider.requests) == (1, [])
    # The gateway passes the answer on, and then leaves the provider out.
    deployment.until(200, body=LARGE)
    deployment.provider.requests.clear()
    assert [deployment.ask(body=LARGE).json()["model"] for _ in range(2)] == ["of-second"] * 2
    assert deployment.provider.requests == []

    with deployment.load() as load:
        deployment.provider.behaviour = completion
        while not deployment.provider.requests:
            load.wait_for(1)
    deployment.provider.behaviour = failing(529)
    assert deployment.ask().status == 529
    deployment.until(200)
    assert deployment.ask().json()["model"] == "of-second"


BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "no JSON": {"method": "POST", "body": b"{bad"},
    "no messages": {"method": "POST", "body": b'{"model": "asked"}'},
    "no body": {"method": "POST", "body": b""},
    "another method": {"method": "GET"},
}


@AGENTGATEWAY
def test_a_request_that_the_gateway_itself_refuses_leaves_no_provider_out(
    deployment: Deployment, other_provider: OpenAIProvider
) -> None:
    deployment.up(fallbacks=[fallback(other_provider)])
    deployment.until(200)
    headers = {"content-type": "application/json"}
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        for request in [*BAD_REQUESTS.values()] * 2:
            assert pool.request(url=deployment.url, headers=headers, **request).status >= 400
            assert [deployment.ask().json()["model"] for _ in range(5)] == ["configured"] * 5
    assert other_provider.requests == []
    assert models(deployment.provider) == {"configured"}


@AGENTGATEWAY
def test_without_fallbacks_a_request_is_sent_to_the_same_provider_again(deployment: Deployment) -> None:
    deployment.up(retries={"attempts": 2, "statusCodes": [418, 503], "backoffMilliseconds": 1})
    left = [failing(503), failing(418)]
    deployment.provider.behaviour = lambda exchange: (left.pop() if left else completion)(exchange)
    assert deployment.ask().status == 200
    assert len(deployment.provider.requests) == 3

    deployment.provider.behaviour = failing(503)
    assert deployment.ask().status == 503
    assert len(deployment.provider.requests) == 6

    deployment.provider.behaviour = failing(500)
    assert deployment.ask().status == 500
    assert len(deployment.provider.requests) == 7

    deployment.provider.behaviour = failing(503)
    assert deployment.ask(body=LARGE).status == 503
    assert len(deployment.provider.requests) == 8


@AGENTGATEWAY
def test_fallbacks_and_their_keys_change_on_a_live_route_and_no_request_is_lost(
    deployment: Deployment, other_provider: OpenAIProvider
) -> None:
    deployment.up()
    changed(deployment, partial(deployment.up, fallbacks=[fallback(other_provider)], retries=SPARE_ATTEMPT))
    assert other_provider.requests == []

    deployment.provider.behaviour = failing(500)
    with deployment.load() as load:
        load.wait_for(60)
        deployment.up(fallbacks=[fallback(other_provider, apiKey=NEW_KEY)], retries=SPARE_ATTEMPT)
        load.wait_for(60)
    assert load.lost == {}
    assert other_provider.keys() == {f"Bearer {SECOND_KEY}", f"Bearer {NEW_KEY}"}
    assert other_provider.requests[-1].authorization == f"Bearer {NEW_KEY}"
    assert models(other_provider) == {"of-second"}

    deployment.provider.behaviour = completion
    with deployment.load() as load:
        while deployment.provider.requests[-1].at < other_provider.requests[-1].at:
            load.wait_for(1)
    changed(deployment, deployment.up)
    assert deployment.provider.keys() == {f"Bearer {KEY}"}


@pytest.mark.parametrize("api", ["kgateway", "agentgateway"], indirect=True)
def test_a_timeout_ends_a_wait_and_no_stream(deployment: Deployment) -> None:
    deployment.up(requestTimeoutSeconds=1)
    deployment.provider.behaviour = silent
    assert deployment.ask().status == 504
    deployment.provider.behaviour = slow_stream
    assert streamed_models(deployment.ask(body={"stream": True}).data) == ["configured"] * 5


@AGENTGATEWAY
def test_an_error_with_status_200_does_not_fail_over(deployment: Deployment, other_provider: OpenAIProvider) -> None:
    deployment.provider.behaviour = with_status_200
    deployment.up(fallbacks=[fallback(other_provider)])
    assert b"processing failed: failed to parse response" in deployment.until(503).data
    assert other_provider.requests == []
