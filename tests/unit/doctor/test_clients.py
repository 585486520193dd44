"""What is wrong with a client, by the response, the policies of the route and the Secret with clients' keys."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.openai_compatible_llm.backends import AGENTGATEWAY
from components.openai_compatible_llm.backends.clients import secret_entry, service_config, service_spec
from components.openai_compatible_llm.doctor.access import Access, policies_for
from components.openai_compatible_llm.doctor.clients import ClientKey, read_clients
from components.openai_compatible_llm.doctor.diagnosis import diagnose
from components.openai_compatible_llm.doctor.inspection import Evidence
from components.openai_compatible_llm.doctor.outcome import Answer, Endpoint, Failure, HTTPError
from components.openai_compatible_llm.doctor.printing import format_finding, format_summary
from components.openai_compatible_llm.doctor.request_path import ClientsLookup, Lookup, RequestPath
from components.openai_compatible_llm.doctor.targets import Target
from components.openai_compatible_llm.inputs import parse
from tests.support.provider_objects import API_KEY, condition

Object = dict[str, Any]

WEB, CRON, STRANGER = (f"canary-client-{name}-51d0c7e29b" for name in ("web", "cron", "stranger"))
POLICY, SECRET = "AgentgatewayPolicy gloo-system/mistral", "Secret gloo-system/mistral-clients"
BACKEND = "AgentgatewayBackend gloo-system/mistral-rate-limits"
WITHOUT_KEY = HTTPError(401, "text/plain", "api key authentication failure: no API Key found")
WRONG_KEY = HTTPError(401, "text/plain", "api key authentication failure: invalid credentials")
FORBIDDEN = HTTPError(403, "text/plain", "authorization failed")
LIMITED = HTTPError(429, "text/plain", "rate limit exceeded")
BARE_LIMIT = HTTPError(429, "", "")
SERVICE_FAILED = HTTPError(500, "text/plain", "rate limit failed")


def clients(**of_web: object) -> Object:
    """Makes the component's argument, for one client with models and one without."""
    web = {"api_key": WEB, "models": ["fast", "mistral-*", "gpt-4.1"], **of_web}
    return {"clients": {"web": web, "cron": {"api_key": CRON}}}


def settings(**arguments: object) -> Any:
    """Makes the settings of a component with these arguments and two clients."""
    given = {"preset": "mistral", "api": "agentgateway", "api_key": API_KEY, **clients(), **arguments}
    return parse("mistral", given).settings


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def entry(key: str, **metadata: object) -> str:
    return json.dumps({"keyHash": f"sha256:{digest(key)}", "metadata": metadata})


UPPER_CASE = json.dumps({"keyHash": f"sha256:{digest(WEB).upper()}"})
CLIENTS = {
    each.name: secret_entry(each, digest({"web": WEB, "cron": CRON}[each.name])) for each in settings().known_clients
}


def secret(entries: Mapping[str, str] = CLIENTS) -> ClientsLookup:
    data = {name: base64.b64encode(text.encode()).decode() for name, text in entries.items()}
    clients, unread = read_clients(data)
    return ClientsLookup(SECRET, clients=clients, unread=unread)


def policy(name: str = "mistral", section: str | None = None, **arguments: object) -> Object:
    """Makes the policy that the component makes of these arguments, as its controller has accepted it."""
    spec: Any = AGENTGATEWAY.policy_spec(settings(**arguments))
    if section:
        spec["targetRefs"][0]["sectionName"] = section
    accepted = {"ancestorRef": {"kind": "Gateway"}, "conditions": [condition("Accepted"), condition("Attached")]}
    return {
        "kind": "AgentgatewayPolicy",
        "metadata": {"name": name, "namespace": "gloo-system"},
        "spec": spec,
        "status": {"ancestors": [accepted]},
    }


def path(*policies: Object, clients: ClientsLookup | None = None, **more: Any) -> RequestPath:
    found = Lookup("HTTPRoute gloo-system/mistral", {"metadata": {"name": "mistral", "namespace": "gloo-system"}})
    known = secret() if clients is None else clients
    return RequestPath("kind", found, access_policies=policies or (policy(),), clients=known, **more)


def finding(
    failure: Failure,
    found: RequestPath,
    key: str | None = WEB,
    model: str | None = "deepseek-chat",
    endpoint: Endpoint = Endpoint.CHAT,
    header: str | None = None,
) -> tuple[str, str, str]:
    """Returns the broken hop, what the objects show beside the response, and what to do."""
    target = Target("mistral", "http://llm.example.com/mistral/v1", "/mistral", model, "prod")
    sent = Access(found.access_policies or ()).place(key, header) if key else None
    shown = diagnose(Evidence(target, found, failure, endpoint, sent))
    printed = format_finding("mistral", shown, found, key or "")
    for each in (WEB, CRON, STRANGER):
        assert each not in printed
        assert digest(each) not in printed
    assert isinstance(failure, HTTPError)
    said = f'HTTP {failure.status} from the gateway itself, "{failure.text}"'
    return shown.hop.label, shown.evidence.removeprefix(said).removeprefix("; "), shown.remedy


def test_a_request_without_a_key_is_told_which_clients_have_one() -> None:
    assert finding(WITHOUT_KEY, path(), None) == (
        "caller",
        f"{POLICY} asks for a client's key in the header Authorization, and the request had none",
        "put the key of one of the clients cron, web into an environment variable (--token-variable)",
    )
    unread = ClientsLookup(SECRET, error="403 Forbidden")
    assert "put the key of a client into an environment" in finding(WITHOUT_KEY, path(clients=unread), None)[2]


def test_a_key_that_no_client_has_is_told_with_the_clients_names() -> None:
    hop, shown, fix = finding(WRONG_KEY, path(), STRANGER)
    assert (hop, shown) == ("caller", f"{SECRET} has keys of the clients cron, web, and this key is none of them")
    assert (
        fix
        == "use a key of one of them, or add this client to `clients` (or to the Secret, if `clientsSecret` names it)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"key": "a-key-of-twenty-digits", "keyHash": "sha256:00"}',
        '{"keyHash": "5e884898"}',
        '{"keyHash": "sha256:5e884898"}',
        '{"key": "a-key-of-twenty-digits", "metadata": []}',
        " \n",
    ],
)
def test_an_entry_that_the_gateway_can_not_read_is_named(text: str) -> None:
    shown = finding(WRONG_KEY, path(clients=secret({**CLIENTS, "old": text})), STRANGER)[1]
    assert shown.endswith("and this key is none of them; the gateway can't read its entry `old`")
    _, shown, _ = finding(WRONG_KEY, path(clients=secret({"old": text})), STRANGER)
    assert shown == f"{SECRET}, which {POLICY} names, has no client's key; the gateway can't read its entry `old`"


@pytest.mark.parametrize("text", [WEB, json.dumps({"key": WEB}), entry(WEB), UPPER_CASE])
def test_an_entry_without_a_name_is_known_by_its_own(text: str) -> None:
    _, shown, _ = finding(WRONG_KEY, path(clients=secret({"web": text})))
    assert shown == f"{SECRET} has this key as that of the client web, so the gateway hasn't taken note of it"


@pytest.mark.parametrize("text", [f"{WEB}\n", f" {WEB}"])
def test_blanks_around_a_bare_key_are_found(text: str) -> None:
    _, shown, fix = finding(WRONG_KEY, path(clients=secret({"web": text})))
    assert shown == (
        f"{SECRET} has this key in its entry `web`, but with blanks or a line's end around it, as a part of the key"
    )
    assert fix == "write the entry without them, or as its hash"


def test_a_key_that_the_gateway_has_not_heard_of_yet_is_the_controllers_matter() -> None:
    _, shown, fix = finding(WRONG_KEY, path(), CRON)
    assert shown == f"{SECRET} has this key as that of the client cron, so the gateway hasn't taken note of it"
    assert fix == (
        f"try again; if it happens again, check the status of {POLICY}, and that the gateway's controller runs"
    )
    refused = policy()
    refused["status"]["ancestors"][0]["conditions"] = [condition("Accepted", "False", "Invalid", "no such Secret")]
    assert finding(WRONG_KEY, path(refused), CRON)[1:] == (
        f"{POLICY}, which asks for a client's key, is not accepted: Accepted is False: Invalid: no such Secret",
        "fix what the message names",
    )


def test_a_missing_secret_is_told_whoever_asks() -> None:
    missing = ClientsLookup(SECRET, is_missing=True)
    for key in (None, WEB):
        assert finding(WRONG_KEY, path(clients=missing), key)[1:] == (
            f"{SECRET}, which {POLICY} names, does not exist, so the gateway accepts no key",
            "run `pulumi up --refresh` if the stack creates the Secret; otherwise create it with the clients' keys",
        )


def test_a_secret_that_can_not_be_read_is_not_blamed_for_a_wrong_key() -> None:
    unread = path(clients=ClientsLookup(SECRET, error="403 Forbidden"))
    generic = finding(WRONG_KEY, RequestPath(unavailable="no"), STRANGER)
    assert finding(WRONG_KEY, unread, STRANGER) == generic
    assert generic[:2] == ("caller", "")


def test_a_key_in_another_header_than_the_policys_is_told() -> None:
    found = path(policy(client_auth_header={"header_name": "x-api-key"}))
    assert finding(WITHOUT_KEY, found, WEB, header="authorization")[1:] == (
        f"{POLICY} takes a client's key from the header x-api-key, and the request had it in Authorization",
        "leave out --token-header, or give it this header",
    )
    assert "in the header x-api-key, and the request had none" in finding(WITHOUT_KEY, found, None)[1]


@pytest.mark.parametrize(
    ("location", "header", "expected"),
    [
        (None, None, ("Authorization", "Bearer ")),
        (None, "authorization", ("Authorization", "Bearer ")),
        (None, "api-key", ("api-key", "")),
        ({"header": {"name": "x-api-key"}}, None, ("x-api-key", "")),
        ({"header": {"name": "x-api-key", "prefix": "Key "}}, None, ("x-api-key", "Key ")),
        ({"header": {"name": "x-api-key", "prefix": "Key "}}, "X-Api-Key", ("x-api-key", "Key ")),
        ({"header": {"name": "x-api-key"}}, "Authorization", ("Authorization", "Bearer ")),
        ({"cookie": {"name": "key"}}, None, ("Authorization", "Bearer ")),
    ],
)
def test_a_key_goes_where_the_policy_says_unless_another_header_is_given(
    location: Object | None, header: str | None, expected: tuple[str, str]
) -> None:
    asking = policy()
    asking["spec"]["traffic"]["apiKeyAuthentication"] |= {"location": location} if location else {}
    placed = Access([asking]).place(WEB, header)
    assert (placed.header, placed.prefix, placed.value) == (*expected, WEB)
    assert WEB not in repr(placed)


def test_a_model_that_the_client_may_not_use_is_told_with_those_that_it_may() -> None:
    assert finding(FORBIDDEN, path()) == (
        "caller",
        "the client web may use fast, mistral-*, gpt-4.1, and the request is for deepseek-chat",
        "ask for a model that this client may use, or add this one to the client's `models`",
    )
    for close in ("mistra", "xmistral-a", "gpt-421", "FAST", "fastest"):
        assert "and the request is for" in finding(FORBIDDEN, path(), model=close)[1]


@pytest.mark.parametrize(
    ("key", "model", "client"), [(WEB, "mistral-a", "web"), (WEB, "fast", "web"), (CRON, "x", "cron")]
)
def test_where_the_client_may_use_the_model_another_rule_forbids_the_request(key: str, model: str, client: str) -> None:
    hop, shown, fix = finding(FORBIDDEN, path(), key, model)
    assert (hop, shown) == ("caller", f"the client {client} may use {model}, so this isn't about its models")
    assert fix.startswith("find the rule or policy of route, Gateway or listener that forbids the request")


def test_a_rule_on_models_is_not_blamed_for_what_it_does_not_ask() -> None:
    unchanged = finding(FORBIDDEN, RequestPath(unavailable="no"))
    assert unchanged[:2] == ("caller", "")
    assert unchanged[2].startswith("use the key of a client that may make this request (--token-variable), or find")
    assert finding(FORBIDDEN, path(policy(clients=None))) == unchanged
    assert finding(FORBIDDEN, path(), endpoint=Endpoint.MODELS) == unchanged
    assert finding(FORBIDDEN, replace(path(), access_policies=None)) == unchanged


@pytest.mark.parametrize("endpoints", ["all", "chat"])
@pytest.mark.parametrize("fixed", [{"model": "mistral-large"}, {"request_overrides": {"model": "mistral-large"}}])
def test_of_chat_completions_the_providers_own_model_counts(fixed: Object, endpoints: str) -> None:
    asking = policy(**fixed, endpoints=endpoints)
    _, shown, _ = finding(FORBIDDEN, path(asking, clients=secret({"web": entry(WEB, client="web", models="fast")})))
    assert shown == "the client web may use fast, and the request is for mistral-large"


def test_of_embeddings_the_requests_own_model_counts() -> None:
    asking = path(policy(model="mistral-large"))
    _, shown, _ = finding(FORBIDDEN, asking, model="embed", endpoint=Endpoint.EMBEDDINGS)
    assert shown == "the client web may use fast, mistral-*, gpt-4.1, and the request is for embed"


@pytest.mark.parametrize("clients", [ClientsLookup(SECRET, error="403 Forbidden"), ClientsLookup()])
def test_a_client_that_can_not_be_found_out_may_lack_the_model(clients: ClientsLookup) -> None:
    _, shown, fix = finding(FORBIDDEN, path(clients=clients))
    assert shown == f"{POLICY} allows each client its own models, and whose key this is can't be read"
    assert fix.startswith(
        "ask for a model that this client may use, or add deepseek-chat to the client's `models`; if "
    )


@pytest.mark.parametrize("models", [["fast"], "(", 5])
def test_models_that_are_no_regular_expression_are_told(models: object) -> None:
    _, shown, fix = finding(FORBIDDEN, path(clients=secret({"web": entry(WEB, client="w", models=models)})))
    assert shown == (
        f"{SECRET} has, in the metadata of its entry `web`, `models` that are no regular expression, so {POLICY} "
        "forbids every request with a model"
    )
    assert fix == 'write them as one regular expression, such as "fast|mistral-.*", or leave them out'


def limited(per: str, **limit: int) -> Object:
    """Makes the arguments by which the client web has a limit."""
    return clients(rate_limits=[{**limit, "per": per}])


def test_a_clients_own_limit_at_the_gateway_is_told() -> None:
    assert finding(LIMITED, path(policy(**limited("minute", tokens=4)))) == (
        "caller",
        f"{POLICY} lets the client web use 4 tokens per minute",
        "wait and try again, or raise the client's limit (its `rateLimits` in `clients`)",
    )


def test_whose_limit_is_reached_may_not_be_found_out() -> None:
    unread = ClientsLookup(SECRET, error="403 Forbidden")
    hop, shown, _ = finding(LIMITED, path(policy(**limited("hour", requests=9, burst=3)), clients=unread))
    assert (hop, shown) == (
        "caller",
        f"{POLICY} limits the clients web (9 requests per hour, and a burst of 3), and whose key this is can't be read",
    )


@pytest.mark.parametrize(
    ("arguments", "key"),
    [({"rate_limits": [{"requests": 5, "per": "minute"}]}, WEB), (limited("minute", tokens=4), CRON), ({}, WEB)],
)
def test_a_limit_that_is_not_the_clients_is_the_routes(arguments: Object, key: str) -> None:
    assert finding(LIMITED, path(policy(**arguments)), key) == (
        "limit",
        "",
        "wait and try again, or raise the route's limit (`rateLimits`) or the client's (`rateLimits` in `clients`)",
    )


ENDPOINT = f"limits.svc:8081 ({BACKEND})"
BY_SERVICE: Object = {"rate_limit_service": {"host": "limits.svc"}}
STATIC = Lookup(BACKEND, {"spec": service_spec(settings(**BY_SERVICE))})


def test_a_service_that_does_not_answer_is_told_with_its_address() -> None:
    hop, shown, fix = finding(SERVICE_FAILED, path(policy(**BY_SERVICE), rate_limit_service=STATIC))
    assert (hop, shown) == ("request", f"{POLICY} asks the rate limit service {ENDPOINT}")
    assert fix == (
        "check that the service runs there, that it reaches its Redis, and that the gateway can reach it; with "
        "`failOpen` of `rateLimitService`, requests pass while it can't"
    )


def test_a_backend_of_the_service_that_is_missing_is_told() -> None:
    missing = replace(STATIC, found={}, is_missing=True)
    assert finding(SERVICE_FAILED, path(policy(**BY_SERVICE), rate_limit_service=missing))[1:] == (
        f"there is no {STATIC.name}, by which {POLICY} asks the rate limit service",
        "`pulumi up --refresh`",
    )


def test_a_service_of_somebody_elses_is_named_as_the_policy_names_it() -> None:
    foreign = policy(**BY_SERVICE)
    reference = {"name": "limits", "namespace": "infra", "port": 8081}
    foreign["spec"]["traffic"]["rateLimit"]["global"]["backendRef"] = reference
    shown = finding(SERVICE_FAILED, path(foreign))[1]
    assert shown == f"{POLICY} asks the rate limit service Service infra/limits, port 8081"
    unread = replace(STATIC, found={}, error="403 Forbidden")
    assert finding(SERVICE_FAILED, path(policy(**BY_SERVICE), rate_limit_service=unread))[1] == (
        f"{POLICY} asks the rate limit service {STATIC.name}"
    )


def test_without_the_policies_a_failed_service_is_still_told() -> None:
    fix = "check that the rate limit service that the route's policy names (`rateLimitService`) runs and can be reached"
    for found in (RequestPath(unavailable="no"), replace(path(), access_policies=None), path()):
        assert finding(SERVICE_FAILED, found) == ("request", "", fix)


def config_map(text: str) -> Lookup:
    return Lookup("ConfigMap gloo-system/llm-rate-limits", {"data": {"limits.yaml": text}})


def configuration(*limits: Object) -> str:
    return service_config(settings(**clients(rate_limits=limits), **BY_SERVICE))["limits.yaml"]


SAID = f"HTTP 429 without a body, as of the rate limit service that {POLICY} asks, {ENDPOINT}"


def test_a_limit_of_the_service_is_the_clients() -> None:
    found = path(policy(**BY_SERVICE), rate_limit_service=STATIC)
    hop, shown, fix = finding(BARE_LIMIT, found)
    assert (hop, shown) == ("caller", SAID)
    assert fix == (
        "wait and try again, or raise the client's limit: its `rateLimits` in `clients`, or the service's own "
        "configuration"
    )
    two = configuration({"tokens": 200000, "per": "day"}, {"requests": 6, "per": "minute"})
    told = finding(BARE_LIMIT, replace(found, rate_limits=config_map(two)))[1]
    assert told == (
        f"{SAID}; ConfigMap gloo-system/llm-rate-limits lets the client web use 200000 tokens per day, 6 requests per "
        "minute"
    )


LIMITED_BY_DAY = configuration({"tokens": 9, "per": "day"})
NOT_OURS = LIMITED_BY_DAY.replace("rate_limit", "unlimited")


@pytest.mark.parametrize(
    "text", ["", "domain: llm", "[]", "{}", configuration(), LIMITED_BY_DAY.replace('"web"', '"cron"'), NOT_OURS]
)
def test_a_configuration_without_the_clients_limits_says_nothing(text: str) -> None:
    found = path(policy(**BY_SERVICE), rate_limit_service=STATIC, rate_limits=config_map(text))
    assert finding(BARE_LIMIT, found)[:2] == ("caller", SAID)


def test_a_429_that_says_nothing_may_be_the_services_where_the_policies_are_not_known() -> None:
    shown = (
        "HTTP 429 without a body, from the gateway's rate limit service if it has one, the provider, or something in "
        "front of the gateway"
    )
    for found in (RequestPath(unavailable="no"), replace(path(), access_policies=None)):
        assert finding(BARE_LIMIT, found)[:2] == ("limit", shown)
    hop, shown, _ = finding(BARE_LIMIT, path())
    assert (hop, shown.startswith("HTTP 429 from the provider")) == ("limit", True)
    with_body = HTTPError(429, "application/json", "{}")
    assert finding(with_body, path(policy(**BY_SERVICE), rate_limit_service=STATIC))[0] == "limit"


def test_what_is_not_about_a_clients_key_is_left_to_what_it_says() -> None:
    token = HTTPError(401, "text/plain", "authentication failure: no bearer token found")
    generic = finding(token, RequestPath(unavailable="no"))
    assert generic[2].startswith(
        "put a client's key, or a token that the gateway accepts, into an environment variable"
    )
    no_keys = policy()
    del no_keys["spec"]["traffic"]["apiKeyAuthentication"]
    assert finding(token, path(no_keys)) == generic


def test_the_policies_of_a_rule_are_those_for_it_and_for_all_of_the_route() -> None:
    route = {"metadata": {"name": "mistral", "namespace": "gloo-system", "labels": {"team": "a"}}}
    whole, own, other = policy(), policy("own", "models"), policy("other", "unknown")
    elsewhere, of_gateway, selecting = policy("elsewhere"), policy("of-gateway"), policy("selecting")
    elsewhere["spec"]["targetRefs"][0]["name"] = "deepseek"
    of_gateway["spec"]["targetRefs"][0]["kind"] = "Gateway"
    selecting["spec"] |= {"targetRefs": None, "targetSelectors": [{"kind": "HTTPRoute", "matchLabels": {"team": "a"}}]}
    every = [whole, own, other, elsewhere, of_gateway, selecting]
    assert policies_for(every, route, "models") == (whole, own, selecting)
    assert policies_for(every, route, None) == (whole, selecting)


def test_a_list_says_that_a_client_sees_its_own_models_alone() -> None:
    web, cron = secret().clients[1], secret().clients[0]
    answer = Answer(Endpoint.MODELS, "", ("fast",), 0.5)
    assert format_summary(answer) == format_summary(answer, cron) == "1 models, 0.50 s"
    assert format_summary(answer, web) == (
        "1 models, 0.50 s; the client web may use fast, mistral-*, gpt-4.1, and sees no other"
    )


def test_a_key_is_in_no_text_of_what_holds_it() -> None:
    assert WEB not in repr(ClientKey(WEB))
    assert digest(WEB) not in repr(secret())
