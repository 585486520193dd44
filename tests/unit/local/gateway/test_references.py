from local.gateway.references import GatewayReference, one_api_each

MISTRAL = GatewayReference("one", "mistral", "kgateway", "gloo-system", "agentgateway")
DEEPSEEK = GatewayReference("two", "deepseek", "kgateway", "gloo-system", "agentgateway")
HOUSE = GatewayReference("two", "house", "agentgateway", "gloo-system", "agentgateway")
ELSEWHERE = GatewayReference("two", "house", "agentgateway", "llm", "agentgateway")


def test_a_gateway_of_several_providers_is_one() -> None:
    said: list[str] = []
    assert one_api_each([MISTRAL, DEEPSEEK, ELSEWHERE], said.append) == [MISTRAL, ELSEWHERE]
    assert said == []


def test_a_gateway_serves_the_first_api_and_who_is_left_out_is_named() -> None:
    said: list[str] = []
    assert one_api_each([MISTRAL, DEEPSEEK, HOUSE], said.append) == [MISTRAL]
    (line,) = said
    assert line.startswith("The Gateway gloo-system/agentgateway serves one API: `kgateway`, for provider mistral of ")
    assert "Nobody answers requests to provider house of stack two, which has `api: agentgateway`." in line
    assert line.endswith(" Give it a `gateway` of another name.")
