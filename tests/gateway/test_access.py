"""Who may call, and how much, on the real gateways: clients' keys and rate limits."""

from collections.abc import Callable
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from tests.gateway.clients import (
    CRON,
    LIMITED,
    NEW,
    NEWER,
    OLD,
    OTHER,
    TOKENS_OF_AN_ANSWER,
    WEB,
    WITHOUT_KEY,
    WRONG_KEY,
    bearer,
    clients,
)
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.installation import Installation
from tests.gateway.load import Load
from tests.gateway.openai_provider import completion, failing
from tests.support.canary import Canaries
from tests.support.chat_run import ChatRun, run_chat
from tests.support.cluster import Cluster
from tests.support.question import ask
from tests.support.recording import record_component

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

AROUND = 60
CREATIONS = 20
MANY = 100


@agentgateway_only
def test_only_a_key_of_the_routes_own_clients_opens_it_and_the_provider_sees_its_own_alone(
    deployment: Deployment, cluster: Cluster
) -> None:
    url = f"{deployment.gateway.url}/other-{deployment.namespace}"
    other = {"routePath": f"/other-{deployment.namespace}", "clients": clients(other=OTHER)}
    deployment.write(
        {
            "mistral": deployment.config(clients=clients(web=WEB, cron=CRON)),
            "other": deployment.config(**other, authHeader={"headerName": "api-key"}),
        }
    )
    printed = deployment.project.up()
    for headers, refusal in (({}, WITHOUT_KEY), *((bearer(key), WRONG_KEY) for key in ("wrong" * 5, OTHER, KEY))):
        answer = deployment.ask(headers=headers)
        assert (answer.status, answer.data.decode()) == (401, refusal)
    assert ask(url, headers=bearer(WEB)).status == 401
    assert deployment.provider.requests == []

    for key in (WEB, CRON):
        assert deployment.ask(headers=bearer(key)).status == 200
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert ask(url, headers=bearer(OTHER)).status == 200
    assert deployment.provider.requests[-1].headers["api-key"] == KEY
    assert deployment.provider.requests[-1].authorization is None
    canaries = Canaries(WEB, CRON, OTHER)
    assert not any(
        canaries.are_in(f"{each.headers}") or canaries.are_in(each.body) for each in deployment.provider.requests
    )

    assert not canaries.are_in(printed)
    # The history has the stack's file, which here has the keys in plain text.
    home = deployment.project.home
    assert canaries.files(home, leaving_out=[home / "state/.pulumi/history"]) == []
    objects = cluster.everything_in(deployment.namespace)
    assert {("AgentgatewayPolicy", "mistral"), ("Secret", "mistral-clients"), ("Secret", "other-clients")} <= set(
        objects
    )
    assert [key for key, each in objects.items() if canaries.are_in(f"{each}")] == []


@agentgateway_only
def test_clients_come_and_go_in_place_and_the_others_lose_no_request(deployment: Deployment, cluster: Cluster) -> None:
    keys = {"web": WEB, "cron": CRON, "old": OLD}
    deployment.up(clients=clients(**keys))
    deployment.until(200, headers=bearer(OLD))
    before = secret_uid(cluster, deployment)
    del keys["old"]
    with Load(deployment.url, headers=bearer(WEB)) as web, Load(deployment.url, headers=bearer(CRON)) as cron:
        web.wait_for(AROUND)
        assert "1 updated" in deployment.up(clients=clients(**keys, new=NEW))
        deployment.until(200, headers=bearer(NEW))
        deployment.until(401, headers=bearer(OLD))
        assert "1 updated" in deployment.up(clients=clients(**keys, new=NEWER))
        deployment.until(200, headers=bearer(NEWER))
        deployment.until(401, headers=bearer(NEW))
        web.wait_for(AROUND)
        cron.wait_for(1)
    assert (web.lost, cron.lost) == ({}, {})
    assert secret_uid(cluster, deployment) == before
    assert deployment.provider.keys() == {f"Bearer {KEY}"}


def secret_uid(cluster: Cluster, deployment: Deployment) -> str:
    secret: Any = cluster.core.read_namespaced_secret("mistral-clients", deployment.namespace)
    return str(secret.metadata.uid)


@agentgateway_only
def test_no_request_without_a_key_is_served_while_routes_are_created_and_removed(
    deployment: Deployment, cluster: Cluster
) -> None:
    """The component's objects, in its order; removed in the opposite one, as Pulumi does.

    The gateway may know a route for a moment without its policy. What is asked then finds no backend: it is the 500.
    """
    objects = recorded(deployment)
    with deployment.load() as load:
        for _ in range(CREATIONS):
            for each in objects:
                cluster.create(each)
            deployment.until(401)
            for each in reversed(objects):
                cluster.delete(each["kind"], each["metadata"]["name"], deployment.namespace)
            deployment.until(404)
    assert deployment.provider.requests == []
    answers = {answer.partition(" ")[0] for answer in load.answers}
    # A ProtocolError is a connection that broke before an answer came.
    assert {"401", "404"} <= answers <= {"401", "404", "500", "ProtocolError"}


@agentgateway_only
def test_pulumi_creates_and_destroys_a_route_that_serves_nobody_without_a_key(deployment: Deployment) -> None:
    with deployment.load() as load:
        load.wait_for(AROUND)
        deployment.up(clients=clients(web=WEB), waitForReady=True, readyTimeoutSeconds=60)
        deployment.until(401)
        assert "unchanged" in deployment.up(clients=clients(web=WEB), waitForReady=True, readyTimeoutSeconds=60)
        deployment.project("destroy", "--yes", "--skip-preview", "--stack", "test")
        deployment.until(404)
    assert deployment.provider.requests == []


def recorded(deployment: Deployment) -> list[dict[str, Any]]:
    args = {
        "host": "localhost",
        "port": deployment.provider.port,
        "api_key": KEY,
        "clients": {"web": {"api_key": WEB}},
        "api": "agentgateway",
        "namespace": deployment.namespace,
        "route_path": deployment.route_path,
        "gateway": {"name": deployment.gateway.name, "namespace": deployment.gateway.namespace},
    }
    objects = record_component(args).objects()
    kinds = ["Secret", "Secret", "AgentgatewayPolicy", "HTTPRoute", "AgentgatewayBackend"]
    assert [each["kind"] for each in objects] == kinds
    return objects


@agentgateway_only
def test_a_live_route_closes_with_the_up_that_adds_clients_and_stays_closed_without_their_secret(
    deployment: Deployment, cluster: Cluster
) -> None:
    deployment.up()
    with deployment.load() as load:
        load.wait_for(AROUND)
        printed = deployment.up(clients=clients(web=WEB))
        after = [deployment.ask().status for _ in range(AROUND)]
        load.wait_for(AROUND)
    assert "1 created" in printed
    assert "1 updated" in printed
    assert after == [401] * AROUND
    assert {answer.partition(" ")[0] for answer in load.answers} == {"200", "401"}
    deployment.until(200, headers=bearer(WEB))

    cluster.delete("Secret", "mistral-clients", deployment.namespace)
    deployment.until(401, headers=bearer(WEB))
    served = len(deployment.provider.requests)
    for headers in ({}, bearer(WEB), bearer(KEY)):
        assert [deployment.ask(headers=headers).status for _ in range(5)] == [401] * 5
    assert len(deployment.provider.requests) == served


@agentgateway_only
def test_make_chat_tells_the_gateways_refusals_from_the_providers(
    deployment: Deployment,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment.up(clients=clients(web=WEB), rateLimits=[{"requests": 2, "per": "hour"}])
    deployment.until(401)
    monkeypatch.setenv("WEB_KEY", WEB)
    monkeypatch.setenv("WRONG_KEY", OTHER)
    where = ["--gateway-url", deployment.gateway.url, "--path", deployment.route_path]
    where += ["--model", "m", "--kubeconfig", str(installation.kubeconfig)]

    def chat(*arguments: str) -> ChatRun:
        run = run_chat(deployment.route_path, [*where, *arguments], capsys)
        assert not Canaries(WEB, OTHER, KEY).are_in(f"{run.stdout} {run.stderr}")
        return run

    for arguments in ((), ("--token-variable", "WRONG_KEY")):
        assert "from the gateway itself" in chat(*arguments).broken_at(Hop.CALLER)
    deployment.provider.behaviour = failing(401)
    assert "HTTP 401 from the provider" in chat("--token-variable", "WEB_KEY").broken_at(Hop.KEY)
    deployment.provider.behaviour = completion
    assert chat("--token-variable", "WEB_KEY").status == 0
    limited = chat("--token-variable", "WEB_KEY").broken_at(Hop.LIMIT)
    assert f'HTTP 429 from the gateway itself, "{LIMITED}"' in limited
    assert "`rateLimits`" in limited


LIMITS: dict[str, dict[str, tuple[dict[str, Any], int]]] = {
    "kgateway": {
        "requests": ({"requests": 3, "per": "hour"}, 3),
        "burst": ({"requests": 3, "per": "hour", "burst": 2}, 5),
    },
    "agentgateway": {
        "requests": ({"requests": 3, "per": "hour"}, 3),
        "burst": ({"requests": 3, "per": "hour", "burst": 2}, 5),
        # The answer that uses the tokens up is still given.
        "tokens": ({"tokens": 2 * TOKENS_OF_AN_ANSWER + 1, "per": "hour"}, 3),
    },
}


def test_a_limit_lets_through_as_many_as_it_says_and_more_in_the_next_period(deployment: Deployment) -> None:
    limits = {**LIMITS[deployment.api], "second": ({"requests": 1, "per": "second"}, 0)}
    deployment.write(
        {
            name: deployment.config(routePath=f"{deployment.route_path}-{name}", rateLimits=[limit])
            for name, (limit, _) in limits.items()
        }
    )
    deployment.project.up()

    def answers(name: str) -> Callable[[], tuple[int, str]]:
        def one() -> tuple[int, str]:
            answer = ask(f"{deployment.gateway.url}{deployment.route_path}-{name}/v1/chat/completions")
            return answer.status, "" if answer.status == 200 else answer.data.decode()

        return one

    exceeded = (429, LIMITED)
    for name, (_, count) in LIMITS[deployment.api].items():
        one = answers(name)
        assert [one() for _ in range(count + 3)] == [(200, "")] * count + [exceeded] * 3, name
    one = answers("second")
    seen = [one() for _ in range(2)]
    while seen[-1] != exceeded and len(seen) < MANY:
        seen.append(one())
    while seen[-1] == exceeded and len(seen) < MANY * MANY:
        seen.append(one())
    assert (seen[-1], set(seen)) == ((200, ""), {(200, ""), exceeded})
    assert len(deployment.provider.requests) == sum(count for _, count in LIMITS[deployment.api].values()) + seen.count(
        (200, "")
    )


@agentgateway_only
def test_streams_whose_provider_reports_no_usage_use_no_tokens(deployment: Deployment) -> None:
    deployment.up(rateLimits=[{"tokens": TOKENS_OF_AN_ANSWER - 1, "per": "hour"}])
    streams = [deployment.until(200, body={"stream": True}) for _ in range(5)]
    assert all(b"usage" not in stream.data for stream in streams)
    assert [deployment.ask().status for _ in range(2)] == [200, 429]
