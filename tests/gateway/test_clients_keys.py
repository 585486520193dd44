"""Clients' keys on the real agentgateway: their hashes, other headers, existing Secrets, rotation, metrics and log."""

import base64
import hashlib
import json
import re
from typing import Any

import anthropic
import openai
import pytest

from local.waiting import wait_until
from tests.gateway.clients import (
    CRON,
    NEW,
    NOT_ALLOWED,
    OLD,
    OTHER,
    TOKENS_OF_AN_ANSWER,
    WEB,
    WITHOUT_KEY,
    WRONG_KEY,
    bearer,
    client,
    clients,
)
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.load import Load
from tests.gateway.one_url import PATH, SECONDS, OneUrl, asked_for
from tests.gateway.openai_provider import OpenAIProvider, chat_completion
from tests.gateway.own_gateway import OwnGateway
from tests.gateway.test_endpoints import whole_api
from tests.support.canary import Canaries
from tests.support.cluster import Cluster
from tests.support.question import ask

agentgateway_only = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

CANARIES = Canaries(WEB, CRON, OTHER, OLD, NEW)
AROUND = 60


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_the_cluster_has_hashes_of_keys_alone_and_neither_provider_nor_log_gets_a_key(
    one_url: OneUrl, gateway_of_test: OwnGateway, cluster: Cluster
) -> None:
    limited = client(CRON, limits={"requests": 1000, "per": "hour"})
    hashed = {"apiKeySha256": sha256(OTHER), "models": ["gpt-5"]}
    one_url.settings = {"clients": {"web": client(WEB, "gpt-*"), "cron": limited, "other": hashed}}
    printed = one_url.deploy({"one": one_url.config(models=["gpt-5"])}, clientLabel=True)
    for key in (WEB, CRON, OTHER):
        one_url.until(200, body={"model": "gpt-5"}, headers=bearer(key))
        one_url.until_listed("gpt-5", **bearer(key))
    assert one_url.ask(body={"model": "gpt-5"}, headers=bearer(sha256(OTHER))).data == WRONG_KEY.encode()

    assert not CANARIES.are_in(printed)
    # The history has the stack's file, which here has the keys in plain text.
    home = one_url.project.home
    assert CANARIES.files(home, leaving_out=[home / "state/.pulumi/history"]) == []
    objects = cluster.everything_in(one_url.namespace)
    assert [key for key, each in objects.items() if CANARIES.are_in(f"{each}")] == []
    for name in ("one-clients", "llm-clients"):
        entries = objects["Secret", name]["data"]
        assert {each: json.loads(base64.b64decode(entry)) for each, entry in entries.items()} == {
            "web": {"keyHash": f"sha256:{sha256(WEB)}", "metadata": {"client": "web", "models": "gpt-.*"}},
            "cron": {"keyHash": f"sha256:{sha256(CRON)}", "metadata": {"client": "cron"}},
            "other": {"keyHash": f"sha256:{sha256(OTHER)}", "metadata": {"client": "other", "models": "gpt-5"}},
        }
    for request in one_url.provider.requests:
        assert not CANARIES.are_in(f"{request.headers}")
        assert not CANARIES.are_in(request.body)
    assert one_url.provider.keys() == {f"Bearer {KEY}"}
    assert not CANARIES.are_in(gateway_of_test.log())


@agentgateway_only
@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ({"headerName": "x-api-key"}, {"x-api-key": WEB}),
        ({"headerName": "API-Key"}, {"api-key": WEB}),
        ({"headerName": "x-client", "prefix": "Key"}, {"x-client": f"Key {WEB}"}),
    ],
    ids=lambda value: value.get("headerName", ""),
)
def test_clients_put_their_keys_in_another_header_which_no_provider_gets(
    deployment: Deployment, header: dict[str, str], sent: dict[str, str]
) -> None:
    deployment.up(clients=clients(web=WEB), clientAuthHeader=header)
    deployment.until(200, headers=sent)
    (name,) = sent
    refused = [(bearer(WEB), WITHOUT_KEY), ({}, WITHOUT_KEY), ({name: sent[name][:-1]}, WRONG_KEY)]
    if "prefix" in header:
        refused.append(({name: WEB}, WITHOUT_KEY))
    for headers, refusal in refused:
        answer = deployment.ask(headers=headers)
        assert (answer.status, answer.data.decode()) == (401, refusal)
    # The caller's own Authorization is nobody's key here.
    assert deployment.ask(headers={**sent, "authorization": "Bearer the-callers"}).status == 200
    assert deployment.provider.keys() == {f"Bearer {KEY}"}
    assert not any(name in each.headers for each in deployment.provider.requests)


@agentgateway_only
def test_beside_a_key_in_another_header_the_provider_gets_the_callers_own_token(deployment: Deployment) -> None:
    passed_through = {"apiKey": None, "passthrough": True, "clientAuthHeader": {"headerName": "x-api-key"}}
    deployment.up(**passed_through, clients=clients(web=WEB))
    deployment.until(200, headers={"x-api-key": WEB})
    deployment.provider.requests.clear()
    own = {"authorization": "Bearer the-callers"}
    assert deployment.ask(headers=own).data == WITHOUT_KEY.encode()
    assert deployment.provider.requests == []
    assert deployment.ask(headers={**own, "x-api-key": WEB}).status == 200
    (request,) = deployment.provider.requests
    assert (request.authorization, "x-api-key" in request.headers) == ("Bearer the-callers", False)


def test_official_clients_send_their_keys_in_headers_of_their_own(one_url: OneUrl) -> None:
    one_url.provider.behaviour = whole_api
    providers = {"one": one_url.config(models=["gpt-5"])}
    one_url.settings = {"clients": clients(web=WEB), "clientAuthHeader": {"headerName": "x-api-key"}}
    one_url.deploy(providers)
    one_url.until(200, body={"model": "gpt-5"}, headers={"x-api-key": WEB})
    one_url.until_listed("gpt-5", **{"x-api-key": WEB})
    question: Any = [{"role": "user", "content": "hi"}]

    def of_anthropic(key: str) -> anthropic.Anthropic:
        """Sends the key as many of its versions do by themselves."""
        url, header = f"{one_url.gateway.url}{PATH}", {"x-api-key": key}
        return anthropic.Anthropic(base_url=url, api_key="unused", default_headers=header, max_retries=0, timeout=20)

    message = of_anthropic(WEB).messages.create(model="gpt-5", max_tokens=9, messages=question)
    assert [each.text for each in message.content if each.type == "text"] == ["Hello, world!"]
    with pytest.raises(anthropic.AuthenticationError):
        of_anthropic(OTHER).messages.create(model="gpt-5", max_tokens=9, messages=question)

    one_url.settings["clientAuthHeader"] = {"headerName": "api-key"}
    one_url.deploy(providers)
    one_url.until(200, body={"model": "gpt-5"}, headers={"api-key": WEB})
    # The query of Azure's client arrives as well.
    one_url.provider.behaviour = lambda exchange: exchange.answer_json(200, chat_completion("gpt-5"))
    of_azure = openai.AzureOpenAI(
        base_url=f"{one_url.gateway.url}/one/v1", api_version="2024-10-21", api_key=WEB, max_retries=0, timeout=20
    )
    assert of_azure.chat.completions.create(model="gpt-5", messages=question).choices[0].message.content
    with pytest.raises(openai.AuthenticationError):
        of_azure.with_options(api_key=OTHER).chat.completions.create(model="gpt-5", messages=question)
    assert one_url.provider.keys() == {f"Bearer {KEY}"}
    assert not {"api-key", "x-api-key"} & {name for each in one_url.provider.requests for name in each.headers}
    assert set(asked_for(one_url.provider)) == {"gpt-5"}


def secret(namespace: str, **entries: object) -> dict[str, Any]:
    """Returns a Secret with bare keys, and with entries in JSON."""
    data = {name: each if isinstance(each, str) else json.dumps(each) for name, each in entries.items()}
    metadata = {"name": "our-clients", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def test_an_existing_secret_has_bare_keys_keys_with_metadata_and_hashes(one_url: OneUrl, cluster: Cluster) -> None:
    entries: dict[str, object] = {
        "bare": WEB,
        "with-metadata": {"key": CRON, "metadata": {"client": "cron", "models": "gpt-5|mistral-.*"}},
        "hash": {"keyHash": f"sha256:{sha256(OTHER)}", "metadata": {"client": "other"}},
        "hash-alone": {"keyHash": f"sha256:{sha256(OLD)}"},
    }
    cluster.create(secret(one_url.namespace, **entries))
    one_url.settings = {"clientsSecret": {"name": "our-clients"}}
    one_url.deploy({"one": one_url.config(models=["gpt-5", "gpt-5-mini"])})
    for key in (WEB, CRON, OTHER, OLD):
        one_url.until(200, body={"model": "gpt-5"}, headers=bearer(key))
    own = f"{one_url.gateway.url}/one/v1/chat/completions"
    for key in (WEB, OTHER, OLD):
        one_url.until_listed("gpt-5", "gpt-5-mini", **bearer(key))
        assert ask(own, {"model": "gpt-5-mini"}, headers=bearer(key)).status == 200
        assert one_url.ask(body={"model": "gpt-5-mini"}, headers=bearer(key)).status == 200
    one_url.until_listed("gpt-5", **bearer(CRON))
    for answer in (
        ask(own, {"model": "gpt-5-mini"}, headers=bearer(CRON)),
        one_url.ask(body={"model": "gpt-5-mini"}, headers=bearer(CRON)),
    ):
        assert (answer.status, answer.data.decode()) == (403, NOT_ALLOWED)
    for headers in ({}, bearer(NEW), bearer(KEY)):
        assert one_url.ask(body={"model": "gpt-5"}, headers=headers).status == 401

    with one_url.load_on("gpt-5", **bearer(WEB)) as others:
        encoded = base64.b64encode(NEW.encode()).decode()
        cluster.patch("Secret", "our-clients", one_url.namespace, {"data": {"hash-alone": None, "new": encoded}})
        one_url.until(200, body={"model": "gpt-5"}, headers=bearer(NEW))
        one_url.until(401, body={"model": "gpt-5"}, headers=bearer(OLD))
        others.wait_for(AROUND)
    assert others.lost == {}
    assert "unchanged" in one_url.project("preview", "--stack", "test", "--expect-no-changes")


def test_a_client_is_added_rotated_and_removed_everywhere_and_the_others_lose_no_request(
    one_url: OneUrl, other_provider: OpenAIProvider, cluster: Cluster
) -> None:
    providers = {
        "one": one_url.config(models=["gpt-5"]),
        "two": one_url.config(other_provider, models=["mistral-*", "mistral-small"]),
    }
    names = ("one-clients", "two-clients", "llm-clients")

    def deploy(**keys: str) -> str:
        one_url.settings = {"clients": clients(web=WEB, cron=CRON, **keys)}
        return one_url.deploy(providers)

    def until(status: int, key: str) -> None:
        for model in ("gpt-5", "mistral-small", "nobodys"):
            expected = 404 if (status, model) == (200, "nobodys") else status
            one_url.until(expected, body={"model": model}, headers=bearer(key))
        listed = [("gpt-5", "one"), ("mistral-small", "two")] if status == 200 else None
        assert wait_until(lambda: one_url.listed(**bearer(key)) == listed, SECONDS)

    def uids() -> list[str]:
        objects = cluster.everything_in(one_url.namespace)
        return [objects["Secret", name]["metadata"]["uid"] for name in names]

    deploy(old=OLD)
    for key in (WEB, CRON, OLD):
        until(200, key)
    before = uids()
    with (
        one_url.load_on("gpt-5", **bearer(WEB)) as shared,
        one_url.load_on("mistral-small", **bearer(CRON)) as other,
        Load(f"{one_url.gateway.url}/one/v1/chat/completions", headers=bearer(CRON)) as own,
    ):
        # One Secret of each component.
        assert "3 updated" in deploy(old=OLD, new=NEW)
        until(200, NEW)
        assert "3 updated" in deploy(old=OTHER, new=NEW)
        until(200, OTHER)
        until(401, OLD)
        assert "3 updated" in deploy(new=NEW)
        until(401, OTHER)
        until(200, NEW)
        for load in (shared, other, own):
            load.wait_for(AROUND)
    assert (shared.lost, other.lost, own.lost) == ({}, {}, {})
    assert uids() == before
    assert one_url.provider.keys() == other_provider.keys() == {f"Bearer {KEY}"}
    assert "unchanged" in one_url.project("preview", "--stack", "test", "--expect-no-changes")


def test_metrics_and_log_name_the_client_if_asked_for(one_url: OneUrl, gateway_of_test: OwnGateway) -> None:
    providers = {"one": one_url.config(models=["gpt-5"])}
    one_url.settings = {"clients": {"web": client(WEB), "cron": client(CRON, "gpt-5-mini")}}
    one_url.deploy(providers)
    one_url.until(200, body={"model": "gpt-5"}, headers=bearer(WEB))
    assert 'client="' not in gateway_of_test.metrics()
    assert named_clients(gateway_of_test.log()) == set()
    assert "1 created" in one_url.deploy(providers, clientLabel=True)

    def counts() -> dict[tuple[str, str], int]:
        """Returns how many requests each client has made, with which status."""
        found: dict[tuple[str, str], int] = {}
        for labels, count in samples(gateway_of_test, "agentgateway_requests_total"):
            if "client" in labels:
                key = labels["client"], labels["status"]
                found[key] = found.get(key, 0) + int(float(count))
        return found

    def is_labelled() -> bool:
        one_url.until(200, body={"model": "gpt-5"}, headers=bearer(WEB))
        return counts().get(("web", "200"), 0) > 0

    assert wait_until(is_labelled, SECONDS)
    for status, model, headers in (
        (403, "gpt-5", bearer(CRON)),
        (404, "nobodys", bearer(CRON)),
        (401, "gpt-5", {}),
        (401, "gpt-5", bearer(OTHER)),
    ):
        assert one_url.ask(body={"model": model}, headers=headers).status == status
    expected = {("cron", "403"): 1, ("cron", "404"): 1, ("unknown", "401"): 2}
    assert wait_until(lambda: expected.items() <= counts().items(), SECONDS), counts()

    def used() -> float:
        """Returns how many tokens the metrics have of the client."""
        found = samples(gateway_of_test, "agentgateway_gen_ai_client_token_usage_sum")
        return sum(float(count) for labels, count in found if labels.get("client") == "web")

    assert wait_until(lambda: used() >= TOKENS_OF_AN_ANSWER, SECONDS), gateway_of_test.metrics()
    assert wait_until(lambda: named_clients(gateway_of_test.log()) == {"web", "cron"}, SECONDS)


def samples(gateway: OwnGateway, metric: str) -> list[tuple[dict[str, str], str]]:
    """Returns the labels and the value of each sample."""
    found = re.findall(rf"^{metric}\{{(.*)\}} (\S+)$", gateway.metrics(), re.MULTILINE)
    return [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), value) for labels, value in found]


def named_clients(log: str) -> set[str]:
    """Returns the clients that the log names, in text or JSON, in its lines about requests."""
    requests = "\n".join(line for line in log.splitlines() if "http.status" in line)
    return set(re.findall(r'\bclient"?[=:]"?([\w-]+)', requests))
