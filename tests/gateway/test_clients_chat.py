"""What `make chat` says of clients on the real agentgateway: whose key it is, and which model or limit refused it."""

from collections.abc import Callable
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.hops import Hop
from tests.gateway.clients import CRON, OTHER, WEB, client
from tests.gateway.counting_service import HOST, CountingService, counting_service
from tests.gateway.deployment import KEY, Deployment
from tests.gateway.installation import Installation
from tests.support.canary import Canaries
from tests.support.chat_run import ChatRun, run_chat

pytestmark = pytest.mark.parametrize("api", ["agentgateway"], indirect=True)

CANARIES = Canaries(WEB, CRON, OTHER, KEY)
HEADER = {"headerName": "x-client", "prefix": "Key"}
Chat = Callable[..., ChatRun]


@pytest.fixture
def chat(
    deployment: Deployment,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Chat:
    for name, key in (("WEB_KEY", WEB), ("CRON_KEY", CRON), ("WRONG_KEY", OTHER)):
        monkeypatch.setenv(name, key)
    where = ["--gateway-url", deployment.gateway.url, "--path", deployment.route_path]
    where += ["--kubeconfig", str(installation.kubeconfig)]

    def chat(variable: str, model: str, *arguments: str) -> ChatRun:
        options = ["--token-variable", variable, "--model", model, *arguments]
        run = run_chat(deployment.route_path, [*where, *options], capsys)
        assert not CANARIES.are_in(f"{run.stdout} {run.stderr}")
        return run

    return chat


def test_it_sends_the_key_where_the_route_takes_it_and_names_client_model_and_limit(
    deployment: Deployment, chat: Chat
) -> None:
    web = client(WEB, "gpt-*", limits={"requests": 2, "per": "hour"})
    deployment.up(model=None, clients={"web": web, "cron": client(CRON)}, clientAuthHeader=HEADER)
    deployment.until(200, headers={"x-client": f"Key {CRON}"})
    deployment.provider.requests.clear()

    assert "has keys of the clients cron, web" in chat("WRONG_KEY", "gpt-5").broken_at(Hop.CALLER)
    refused = chat("WEB_KEY", "mistral-small").broken_at(Hop.CALLER)
    assert "the client web may use gpt-*, and the request is for mistral-small" in refused
    assert deployment.provider.requests == []
    for _ in range(2):
        assert chat("WEB_KEY", "gpt-5").status == 0
    limited = chat("WEB_KEY", "gpt-5").broken_at(Hop.CALLER)
    assert "lets the client web use 2 requests" in limited
    assert chat("CRON_KEY", "mistral-small").status == 0


def test_it_names_the_rate_limit_service_that_refuses_and_one_that_is_down(deployment: Deployment, chat: Chat) -> None:
    web: dict[str, Any] = client(WEB, limits={"requests": 1, "per": "day"})
    with counting_service() as service:
        deployment.up(model=None, clients={"web": web, "cron": client(CRON)}, rateLimitService=place(service))
        deployment.until(200, headers={"authorization": f"Bearer {CRON}"})
        service.limits = {(("client", "web"), ("limit", "requests-day")): 1}
        assert chat("WEB_KEY", "gpt-5").status == 0
        refused = chat("WEB_KEY", "gpt-5").broken_at(Hop.CALLER)
        assert f"{HOST}:{service.port}" in refused
        assert chat("CRON_KEY", "gpt-5").status == 0
        service.stop()
        deployment.until(500, headers={"authorization": f"Bearer {CRON}"})
        down = chat("CRON_KEY", "gpt-5")
        assert down.status != 0
        assert f"{HOST}:{service.port}" in down.stderr
        service.start()


def place(service: CountingService) -> dict[str, Any]:
    return {"host": HOST, "port": service.port}
