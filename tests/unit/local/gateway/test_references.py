from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.settings import Gateway, Placement
from local.gateway.references import GatewayReference, api_conflicts, gateway_references, one_api_each

MISTRAL = GatewayReference("one", "mistral", "kgateway", "gloo-system", "agentgateway")
DEEPSEEK = GatewayReference("two", "deepseek", "kgateway", "gloo-system", "agentgateway")
HOUSE = GatewayReference("two", "house", "agentgateway", "gloo-system", "agentgateway")
ELSEWHERE = GatewayReference("two", "house", "agentgateway", "llm", "agentgateway")


def test_a_gateway_of_several_providers_is_one() -> None:
    assert one_api_each([MISTRAL, DEEPSEEK, ELSEWHERE]) == [MISTRAL, ELSEWHERE]
    assert list(api_conflicts([MISTRAL, DEEPSEEK, ELSEWHERE])) == []


def test_a_gateway_serves_the_first_api_and_who_is_left_out_is_named() -> None:
    assert one_api_each([MISTRAL, DEEPSEEK, HOUSE]) == [MISTRAL]
    (line,) = api_conflicts([MISTRAL, DEEPSEEK, HOUSE])
    assert line == (
        "The Gateway gloo-system/agentgateway can serve only one API, and serves `kgateway` for provider mistral of "
        "stack one. Requests to provider house of stack two, which has `api: agentgateway`, get no answer. "
        "Give that provider a `gateway` of another name."
    )


def test_each_provider_refers_to_the_gateway_of_its_route() -> None:
    edge = Placement(BackendApi.AGENTGATEWAY, "llm", Gateway("edge", "infra", None, None))
    assert gateway_references({"one": {}, "two": {"house": edge}}) == [
        GatewayReference("two", "house", "agentgateway", "infra", "edge")
    ]
