"""Paths on the real agentgateway: a governed endpoint gets the route's model in whatever spelling, or is refused."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.gateway.deployment import KEY, Deployment
from tests.gateway.test_endpoints import whole_api
from tests.support.question import QUESTION

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

REFUSED = (
    "/v1/chat/completion%73",
    "/v1/CHAT/completions",
    "/v1/Responses",
    "/v1/chat%2Fcompletions",
    "/v1/chat/completions;x",
    "/v1/chat/completions/",
    "/v1//chat/completions",
    "/v1/chat/./completions",
    "/v1/../../admin/keys",
    "/v1/%2e%2e/admin/keys",
    "/v1/models/..%2Fchat%2Fcompletions",
    "/v1/models/a%2F..%2F..",
    "/v1/models/x%2Fchat%2Fcompletions",
    "/v1/Messages",
    "/v1/%6Dessages",
    "/v1/messages;x",
    "/v1/messages/",
    "/v1/models/x%2Fmessages",
    "/",
)
GOVERNED = ("", "/chat/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages")
PASSED_ON = {
    "/v1/embeddings": "/v1/embeddings",
    "/v1/rerank?top=1": "/v1/rerank?top=1",
    "/v1/models/meta%2Fllama": "/v1/models/meta%2Fllama",
    "/v1/models/meta%2fllama": "/v1/models/meta%2fllama",
    "/v1/models/ft:gpt-4o:acme::7p4l": "/v1/models/ft:gpt-4o:acme::7p4l",
}


def post(deployment: Deployment, path: str) -> tuple[int, bytes]:
    """Sends the path as it stands, which other clients would tidy up."""
    connection = http.client.HTTPConnection(urlsplit(deployment.gateway.url).netloc, timeout=20)
    try:
        body = json.dumps({**QUESTION, "input": "hi", "max_tokens": 9})
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("route", ["", "/eu;a=(1)%41"])
def test_every_spelling_of_a_governed_endpoint_gets_the_routes_model_or_is_refused(
    deployment: Deployment, route: str
) -> None:
    deployment.provider.behaviour = whole_api
    base = f"{deployment.route_path}{route}"
    deployment.up(routePath=base)
    deployment.until(200, path=f"{route}/v1/chat/completions")
    deployment.provider.requests.clear()

    answers = {path: post(deployment, base + path) for path in REFUSED}
    assert {path: status for path, (status, _) in answers.items()} == dict.fromkeys(REFUSED, 403)
    assert {body for _, body in answers.values()} == {b"authorization failed"}
    assert deployment.provider.requests == []

    assert [post(deployment, base + path)[0] for path in GOVERNED] == [200] * len(GOVERNED)
    post(deployment, f"{base}/v1/chat/completions?a=%2F..;b")
    assert [each.json["model"] for each in deployment.provider.requests] == ["configured"] * (len(GOVERNED) + 1)
    deployment.provider.requests.clear()

    for path in PASSED_ON:
        post(deployment, base + path)
    assert [each.path for each in deployment.provider.requests] == list(PASSED_ON.values())
    assert {each.json["model"] for each in deployment.provider.requests} == {"asked"}
    assert deployment.provider.keys() == {f"Bearer {KEY}"}


def test_a_route_with_chat_alone_takes_every_path_for_a_chat_completion(deployment: Deployment) -> None:
    deployment.up(endpoints="chat")
    deployment.until(200)
    deployment.provider.requests.clear()
    for path in ("/v1/CHAT/completions", "/v1/embeddings", "/v1/chat/completion%73"):
        assert post(deployment, deployment.route_path + path)[0] == 200
    assert {each.path for each in deployment.provider.requests} == {"/v1/chat/completions"}
    assert {each.json["model"] for each in deployment.provider.requests} == {"configured"}
