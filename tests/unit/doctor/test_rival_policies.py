"""Which policies beside the component's are named: those that set the same, of which one counts, and no others."""

from typing import Any

import pytest

from components.openai_compatible_llm.backends import AGENTGATEWAY, model_routing
from components.openai_compatible_llm.doctor.request_path import Lookup, RequestPath
from components.openai_compatible_llm.doctor.rival_policies import find_rivals
from components.openai_compatible_llm.doctor.targets import Target
from components.openai_compatible_llm.inputs import parse, parse_gateway

NAMESPACE = "gloo-system"
OWN, RIVAL = f"AgentgatewayPolicy {NAMESPACE}/mistral", f"AgentgatewayPolicy {NAMESPACE}/theirs"
ROUTE, BACKEND = f"HTTPRoute {NAMESPACE}/mistral", f"AgentgatewayBackend {NAMESPACE}/mistral"
ANY = "only one of the two counts, and the gateway doesn't define which"
RETRY = {"retry": {"attempts": 5}}
FALLBACK = {"name": "eu", "host": "eu.example.com", "api_key": "key"}

Object = dict[str, Any]


def made(kind: str, name: str, spec: Any, namespace: str = NAMESPACE, **labels: str) -> Object:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def target(kind: str, name: str, **more: Any) -> Object:
    return {"kind": kind, "name": name, **more}


AT_ROUTE, AT_GATEWAY = target("HTTPRoute", "mistral"), target("Gateway", "agentgateway")
AT_BACKEND = target("AgentgatewayBackend", "mistral")


def rivals(
    at: Object,
    *,
    strategy: str = "",
    namespace: str = NAMESPACE,
    by: str = "targetRefs",
    arguments: Object | None = None,
    **parts: Any,
) -> list[str]:
    """Returns what is said of one policy beside those that the component makes with these arguments."""
    given = {"preset": "mistral", "api_key": "key", "api": "agentgateway", **(arguments or {})}
    settings: Any = parse("mistral", given).settings
    spec: Object = {by: [at], **parts, **({"strategy": {"inheritance": strategy}} if strategy else {})}
    listeners = [{"name": "http", "port": 8080}, {"name": "other", "port": 9000, "hostname": "other.example.com"}]
    path = RequestPath(
        "kind",
        Lookup(ROUTE, made("HTTPRoute", "mistral", AGENTGATEWAY.route_spec(settings), team="llm")),
        Lookup("", made("Gateway", "agentgateway", {"listeners": listeners})),
        backend=Lookup(BACKEND, made("AgentgatewayBackend", "mistral", AGENTGATEWAY.spec(settings))),
        responding_route=Lookup(ROUTE, made("HTTPRoute", "mistral", AGENTGATEWAY.route_spec(settings), team="llm")),
        agentgateway_policies=(
            made("AgentgatewayPolicy", "mistral", AGENTGATEWAY.policy_spec(settings)),
            made("AgentgatewayPolicy", "theirs", spec, namespace),
        ),
    )
    asked = Target("mistral", "http://gw.example.com/mistral/v1", "/mistral", "m")
    return [str(each) for each in find_rivals(path, asked)]


def test_a_second_policy_on_the_route_is_named_with_the_fields_of_both_and_what_to_do() -> None:
    limits = {"rate_limits": [{"requests": 9, "per": "minute"}], "retries": {"attempts": 2}}
    traffic = {"rateLimit": {"local": [{"requests": 1, "unit": "Hours"}]}, **RETRY, "cors": {}}
    assert rivals(AT_ROUTE, arguments=limits, traffic=traffic) == [
        (
            f"{RIVAL} sets `traffic.rateLimit.local` and `traffic.retry`, as {OWN} does: {ANY}. To set them "
            f"once, remove them from {RIVAL}, or leave out `rateLimits` and `retries` and `fallbacks`."
        )
    ]


@pytest.mark.parametrize(
    ("at", "by"), [(AT_ROUTE, "targetRefs"), ({"kind": "HTTPRoute", "matchLabels": {"team": "llm"}}, "targetSelectors")]
)
def test_a_policy_may_target_the_route_by_name_or_by_labels(at: Object, by: str) -> None:
    (said,) = rivals(at, by=by, arguments={"retries": {}}, traffic=RETRY)
    assert said.startswith(f"{RIVAL} sets `traffic.retry`, as {OWN} does: {ANY}.")


@pytest.mark.parametrize(
    ("at", "more"),
    [
        (target("HTTPRoute", "deepseek"), {}),
        (target("Gateway", "mistral"), {}),
        (target("GRPCRoute", "mistral"), {}),
        (target("HTTPRoute", "mistral", sectionName="of-no-rule"), {}),
        (target("Gateway", "agentgateway", sectionName="other"), {}),
        ({"kind": "HTTPRoute", "matchLabels": {"team": "web"}}, {"by": "targetSelectors"}),
        (AT_ROUTE, {"namespace": "another"}),
        (AT_ROUTE, {"arguments": {}}),
        (AT_GATEWAY, {"traffic": {"phase": "PreRouting", **RETRY}}),
        (AT_ROUTE, {"traffic": {"jwtAuthentication": {}, "cors": {}, "rateLimit": {"local": []}}}),
        (AT_ROUTE, {"traffic": {"authorization": {"action": "Deny"}}}),
        (AT_ROUTE, {"traffic": dict.fromkeys(("phase", "retry", "rateLimit", "headerModifiers"))}),
        (AT_GATEWAY, {"frontend": {"http": {}}, "traffic": {}}),
        (AT_BACKEND, {"traffic": {}, "backend": {"tcp": {}, "ai": {"promptGuard": {}}}}),
    ],
)
def test_policies_elsewhere_or_on_other_fields_are_not_named(at: Object, more: Object) -> None:
    assert rivals(at, **{"arguments": {"retries": {}}, "traffic": RETRY, **more}) == []


def test_a_policy_that_sets_the_same_to_the_same_is_not_named() -> None:
    same = {"retry": {"attempts": 2, "codes": [429], "backoff": "50ms"}}
    assert rivals(AT_ROUTE, arguments={"retries": {"attempts": 2, "status_codes": [429]}}, traffic=same) == []


@pytest.mark.parametrize("listener", [{}, {"sectionName": "http"}])
def test_the_routes_policy_counts_rather_than_one_of_its_gateway_or_listener(listener: Object) -> None:
    at = target("Gateway", "agentgateway", **listener)
    (said,) = rivals(at, arguments={"retries": {}}, traffic=RETRY)
    assert f"as {OWN} does: for this request, {OWN} counts alone. To set it once, remove it from {RIVAL}, " in said


@pytest.mark.parametrize("at", [AT_GATEWAY, AT_ROUTE])
def test_one_that_overrides_counts_wherever_it_is(at: Object) -> None:
    (said,) = rivals(at, strategy="Override", arguments={"retries": {}}, traffic=RETRY)
    assert f": for this request, {RIVAL} counts alone. " in said


@pytest.mark.parametrize(("at", "effect"), [(AT_GATEWAY, f"for this request, {RIVAL} counts alone"), (AT_ROUTE, ANY)])
def test_authorization_adds_up_unless_the_other_overrides_it(at: Object, effect: str) -> None:
    authorization = {"authorization": {"action": "Deny"}}
    assert rivals(at, strategy="Override", traffic=authorization) == [
        f"{RIVAL} sets `traffic.authorization`, as {OWN} does: {effect}. To set it once, remove it from {RIVAL}."
    ]
    assert rivals(at, traffic=authorization) == []


def test_limits_under_conditions_meet_those_of_their_kind_alone() -> None:
    limited = {"clients": {"web": {"api_key": "k" * 20, "rate_limits": [{"tokens": 4, "per": "minute"}]}}}
    local = {"rateLimit": {"local": [{"requests": 1, "unit": "Hours"}]}}
    (said,) = rivals(AT_ROUTE, arguments=limited, traffic=local)
    assert said.startswith(f"{RIVAL} sets `traffic.rateLimit.local`, as")
    assert rivals(AT_ROUTE, arguments=limited, traffic={"rateLimit": {"global": {"domain": "llm"}}}) == []


def test_what_the_route_itself_says_counts_rather_than_a_policy() -> None:
    arguments = {"request_timeout_seconds": 30, "keyless": True, "api_key": None}
    traffic = {"timeouts": {"request": "5s"}, "headerModifiers": {"request": {"add": []}, "response": {"add": []}}}
    assert rivals(AT_ROUTE, arguments=arguments, traffic=traffic) == [
        (
            f"{RIVAL} sets `traffic.timeouts` and `traffic.headerModifiers.request`, as {ROUTE} does: for this "
            f"request, {ROUTE} counts alone. To set them once, remove them from {RIVAL}, or leave out "
            "`requestTimeoutSeconds`."
        )
    ]


@pytest.mark.parametrize("at", [AT_BACKEND, AT_ROUTE, AT_GATEWAY])
@pytest.mark.parametrize("fallbacks", [[], [FALLBACK]])
def test_the_backends_own_policies_count_rather_than_others(at: Object, fallbacks: list[Object]) -> None:
    theirs = {"tls": {"sni": "x.example.com"}, "ai": {"routes": {"*": "Passthrough"}, "prompts": {}}}
    (said,) = rivals(at, arguments={"fallbacks": fallbacks, "endpoints": "all"}, backend=theirs)
    assert sorted(said.partition(" sets ")[2].partition(",")[0].split(" and ")) == [
        "`backend.ai.routes`",
        "`backend.tls`",
    ]
    assert f"as {BACKEND} does: for this request, {BACKEND} counts alone. " in said


def test_a_policy_for_the_backends_only_provider_counts_and_takes_the_place_of_all_about_llm_requests() -> None:
    at = target("AgentgatewayBackend", "mistral", sectionName="backend")
    (said,) = rivals(at, backend={"tls": {"sni": "x.example.com"}, "ai": {"prompts": {}}})
    assert said.startswith(
        f"{RIVAL} sets `backend.ai` and `backend.tls`, as {BACKEND} does: for this request, {RIVAL} "
    )


def test_a_fallbacks_own_policies_count_rather_than_one_for_it() -> None:
    arguments = {"fallbacks": [FALLBACK], "endpoints": "all"}
    at = target("AgentgatewayBackend", "mistral", sectionName="eu")
    (said,) = rivals(at, arguments=arguments, backend={"tls": {"sni": "x.example.com"}})
    assert f": for this request, {BACKEND} counts alone. " in said
    (said,) = rivals(at, arguments=arguments, backend={"ai": {"prompts": {}}})
    assert f"sets `backend.ai`, as {BACKEND} does: for this request, {RIVAL} counts alone. " in said


class Shared:
    """What an OpenAICompatibleGateway makes, at the rule that answers with the list of models."""

    def __init__(self, **arguments: Any) -> None:
        self.settings: Any = parse_gateway("llm", {"route_path": "/llm", "client_label": True, **arguments}).settings

    def rivals(self, at: Object, **parts: Any) -> list[str]:
        settings = self.settings
        route = Lookup(f"HTTPRoute {NAMESPACE}/llm", made("HTTPRoute", "llm", model_routing.route_spec(settings)))
        own = {
            "llm": model_routing.policy_spec(settings),
            "llm-gateway": model_routing.gateway_policy_spec(settings),
            "llm-models": model_routing.models_policy_spec(settings),
            "llm-unknown": model_routing.unknown_policy_spec(settings),
        }
        found = {**own, "theirs": {"targetRefs": [at], **parts}}
        path = RequestPath(
            "kind",
            Lookup(),
            Lookup("", made("Gateway", "agentgateway", {"listeners": [{"name": "http", "port": 8080}]})),
            shared_route=route,
            responding_route=route,
            responding_rule="models",
            agentgateway_policies=tuple(made("AgentgatewayPolicy", name, spec) for name, spec in found.items()),
        )
        asked = Target("", "http://gw.example.com/llm/v1", "/llm", None)
        return [str(each) for each in find_rivals(path, asked)]


def test_the_gateways_labels_and_the_reading_of_the_model_are_compared_at_a_shared_url() -> None:
    log: Object = {"frontend": {"accessLog": {"attributes": {"add": []}}, "tracing": {}}}
    assert Shared().rivals(AT_GATEWAY, **log) == [
        (
            f"{RIVAL} sets `frontend.accessLog`, as AgentgatewayPolicy {NAMESPACE}/llm-gateway does: {ANY}. To set it "
            f"once, remove it from {RIVAL}, or leave out `clientLabel`."
        )
    ]
    (said,) = Shared().rivals(target("Gateway", "agentgateway", port=8080), **log)
    assert f": for this request, {RIVAL} counts alone. " in said
    assert Shared().rivals(target("Gateway", "agentgateway", port=9000), **log) == []
    reading = {"traffic": {"phase": "PreRouting", "transformation": {"request": {"remove": ["x"]}}}}
    (said,) = Shared().rivals(AT_GATEWAY, **reading)
    assert said.startswith(f"{RIVAL} sets `traffic.transformation`, as AgentgatewayPolicy {NAMESPACE}/llm does: {ANY}.")
    (said,) = Shared(gateway={"section_name": "http"}).rivals(AT_GATEWAY, **reading)
    assert f": for this request, AgentgatewayPolicy {NAMESPACE}/llm counts alone. " in said


def test_the_answer_of_a_rule_counts_rather_than_one_of_its_route() -> None:
    answer = {"traffic": {"directResponse": {"status": 200}}}
    own = f"AgentgatewayPolicy {NAMESPACE}/llm-models"
    (said,) = Shared().rivals(target("HTTPRoute", "llm"), **answer)
    assert f", as {own} does: for this request, {own} counts alone. " in said
    (said,) = Shared().rivals(target("HTTPRoute", "llm", sectionName="models"), **answer)
    assert f", as {own} does: {ANY}. " in said
    assert Shared().rivals(target("HTTPRoute", "llm", sectionName="unknown"), **answer) == []
