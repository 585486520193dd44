from dataclasses import replace

from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.settings import Gateway as GatewaySettings
from components.openai_compatible_llm.settings import Placement
from local.gateway.api import AGENTGATEWAY, KGATEWAY, Gateway
from local.gateway.attachments import Attachment, api_conflicts, attachments, one_api_each

NAME = "gloo-system/agentgateway"
MISTRAL = Attachment("one", "mistral", Gateway(KGATEWAY, "gloo-system", "agentgateway"))
DEEPSEEK = Attachment("two", "deepseek", Gateway(KGATEWAY, "gloo-system", "agentgateway"))
HOUSE = Attachment("two", "house", Gateway(AGENTGATEWAY, "gloo-system", "agentgateway"))
SHARED = replace(HOUSE, provider=None)
ELSEWHERE = Attachment("two", "house", Gateway(AGENTGATEWAY, "llm", "agentgateway"))


def test_a_gateway_of_several_providers_is_one() -> None:
    attached = [MISTRAL, DEEPSEEK, ELSEWHERE]
    chosen = one_api_each(attached, current={})
    assert chosen == {NAME: MISTRAL, "llm/agentgateway": ELSEWHERE}
    assert list(api_conflicts(attached, chosen)) == []


def test_a_gateway_serves_the_first_api_and_who_is_left_out_is_named() -> None:
    attached = [MISTRAL, DEEPSEEK, HOUSE]
    chosen = one_api_each(attached, current={})
    assert chosen == {NAME: MISTRAL}
    (line,) = api_conflicts(attached, chosen)
    assert line == (
        "The Gateway gloo-system/agentgateway can serve only one API, and serves `kgateway` for provider mistral of "
        "stack one. Requests to provider house of stack two, which has `api: agentgateway`, get no answer. "
        "Give it a `gateway` of another name."
    )


def test_a_shared_url_whose_gateway_serves_another_api_is_named() -> None:
    attached = [MISTRAL, SHARED]
    (line,) = api_conflicts(attached, one_api_each(attached, current={}))
    assert "Requests to the shared URL of stack two, which has `api: agentgateway`, get no answer." in line


def test_each_provider_refers_to_the_gateway_of_its_route() -> None:
    edge = Placement(BackendApi.AGENTGATEWAY, "llm", GatewaySettings("edge", "infra", None, None))
    own = Gateway(AGENTGATEWAY, "infra", "edge")
    assert attachments({"one": {}, "two": {"house": edge, None: edge}}) == [
        Attachment("two", "house", own),
        Attachment("two", None, own),
    ]
