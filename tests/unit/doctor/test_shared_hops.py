"""Why no provider takes a request at the URL that they share: by the response, and by the objects in the cluster."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.openai_compatible_llm.backends import AGENTGATEWAY, model_routing
from components.openai_compatible_llm.doctor.diagnosis import diagnose
from components.openai_compatible_llm.doctor.hops import Finding, Hop
from components.openai_compatible_llm.doctor.inspection import Evidence
from components.openai_compatible_llm.doctor.model_routing import find_routes
from components.openai_compatible_llm.doctor.outcome import Endpoint, HTTPError
from components.openai_compatible_llm.doctor.printing import format_finding
from components.openai_compatible_llm.doctor.request_path import Lookup, RequestPath
from components.openai_compatible_llm.doctor.shared_url import SharedUrl
from components.openai_compatible_llm.doctor.targets import Target
from components.openai_compatible_llm.inputs import parse, parse_gateway
from tests.support.chat_run import NO_CLUSTER, ChatRun
from tests.support.provider_objects import API_KEY, condition
from tests.support.stand_in_gateway import StandInGateway, not_served, not_served_error, providers
from tests.unit.doctor.conftest import Chat, Stack

URL = SharedUrl({"mistral": ["mistral-*", "fast"], "deepseek": ["deepseek-chat"]}, "gloo-system", "llm")
NOT_SERVED = 'HTTP 404 from the gateway itself: The model "{}" is not served at this URL'
TAKEN = f"{NOT_SERVED.format('fast')}, yet by the outputs of stack prod, mistral takes it"
CHECK_ACCEPTED = (
    "check that the HTTPRoutes, and the AgentgatewayPolicy that reads the model, are accepted (`kubectl describe "
    "httproutes,agentgatewaypolicies -A`), or give another --gateway-url (with make: GATEWAY_URL=...)"
)
ASK_FOR_ANOTHER = (
    "ask for a model of this URL (--models lists those that the client may use), or add this one to the `models` of a "
    "provider"
)
RESTORE = "`pulumi up --refresh` in the stack that has `shared`"
GATEWAY = "Gateway gloo-system/agentgateway"
POLICY, OTHER_POLICY = "AgentgatewayPolicy gloo-system/llm", "AgentgatewayPolicy gloo-system/other"

Object = dict[str, Any]


def target(model: str | None = "fast", stack: str | None = "prod", path: str = "/llm") -> Target:
    shared = URL if stack else None
    return Target("mistral", f"http://llm.example.com{path}/v1", path, model, stack, shared=shared)


def made(kind: str, name: str, spec: Object, *conditions: Object) -> Object:
    """Makes an object with the status that a controller writes for each kind."""
    by_gateway = {"name": "agentgateway", "kind": "Gateway"}
    status = {
        "HTTPRoute": {"parents": [{"parentRef": by_gateway, "conditions": [*conditions]}]},
        "AgentgatewayPolicy": {"ancestors": [{"ancestorRef": by_gateway, "conditions": [*conditions]}]},
    }
    metadata = {"name": name, "namespace": "gloo-system"}
    return {"kind": kind, "metadata": metadata, "spec": copy.deepcopy(spec), "status": status.get(kind, {})}


class Cluster:
    """The objects of a shared URL and of a provider that has joined, by name, all accepted."""

    def __init__(self) -> None:
        accepted = condition("Accepted")
        shared: Any = parse_gateway("llm", {"route_path": "/llm", "models": {"mistral": ["fast"]}}).settings
        arguments = {"preset": "mistral", "api_key": API_KEY, "shared_route_path": "/llm", "models": ["fast"]}
        provider: Any = parse("mistral", {**arguments, "api": "agentgateway"}).settings
        listeners = [{"name": "http", "protocol": "HTTP", "port": 80}]
        self.gateway = made("Gateway", "agentgateway", {"listeners": listeners})
        self.shared_route = made("HTTPRoute", "llm", model_routing.route_spec(shared), accepted)
        self.route = made("HTTPRoute", "mistral", AGENTGATEWAY.route_spec(provider), accepted)
        specs = {
            "llm": model_routing.policy_spec(shared),
            "llm-models": model_routing.models_policy_spec(shared),
            "llm-unknown": model_routing.unknown_policy_spec(shared),
        }
        self.policies = {
            name: made("AgentgatewayPolicy", name, spec, accepted, condition("Attached"))
            for name, spec in specs.items()
        }

    def path(self, route: Lookup | None = None) -> RequestPath:
        return RequestPath(
            "kind",
            route or Lookup("HTTPRoute gloo-system/mistral", self.route),
            Lookup(GATEWAY, self.gateway),
            shared_route=Lookup("HTTPRoute gloo-system/llm", self.shared_route),
            gateway_policies=tuple(self.policies.values()),
        )

    def rival(self, **section: str) -> Object:
        """Adds a policy that transforms the Gateway's requests in another way."""
        spec = copy.deepcopy(self.policies["llm"]["spec"])
        spec["traffic"]["transformation"] = {"request": {"remove": ["x-debug"]}}
        spec["targetRefs"][0].update(section)
        self.policies["other"] = made("AgentgatewayPolicy", "other", spec)
        return self.policies["other"]

    def read_at(self, listener: str) -> None:
        self.policies["llm"]["spec"]["targetRefs"][0]["sectionName"] = listener

    def add_listener(self, name: str, **more: str) -> None:
        self.gateway["spec"]["listeners"].append({"name": name, **more})


def find(path: RequestPath, asked: Target, endpoint: Endpoint = Endpoint.CHAT) -> Finding:
    """Returns the broken hop where the gateway says that no provider takes the request."""
    text = json.dumps({"error": not_served_error(asked.model, asked.path)})
    return diagnose(Evidence(asked, path, HTTPError(404, "application/json", text), endpoint))


def check(finding: Finding, hop: Hop, evidence: str, remedy: str) -> None:
    assert (finding.hop, finding.evidence, finding.remedy) == (hop, evidence, remedy)


def route_finding(cluster: Cluster, route: Lookup | None = None) -> tuple[str, str]:
    """Returns what the objects show and what to do, where the hop `route` is broken for a model that a provider has."""
    finding = find(cluster.path(route), target())
    assert finding.hop is Hop.ROUTE
    said, _, shown = finding.evidence.partition("; ")
    assert said == TAKEN
    return shown, finding.remedy


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


OUTPUTS = {"shared": {"path": "/llm", "models": URL.models, "namespace": "gloo-system", "routeName": "llm"}}


def broken_at(run: ChatRun, hop: Hop) -> str:
    return run.broken_at(hop, note=NO_CLUSTER)


def test_a_model_that_nobody_has_is_told_with_those_of_the_stack(stack: Stack, gateway: StandInGateway) -> None:
    gateway.replies["/llm"] = not_served("gpt-4.1", "/llm")
    stack.set_outputs(OUTPUTS)
    run = stack.chat("--shared", "--model", "gpt-4.1", "--gateway-url", gateway.url)
    assert broken_at(replace(run, provider="gpt-4.1 at /llm"), Hop.MODEL_OR_PATH) == (
        f"{NOT_SERVED.format('gpt-4.1')}; by its outputs, stack prod has deepseek-chat, fast, mistral-*\n"
        f"{ASK_FOR_ANOTHER}"
    )


def test_a_model_that_a_provider_has_was_not_read_or_its_route_not_taken(stack: Stack, gateway: StandInGateway) -> None:
    stack.set_outputs(OUTPUTS)
    for model, says in (("fast", TAKEN), ("mistral-x", TAKEN.replace("fast", "mistral-x"))):
        gateway.replies["/llm"] = not_served(model, "/llm")
        run = stack.chat("--shared", "--model", model, "--gateway-url", gateway.url)
        assert broken_at(replace(run, provider=f"{model} at /llm"), Hop.ROUTE) == f"{says}\n{CHECK_ACCEPTED}"


@pytest.mark.parametrize("path", ["/llm", "/"])
def test_without_a_stack_the_gateways_own_words_tell_a_shared_url(chat: Chat, path: str) -> None:
    chat.gateway.replies[f"{path.rstrip('/')}/v1"] = not_served("gpt-x", path)
    where = ["--gateway-url", chat.gateway.url, "--path", path, "--model", "gpt-x"]
    run = chat.run(*where, "--kubeconfig", str(chat.no_kubeconfig))
    assert (
        broken_at(replace(run, provider=path), Hop.MODEL_OR_PATH) == f"{NOT_SERVED.format('gpt-x')}\n{ASK_FOR_ANOTHER}"
    )


OURS = not_served_error("m", "/mistral")


@pytest.mark.parametrize(
    "body",
    [
        {"error": OURS | {"param": None}},
        {"error": OURS | {"code": "not_found"}},
        {"error": OURS | {"type": "not_found_error"}},
        {"error": OURS | {"request_id": "1"}},
        {"error": OURS, "detail": "more"},
        {"error": not_served_error("m", "/other")},
        {"error": OURS | {"message": "The model `m` does not exist or you do not have access to it."}},
        OURS,
        [{"error": OURS}],
    ],
)
def test_a_providers_own_words_for_an_unknown_model_are_the_providers(chat: Chat, body: object) -> None:
    chat.gateway.replies_with(providers(404, body))
    assert broken_at(chat(), Hop.MODEL_OR_PATH).startswith("HTTP 404 from the provider")


@pytest.mark.parametrize(
    ("status", "content_type", "source"),
    [
        (404, "application/json; charset=utf-8", "the gateway itself"),
        (404, "text/html", "the provider"),
        (400, "application/json", "the provider"),
    ],
)
def test_the_gateways_words_are_json_with_status_404(chat: Chat, status: int, content_type: str, source: str) -> None:
    text = json.dumps({"error": OURS}).encode()
    chat.gateway.replies_with(lambda handler, _: handler.answer(status, text, content_type))
    assert broken_at(chat(), Hop.MODEL_OR_PATH).startswith(f"HTTP {status} from {source}")


def test_the_same_words_at_a_providers_own_url_are_those_of_a_gateway_behind_it(
    stack: Stack, gateway: StandInGateway
) -> None:
    gateway.replies_with(not_served("m", "/mistral"))
    stack.set_outputs({"providers": {"mistral": {"path": "/mistral", "model": "m"}}})
    run = stack.chat("--gateway-url", gateway.url)
    assert run.status == Hop.MODEL_OR_PATH.status
    assert "evidence: HTTP 404 from the provider" in run.stderr


def test_a_model_that_the_gateway_has_not_read_is_in_a_body_over_its_limit() -> None:
    error = HTTPError(404, "application/json", json.dumps({"error": not_served_error(None, "/llm")}))
    finding = diagnose(Evidence(target(), RequestPath(unavailable="no"), error))
    check(
        finding,
        Hop.LIMIT,
        "HTTP 404 from the gateway itself: This request names no model, so no provider can be chosen, yet it does "
        "name fast: the gateway reads no model in a body over its limit",
        "send less than 2 MB, or raise the gateway's limit (`maxRequestBytes` of `shared`)",
    )


def test_a_list_of_models_that_nobody_answers_is_the_routes_fault() -> None:
    finding = find(RequestPath(unavailable="no"), target(None), Endpoint.MODELS)
    check(
        finding,
        Hop.ROUTE,
        "HTTP 404 from the gateway itself: This request names no model, so no provider can be chosen; no rule "
        "answers GET /llm/v1/models",
        "check that the rules of the HTTPRoute of `shared` are as the stack made them: `pulumi up --refresh`",
    )


def test_objects_that_are_as_they_should_be_leave_what_the_response_shows(cluster: Cluster) -> None:
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)


def test_without_a_policy_nothing_reads_the_model(cluster: Cluster) -> None:
    policy = cluster.policies.pop("llm")
    missing = (
        f"no AgentgatewayPolicy sets the header x-llm-model for {GATEWAY} before routing, so nothing reads the model"
    )
    expected = (f"{missing} of requests", RESTORE)
    assert route_finding(cluster) == expected

    def of_another_gateway(spec: Any) -> None:
        spec["targetRefs"][0]["name"] = "edge"

    def after_routing(spec: Any) -> None:
        del spec["traffic"]["phase"]

    def of_another_header(spec: Any) -> None:
        spec["traffic"]["transformation"]["request"]["set"][0]["name"] = "x-model"

    for change in (of_another_gateway, after_routing, of_another_header):
        cluster.policies["llm"] = copy.deepcopy(policy)
        change(cluster.policies["llm"]["spec"])
        assert route_finding(cluster) == expected


def test_a_policy_may_select_the_gateway_by_its_labels(cluster: Cluster) -> None:
    spec = cluster.policies["llm"]["spec"]
    (reference,) = spec.pop("targetRefs")
    spec["targetSelectors"] = [{"group": reference["group"], "kind": "Gateway", "matchLabels": {"for": "llms"}}]
    assert "nothing reads the model" in route_finding(cluster)[0]
    cluster.gateway["metadata"]["labels"] = {"for": "llms", "of": "us"}
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)


def test_of_two_policies_of_another_text_both_are_named(cluster: Cluster) -> None:
    cluster.rival()
    shown, fix = route_finding(cluster)
    assert shown == (
        f"{POLICY} and {OTHER_POLICY} transform the requests to {GATEWAY} before routing, each in another way, and "
        "only one of them works"
    )
    assert fix == (
        "delete the one that `shared` didn't make, or set `gateway.sectionName` of `shared` to a listener of its own"
    )
    cluster.rival(sectionName="http")
    assert f"{POLICY} and {OTHER_POLICY}" in route_finding(cluster)[0]


def test_two_policies_that_read_the_model_in_other_ways_are_named(cluster: Cluster) -> None:
    rival = cluster.rival()
    transformation = copy.deepcopy(cluster.policies["llm"]["spec"]["traffic"]["transformation"])
    transformation["request"]["set"][0]["value"] = '"fast"'
    rival["spec"]["traffic"]["transformation"] = transformation
    assert f"{POLICY} and {OTHER_POLICY} transform" in route_finding(cluster)[0]


def test_two_policies_of_one_text_or_one_of_another_listener_work_beside_each_other(cluster: Cluster) -> None:
    text = cluster.policies["llm"]["spec"]["traffic"]
    cluster.rival()["spec"]["traffic"] = copy.deepcopy(text)
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)
    cluster.add_listener("other", hostname="other.example.com")
    cluster.rival(sectionName="other")
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)
    # The policy of a listener goes before the whole Gateway's.
    cluster.rival()
    cluster.read_at("http")
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)


def test_a_policy_of_another_listener_than_the_requests_is_told(cluster: Cluster) -> None:
    cluster.add_listener("llm", hostname="other.example.com")
    cluster.read_at("llm")
    expected = (
        f"{POLICY} reads the model on the listener llm of {GATEWAY}, and the request came by http",
        "set `gateway.sectionName` of `shared` to the listener of the URL, or leave it out",
    )
    assert route_finding(cluster) == expected
    del cluster.gateway["spec"]["listeners"][1]["hostname"]
    # Now it can't be told by which listener the request came.
    assert route_finding(cluster) == ("", CHECK_ACCEPTED)
    cluster.shared_route["spec"]["parentRefs"][0]["sectionName"] = "http"
    assert route_finding(cluster) == expected


def test_a_policy_that_is_not_accepted_is_told_in_the_controllers_words(cluster: Cluster) -> None:
    refused = condition("Accepted", "False", "Invalid", "no such field")
    cluster.policies["llm"]["status"]["ancestors"][0]["conditions"] = [refused]
    assert route_finding(cluster) == (
        f"{POLICY}, which reads the model, is not accepted: Accepted is False: Invalid: no such field",
        "fix what the message names",
    )


def test_a_providers_route_that_is_missing_is_told(cluster: Cluster) -> None:
    shown, fix = route_finding(cluster, Lookup("HTTPRoute gloo-system/mistral", is_missing=True))
    assert shown == "there is no HTTPRoute gloo-system/mistral in the cluster of context kind"
    assert fix.startswith("run `pulumi up -s prod`")


def test_a_providers_route_that_is_not_accepted_is_told(cluster: Cluster) -> None:
    refused = condition("Accepted", "False", "NotAllowedByListeners", "not this namespace")
    cluster.route["status"]["parents"][0]["conditions"] = [refused]
    shown, fix = route_finding(cluster)
    assert shown == (
        "the Gateway gloo-system/agentgateway doesn't accept HTTPRoute gloo-system/mistral: Accepted is False: "
        "NotAllowedByListeners: not this namespace"
    )
    assert "`allowedRoutes`" in fix


def test_a_providers_route_at_another_gateway_or_listener_is_told(cluster: Cluster) -> None:
    fix = "give the provider and `shared` the same `gateway`"
    of_shared = "HTTPRoute gloo-system/llm to the Gateway gloo-system/agentgateway"
    parent = cluster.route["spec"]["parentRefs"][0]
    parent["name"] = "edge"
    shown = f"HTTPRoute gloo-system/mistral attaches to the Gateway gloo-system/edge, and {of_shared}"
    assert route_finding(cluster) == (shown, fix)
    parent.update(name="agentgateway", sectionName="edge")
    cluster.shared_route["spec"]["parentRefs"][0]["sectionName"] = "http"
    assert route_finding(cluster)[0] == (
        "HTTPRoute gloo-system/mistral attaches to the Gateway gloo-system/agentgateway, listener edge, "
        f"and {of_shared}, listener http"
    )


def test_a_providers_route_for_other_host_names_is_told(cluster: Cluster) -> None:
    cluster.route["spec"]["hostnames"] = ["ai.example.com"]
    assert route_finding(cluster)[0] == (
        "HTTPRoute gloo-system/mistral matches ai.example.com, and the request was for llm.example.com"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda rules: rules.pop(),
        lambda rules: rules[2]["matches"][0]["headers"][0].update(value="^(slow)$"),
        lambda rules: rules[2]["matches"][0]["headers"][0].update(value="fas"),
        lambda rules: rules[2]["matches"][0]["headers"][0].update(value="("),
        lambda rules: rules[2]["matches"][0]["headers"][0].update(type="Exact", value="slow"),
        lambda rules: rules[2]["matches"][0]["path"].update(value="/other"),
    ],
)
def test_a_providers_route_without_a_rule_for_the_model_is_told(
    cluster: Cluster, change: Callable[[Any], object]
) -> None:
    change(cluster.route["spec"]["rules"])
    assert route_finding(cluster) == (
        "HTTPRoute gloo-system/mistral has no rule for the model fast at /llm",
        "`pulumi up --refresh`",
    )


def test_a_model_of_nobodys_is_no_fault_of_the_objects_but_for_a_missing_policy(cluster: Cluster) -> None:
    none = Lookup("HTTPRoute with the model gpt-x at /llm", is_missing=True)
    finding = find(cluster.path(none), target("gpt-x"))
    check(
        finding,
        Hop.MODEL_OR_PATH,
        f"{NOT_SERVED.format('gpt-x')}; by its outputs, stack prod has deepseek-chat, fast, mistral-*; there is no "
        "HTTPRoute with the model gpt-x at /llm in the cluster of context kind",
        ASK_FOR_ANOTHER,
    )
    del cluster.policies["llm"]
    assert find(cluster.path(none), target("gpt-x")).hop is Hop.ROUTE


def test_without_a_stack_who_takes_the_model_is_known_by_the_cluster(cluster: Cluster) -> None:
    del cluster.policies["llm"]
    finding = find(cluster.path(), target(stack=None))
    assert finding.hop is Hop.ROUTE
    assert finding.evidence.startswith(
        f"{NOT_SERVED.format('fast')}, yet HTTPRoute gloo-system/mistral takes it; no Agent"
    )


def test_policies_that_can_not_be_read_are_not_blamed(cluster: Cluster) -> None:
    path = replace(cluster.path(), gateway_policies=None)
    finding = find(path, target())
    assert (finding.evidence, finding.remedy) == (TAKEN, CHECK_ACCEPTED)
    assert "  (Could not be read: AgentgatewayPolicies.)" in format_finding("llm", finding, path)


@pytest.mark.parametrize(
    ("endpoint", "rule"), [(Endpoint.MODELS, "models"), (Endpoint.CHAT, "unknown"), (Endpoint.EMBEDDINGS, "unknown")]
)
def test_a_rule_that_no_policy_answers_for_is_told(cluster: Cluster, endpoint: Endpoint, rule: str) -> None:
    error = HTTPError(500, "text/plain", "no valid backends")
    said = 'HTTP 500 from the gateway itself, "no valid backends"'
    assert diagnose(Evidence(target(), cluster.path(), error, endpoint)).evidence == said
    del cluster.policies[f"llm-{rule}"]
    finding = diagnose(Evidence(target(), cluster.path(), error, endpoint))
    check(
        finding,
        Hop.BACKEND,
        f"{said}; no AgentgatewayPolicy answers for the rule `{rule}` of HTTPRoute gloo-system/llm",
        RESTORE,
    )
    refused = HTTPError(401, "application/json", "{}")
    assert diagnose(Evidence(target(), cluster.path(), refused, endpoint)).hop is Hop.KEY


def test_where_the_gateway_has_no_route_at_all_the_shared_one_is_checked(cluster: Cluster) -> None:
    error = HTTPError(404, "text/plain", "route not found")
    missing = replace(cluster.path(), shared_route=Lookup("HTTPRoute gloo-system/llm", is_missing=True))
    finding = diagnose(Evidence(target(), missing, error))
    assert finding.hop is Hop.ROUTE
    assert finding.evidence == (
        'HTTP 404 from the gateway itself, "route not found"; there is no HTTPRoute gloo-system/llm in the cluster of '
        "context kind"
    )
    finding = diagnose(Evidence(target(), cluster.path(), error))
    assert "yet HTTPRoute gloo-system/llm is accepted by the Gateway gloo-system/agentgateway" in finding.evidence
    cluster.shared_route["status"]["parents"] = []
    finding = diagnose(Evidence(target(), cluster.path(), error))
    assert "no controller has reported on HTTPRoute gloo-system/llm" in finding.evidence


def test_a_providers_own_path_is_not_the_shared_one(cluster: Cluster) -> None:
    error = HTTPError(404, "text/plain", "route not found")
    path = replace(cluster.path(), shared_route=None)
    for asked in ("/llm", "/old"):
        own = replace(target(path=asked), shared=None)
        assert diagnose(Evidence(own, path, error)).evidence == (
            'HTTP 404 from the gateway itself, "route not found"; HTTPRoute gloo-system/mistral matches the path '
            f"/mistral, and the request was for {asked}"
        )


def test_the_longest_path_decides_which_routes_take_a_request() -> None:
    """A shared URL may have the path `/`, below which each provider has its own."""

    def route(*matches: tuple[str, bool]) -> Object:
        header = [{"name": "X-LLM-Model", "type": "RegularExpression", "value": "^(fast)$"}]
        rules = [
            {"matches": [{"path": {"value": path}, **({"headers": header} if by else {})}]} for path, by in matches
        ]
        return {"spec": {"rules": rules}}

    shared, mistral, other = route(("/", False)), route(("/mistral", False), ("/", True)), route(("/mist", False))
    routes = [shared, mistral, other]
    assert find_routes(routes, "/mistral") == ([mistral], [])
    assert find_routes(routes, "/") == ([shared], [mistral])
    assert find_routes(routes, "/elsewhere") == ([shared], [mistral])
    assert find_routes([other], "/") == ([], [])
