"""One URL and the Gateway as a whole: what it reads of a request, its listeners, its metrics."""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from local.waiting import wait_until
from tests.gateway.deployment import LARGE_PROMPT
from tests.gateway.one_url import MODEL_HEADER, NO_MODEL, PATH, SECONDS, OneUrl, asked_for, error_of
from tests.gateway.openai_provider import OpenAIProvider
from tests.gateway.own_gateway import OTHER_LISTENER, OwnGateway
from tests.gateway.test_endpoints import whole_api
from tests.support.http_server import Handler, Server, serving
from tests.support.question import ask

LIMIT = 33_554_432
FIRST, REST = b"x" * 1000, b"y" * 1000
# Longer than a piece of an upload takes through the gateway.
A_WHILE = 2.0


def test_the_one_url_is_an_output_and_up_can_wait_until_the_gateway_has_accepted_it(one_url: OneUrl) -> None:
    waiting = {"waitForReady": True, "readyTimeoutSeconds": 60}
    for state in ("created", "unchanged"):
        assert state in one_url.deploy({"one": one_url.config(models=["gpt-5"], **waiting)}, **waiting)
    one_url.until_served("gpt-5")
    outputs = json.loads(one_url.project("stack", "output", "--json", "--stack", "test"))
    assert outputs["shared"]["url"] == one_url.base_url
    assert outputs["providers"]["one"]["models"] == ["gpt-5"]
    client = openai.OpenAI(base_url=outputs["shared"]["url"], api_key="unused", max_retries=0, timeout=20)
    assert [each.id for each in client.models.list()] == ["gpt-5"]
    one_url.destroy()
    assert wait_until(lambda: one_url.ask(body={"model": "gpt-5"}).data == b"route not found", SECONDS)


def test_a_request_of_over_2_mb_has_a_model_if_the_gateway_may_read_it(one_url: OneUrl) -> None:
    large = {"model": "gpt-5", "messages": [{"role": "user", "content": LARGE_PROMPT}]}
    providers = {"one": one_url.config(models=["gpt-5"])}
    one_url.deploy(providers)
    one_url.until_served("gpt-5")
    one_url.provider.requests.clear()
    error = error_of(one_url.ask(body=large))
    assert error is not None
    assert NO_MODEL in error["message"]
    assert one_url.provider.requests == []

    assert "1 created" in one_url.deploy(providers, maxRequestBytes=LIMIT)
    one_url.until(200, body=large)
    assert one_url.provider.requests[-1].json["messages"] == large["messages"]
    assert asked_for(one_url.provider) == ["gpt-5"]


def test_at_the_root_the_list_is_openais_and_every_other_path_gets_the_error(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    one_url.provider.behaviour = other_provider.behaviour = whole_api
    providers = {
        "one": one_url.config(models=["gpt-5"]),
        "two": one_url.config(other_provider, models=["mistral-*"]),
    }
    one_url.deploy(providers, routePath="/")
    client = openai.OpenAI(base_url=f"{one_url.gateway.url}/v1", api_key="unused", max_retries=0, timeout=20)
    url = f"{one_url.gateway.url}/v1/chat/completions"

    def is_answered(model: str) -> bool:
        return ask(url, {"model": model}).status == 200

    for model in ("gpt-5", "mistral-small"):
        assert wait_until(partial(is_answered, model), SECONDS)
    assert wait_until(lambda: error_of(ask(url, {"model": "nobodys"})), SECONDS)
    assert wait_until(lambda: one_url.listed("/v1/models") == [("gpt-5", "one")], SECONDS)
    assert [each.id for each in client.models.list()] == ["gpt-5"]
    assert one_url.listed("/models") == [("gpt-5", "one")]
    assert client.responses.create(model="mistral-small", input="hi").output_text == "Hello"
    for path in ("/v1/chat/completions", "/no/such/path"):
        error = error_of(ask(f"{one_url.gateway.url}{path}", {"model": "nobodys"}))
        assert error is not None
        assert '"nobodys"' in error["message"]
        assert "GET /v1/models" in error["message"]
    one_url.provider.requests.clear()
    other_provider.requests.clear()
    # A longer path goes first.
    assert ask(f"{one_url.gateway.url}/two/v1/chat/completions", {"model": "gpt-5"}).status == 200
    assert asked_for(other_provider) == ["gpt-5"]
    assert one_url.listed("/two/v1/models") == [("m", "house")]
    assert one_url.provider.requests == []


def test_metrics_have_the_label_client_if_asked_for(one_url: OneUrl, gateway_of_test: OwnGateway) -> None:
    providers = {"one": one_url.config(models=["gpt-5"])}
    one_url.deploy(providers)
    one_url.until_served("gpt-5")
    assert counted(gateway_of_test)
    assert not any("client=" in labels for labels in counted(gateway_of_test))

    assert "1 created" in one_url.deploy(providers, clientLabel=True)

    def is_labelled() -> bool:
        assert one_url.ask(body={"model": "gpt-5"}).status == 200
        return any('client="unknown"' in labels and 'status="200"' in labels for labels in counted(gateway_of_test))

    assert wait_until(is_labelled, SECONDS)


def counted(gateway: OwnGateway) -> list[str]:
    """Returns the labels of each count of requests."""
    return re.findall(r"^agentgateway_requests_total\{(.*)\} \d+$", gateway.metrics(), re.MULTILINE)


class Upload(Handler):
    """Notes that the first piece of a request's body is there before it reads the rest."""

    server: "UploadServer"

    def do_POST(self) -> None:  # noqa: N802 (a name of http.server)
        self.rfile.read(len(FIRST))
        self.server.begun.set()
        rest = self.rfile.read(len(REST))
        self.answer_json(200, {"whole": rest == REST, "headers": [name.lower() for name in self.headers]})


class UploadServer(Server):
    def __init__(self) -> None:
        super().__init__(Upload)
        self.begun = threading.Event()


@pytest.fixture
def uploads() -> Iterator[UploadServer]:
    server = UploadServer()
    with serving(server):
        yield server


def test_with_a_listener_of_its_own_uploads_to_another_listener_are_passed_on_as_they_come(
    one_url: OneUrl, gateway_of_test: OwnGateway, uploads: UploadServer
) -> None:
    plain: dict[str, Any] = {"port": uploads.server_port, "apiKey": None, "keyless": True, "tls": {"disabled": True}}
    gateway = one_url.gateway
    place = {"name": gateway.name, "namespace": gateway.namespace, "url": gateway_of_test.other_url}
    one = one_url.config(models=["gpt-5"], sharedRoutePath=PATH)
    one_url.deploy({"one": one, "files": one_url.config(**plain)}, gateway={**place, "sectionName": OTHER_LISTENER})
    shared = f"{gateway_of_test.other_url}{PATH}/v1/chat/completions"
    assert wait_until(lambda: ask(shared, {"model": "gpt-5"}).status == 200, SECONDS)
    assert wait_until(lambda: error_of(ask(shared, {"model": "nobodys"})), SECONDS)
    assert set(asked_for(one_url.provider)) == {"gpt-5"}

    assert one_url.listed() is None
    upload(gateway.url, uploads, comes_at_once=True)
    upload(gateway_of_test.other_url, uploads, comes_at_once=False)


def upload(url: str, server: UploadServer, *, comes_at_once: bool) -> None:
    """Sends a body in two pieces, and checks whether the first one comes before the second is sent."""
    server.begun.clear()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.putrequest("POST", "/files/v1/files")
        connection.putheader("content-type", "application/octet-stream")
        connection.putheader("content-length", str(len(FIRST + REST)))
        connection.endheaders(FIRST)
        assert server.begun.wait(SECONDS if comes_at_once else A_WHILE) == comes_at_once
        connection.send(REST)
        answer = connection.getresponse()
        assert answer.status == 200
        body = json.loads(answer.read())
        assert (body["whole"], MODEL_HEADER in body["headers"]) == (True, False)
    finally:
        connection.close()
