"""Every hop between a client and a provider broken in turn, with the real objects of each gateway API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import kubernetes
import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import BACKENDS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.doctor.conftest import Deploy, StandInChat
from tests.support.provider_objects import API_KEY, GATEWAY, POLICY, ROUTE, SECRET, AcceptedObjects, condition
from tests.support.stand_in_gateway import COMPLETION, MODEL, NO_ROUTE, Reply, gateways_own, page, providers, silent

UPSTREAM = "upstream call failed"
NO_UPSTREAM = gateways_own(503, UPSTREAM)
SERVICE_NOT_FOUND = gateways_own(500, "service not found")
REFUSED_KEY = providers(401, {"error": {"message": f"Incorrect API key provided: {API_KEY}."}})
WRONG_NAME = gateways_own(
    503,
    f'{UPSTREAM}: Connect: invalid peer certificate: certificate not valid for name "llm.example.com"; '
    'certificate is only valid for DnsName("api.mistral.ai")',
)
UNKNOWN_ISSUER = gateways_own(503, f"{UPSTREAM}: Connect: invalid peer certificate: UnknownIssuer")
UNPARSED_PAGE = providers(
    403, {"error": {"message": "failed to process response body (failed to parse response): <html>"}}
)
KGATEWAY, AGENTGATEWAY = BackendApi.KGATEWAY, BackendApi.AGENTGATEWAY

Break = Callable[[AcceptedObjects], object]


def nothing(_: AcceptedObjects) -> None:
    pass


@dataclass(frozen=True)
class Case:
    """One broken hop.

    Attributes:
        says: Parts of what is printed, with the objects' `{namespace}`, `{backend}` and `{path}`.
        options: Of the command line.
        arguments: The component's.
        apis: The APIs that this holds for.
    """

    name: str
    reply: Reply
    says: tuple[str, ...] = ()
    broken: Break = nothing
    options: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    apis: tuple[BackendApi, ...] = tuple(BackendApi)


def missing(*kinds: str) -> Break:
    def delete(objects: AcceptedObjects) -> None:
        for kind in kinds:
            objects.delete(kind)

    return delete


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda objects: objects.change(kind, change)


def route_conditions(*conditions: dict[str, Any], gateway: str | None = None) -> Break:
    return lambda objects: objects.write_status(ROUTE, objects.route_status(*conditions, gateway=gateway))


def gateway_status(status: dict[str, Any]) -> Break:
    return lambda objects: objects.write_status(GATEWAY, status)


def policy_conditions(*conditions: dict[str, Any]) -> Break:
    return lambda objects: objects.write_status(POLICY, objects.policy_status(*conditions))


def rejected_route(reason: str) -> Break:
    return route_conditions(condition("Accepted", "False", reason, "in the controller's words"))


def secret_with(values: dict[str, str]) -> Break:
    return lambda objects: objects.replace_secret(values)


def authorities_with(data: dict[str, str]) -> Break:
    def write(objects: AcceptedObjects) -> None:
        metadata = kubernetes.client.V1ObjectMeta(name="house-ca", namespace=objects.namespace)
        body = kubernetes.client.V1ConfigMap(metadata=metadata, data=data)
        objects.cluster.core.create_namespaced_config_map(objects.namespace, body)

    return write


def secret_missing_and_backend_rejected(objects: AcceptedObjects) -> None:
    objects.delete(SECRET)
    objects.refuse_backend(f"secret {objects.namespace}/mistral-secret not found")


def old_statuses(objects: AcceptedObjects) -> None:
    refused = condition("Accepted", "False", "OfOld", "a status that nobody has renewed")
    objects.write_status(ROUTE, objects.route_status(refused, condition("ResolvedRefs")))
    if objects.backend == "Backend":
        objects.write_status(POLICY, objects.policy_status(refused))


def without_tls(spec: dict[str, Any]) -> None:
    del spec["policies"]["tls"]


NOT_PROGRAMMED = condition("Programmed", "False", "AddressNotAssigned", "No address has been assigned")
ADDRESSES = [{"type": "IPAddress", "value": "10.0.0.7"}]
UNREACHABLE = ("--gateway-url", "http://gateway.invalid")
MISSING_SECRET = "Secret {namespace}/mistral-secret, which the backend names, does not exist"
HOUSE_CA = {"tls": {"ca_certificate_configmap": "house-ca"}}
PASSTHROUGH = {"api_key": None, "passthrough": True}
NO_KEY = {"api_key": None, "keyless": True}
LARGE_REQUEST = gateways_own(503, "processing failed: request was too large")
LARGE_RESPONSE = gateways_own(503, "processing failed: response was too large")
COMPARE = "compare `host` and `path` (or `baseUrl`) with the provider's documentation"
NOT_THE_GATEWAYS = "this URL seems to be something else's than the gateway's: give another --gateway-url"


def redirect(location: str) -> Reply:
    return lambda handler, _: handler.answer(301, "text/plain", "", Location=location)


NO_KEY_IN = "Secret {namespace}/mistral-secret "
KEYLESS = "so the gateway sends requests to the provider without an API key"
NO_SERVICE = "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`"

CASES: dict[Hop, list[Case]] = {
    Hop.GATEWAY: [
        Case(
            "a Gateway without an address",
            NO_ROUTE,
            (
                "http://gateway.invalid: its name doesn't resolve here",
                "Gateway {namespace}/agentgateway: Programmed is False: AddressNotAssigned",
            ),
            gateway_status({"conditions": [NOT_PROGRAMMED]}),
            UNREACHABLE,
        ),
        Case(
            "a Gateway with another address",
            NO_ROUTE,
            ("the status of Gateway {namespace}/agentgateway has the address 10.0.0.7",),
            gateway_status({"conditions": [condition("Programmed")], "addresses": ADDRESSES}),
            UNREACHABLE,
        ),
        Case("no Gateway", NO_ROUTE, ("there is no Gateway {namespace}/agentgateway",), missing(GATEWAY), UNREACHABLE),
        *(
            Case(
                f"no route, {name}",
                reply,
                (f"{says}; there is no HTTPRoute with the path {{path}} in the cluster of context", fix),
                missing(ROUTE),
            )
            for name, reply, says, fix in (
                ("a page", page(200), "no chat completion in it", NOT_THE_GATEWAYS),
                ("a redirect", redirect("/login"), "it redirects the client (/login)", "use the URL that it redirects"),
            )
        ),
        Case(
            "a redirect to the gateway's own name",
            redirect("https://127.0.0.1/login"),
            ("it redirects the client (https://127.0.0.1/login)",),
        ),
    ],
    Hop.ROUTE: [
        *(
            Case(
                reason,
                NO_ROUTE,
                (
                    'HTTP 404 from the gateway itself, "route not found"; the Gateway ',
                    f"doesn't accept HTTPRoute {{namespace}}/mistral: Accepted is False: {reason}: in the controller's",
                    remedy,
                ),
                rejected_route(reason),
            )
            for reason, remedy in (
                ("NotAllowedByListeners", "`allowedRoutes`"),
                ("NoMatchingParent", "`gateway.sectionName`"),
                ("NoMatchingListenerHostname", "`hostnames`"),
                ("Pending", "`gateway`"),
            )
        ),
        Case(
            "a listener that the Gateway doesn't have, as kgateway reports it",
            NO_ROUTE,
            ("Accepted is False: NotAllowedByListeners", "set `gateway.sectionName`"),
            rejected_route("NotAllowedByListeners"),
            arguments={"gateway": {"section_name": "https"}},
        ),
        Case(
            "no report",
            NO_ROUTE,
            ("no controller has reported on HTTPRoute",),
            lambda objects: objects.write_status(ROUTE, {"parents": []}),
        ),
        Case(
            "a report for an earlier Gateway",
            NO_ROUTE,
            ("no controller has reported on HTTPRoute",),
            route_conditions(condition("Accepted"), gateway="an-earlier-one"),
        ),
        Case("no Gateway", NO_ROUTE, ("there is no Gateway {namespace}/agentgateway",), missing(GATEWAY)),
        Case("no route", NO_ROUTE, ("there is no HTTPRoute with the path {path}",), missing(ROUTE)),
        Case("no route, a page", page(404), ("there is no HTTPRoute with the path {path}",), missing(ROUTE)),
        Case(
            "other host names",
            NO_ROUTE,
            ("matches llm.example.com, and the request was for 127.0.0.1",),
            changed(ROUTE, lambda spec: spec.update(hostnames=["llm.example.com"])),
        ),
        Case(
            "listeners for other host names",
            NO_ROUTE,
            ("match *.example.com, and the request was for 127.0.0.1",),
            changed(GATEWAY, lambda spec: spec.update(listeners=[AcceptedObjects.listener(hostname="*.example.com")])),
        ),
        Case(
            "accepted by another Gateway",
            NO_ROUTE,
            (
                "yet HTTPRoute {namespace}/mistral is accepted by the Gateway",
                "the URL seems to be another gateway's",
            ),
        ),
        Case("rejected, with an old status", NO_ROUTE, (), old_statuses),
    ],
    Hop.CALLER: [
        Case(
            "no token",
            gateways_own(401, "authentication failure: no bearer token found"),
            ("--token-variable",),
        ),
        Case("a rule", gateways_own(403, "authorization failed"), ("find the policy of route, Gateway or listener",)),
    ],
    Hop.REQUEST: [
        Case(
            "unreadable",
            gateways_own(503, "processing failed: failed to parse request: invalid type"),
            ("HTTP 503 from the gateway itself", "`requestOverrides`"),
        ),
    ],
    Hop.BACKEND: [
        *(
            Case(
                f"rejected, {name}",
                reply,
                ("{backend} {namespace}/mistral is not accepted: Accepted is False: TranslationError",),
                lambda objects: objects.refuse_backend("unknown field"),
            )
            for name, reply in (("500", SERVICE_NOT_FOUND), ("503", NO_UPSTREAM), ("401", REFUSED_KEY))
        ),
        Case(
            "no report",
            gateways_own(500, "backend does not exist"),
            ("no controller has reported on it",),
            lambda objects: objects.write_status(objects.backend, {}),
        ),
        Case(
            "no backend",
            gateways_own(500, "backend does not exist"),
            ("there is no {backend} {namespace}/mistral, to which HTTPRoute",),
            lambda objects: objects.delete(objects.backend),
        ),
        Case(
            "references that aren't resolved",
            gateways_own(500, "no valid backends"),
            ("ResolvedRefs is False: RefNotPermitted",),
            route_conditions(
                condition("Accepted"), condition("ResolvedRefs", "False", "RefNotPermitted", "not permitted")
            ),
        ),
        Case(
            "a route to something else",
            SERVICE_NOT_FOUND,
            ("HTTP 500 from the gateway",),
            changed(ROUTE, lambda spec: spec["rules"][0].update(backendRefs=[{"name": "llm", "port": 80}])),
        ),
    ],
    Hop.SECRET: [
        *(
            Case(
                f"{name}, {api.value}", REFUSED_KEY, (f"{NO_KEY_IN}{says}, {effect}",), secret_with(values), apis=(api,)
            )
            for api, effect in ((KGATEWAY, KEYLESS), (AGENTGATEWAY, NO_SERVICE))
            for name, values, says in (
                (
                    "other keys",
                    {"api-key": API_KEY, "other": "x"},
                    "has no `Authorization`; it has `api-key`, `other`",
                ),
                ("no keys", {}, "has no `Authorization`; it has nothing"),
                ("an empty key", {"Authorization": ""}, "is empty under `Authorization`"),
                ("a blank key", {"Authorization": " \n"}, "is empty under `Authorization`"),
                ("Bearer alone", {"Authorization": "Bearer "}, "is empty under `Authorization`"),
            )
        ),
        *(
            Case(f"no Secret, {name}", reply, (MISSING_SECRET,), secret_missing_and_backend_rejected)
            for name, reply in (
                ("401", REFUSED_KEY),
                ("500", SERVICE_NOT_FOUND),
                ("429", providers(429, {})),
                ("200", providers(200, {"error": "who?"})),
                ("a redirect", redirect("https://login.example.com")),
            )
        ),
        Case("no Secret and no policy", NO_UPSTREAM, (), missing(SECRET, POLICY), apis=(KGATEWAY,)),
    ],
    Hop.TLS: [
        Case(
            "no policy",
            NO_UPSTREAM,
            (
                "no BackendTLSPolicy targets {backend} {namespace}/mistral",
                "speaks plain HTTP to api.mistral.ai:443",
            ),
            missing(POLICY),
            apis=(KGATEWAY,),
        ),
        Case(
            "no TLS in the backend",
            NO_UPSTREAM,
            ("{backend} {namespace}/mistral has no TLS settings", "speaks plain HTTP to api.mistral.ai:443"),
            lambda objects: objects.change(objects.backend, without_tls),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "a policy for another backend",
            NO_UPSTREAM,
            ("no BackendTLSPolicy targets",),
            changed(POLICY, lambda spec: spec["targetRefs"][0].update(name="other")),
            apis=(KGATEWAY,),
        ),
        Case(
            "a wrong host name",
            WRONG_NAME,
            (
                "mistral-",
                "expects api.mistral.ai:443 to have a certificate for llm.example.com",
                "`tls.hostname`",
            ),
            changed(POLICY, lambda spec: spec["validation"].update(hostname="llm.example.com")),
            apis=(KGATEWAY,),
        ),
        Case(
            "a wrong host name in the backend",
            WRONG_NAME,
            (
                "{backend} {namespace}/mistral expects api.mistral.ai:443 to have a certificate for llm.example.com",
                "`tls.hostname`",
            ),
            lambda objects: objects.change(
                objects.backend, lambda spec: spec["policies"]["tls"].update(sni="llm.example.com")
            ),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "a rejected policy",
            NO_UPSTREAM,
            ("is not accepted: Accepted is False: NoValidCACertificate: none",),
            policy_conditions(
                condition("Accepted", "False", "NoValidCACertificate", "none"), condition("ResolvedRefs")
            ),
            apis=(KGATEWAY,),
        ),
        Case(
            "no report",
            NO_UPSTREAM,
            ("no controller has reported on BackendTLSPolicy",),
            lambda objects: objects.write_status(POLICY, {"ancestors": []}),
            apis=(KGATEWAY,),
        ),
        Case(
            "a section name",
            NO_UPSTREAM,
            ("has a `sectionName`",),
            changed(POLICY, lambda spec: spec["targetRefs"][0].update(sectionName="https")),
            apis=(KGATEWAY,),
        ),
        Case("an old status of the route", NO_UPSTREAM, (), old_statuses, apis=(KGATEWAY,)),
        *(
            Case(
                "no authorities",
                UNKNOWN_ISSUER,
                (f"ConfigMap {{namespace}}/house-ca, which {owner} names, does not exist",),
                arguments=HOUSE_CA,
                apis=(api,),
            )
            for api, owner in (
                (KGATEWAY, "BackendTLSPolicy {namespace}/mistral-tls"),
                (AGENTGATEWAY, "AgentgatewayBackend {namespace}/mistral"),
            )
        ),
        Case(
            "a backend that isn't accepted, for want of its authorities",
            SERVICE_NOT_FOUND,
            ("ConfigMap {namespace}/house-ca, which {backend} {namespace}/mistral names, does not exist",),
            lambda objects: objects.refuse_backend("ConfigMap house-ca not found"),
            arguments=HOUSE_CA,
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "authorities under another key",
            UNKNOWN_ISSUER,
            ("has no `ca.crt`",),
            authorities_with({"ca.pem": "x"}),
            arguments=HOUSE_CA,
        ),
        Case(
            "other authorities",
            UNKNOWN_ISSUER,
            ("`tls.caCertificateConfigmap`",),
            authorities_with({"ca.crt": "-----BEGIN CERTIFICATE-----"}),
            arguments=HOUSE_CA,
        ),
    ],
    Hop.PROVIDER: [
        Case(
            "unreachable",
            gateways_own(503, f"{UPSTREAM}: Connect: Connection refused (os error 111)"),
            ("that the cluster can reach them",),
        ),
        Case("failing", providers(500, {}), ("HTTP 500 from the provider",)),
        Case(
            "failing with 200",
            providers(200, {"error": "no"}),
            ('HTTP 200 from the provider, with an error in it, "no"',),
        ),
        Case(
            "a list of parts",
            gateways_own(503, "processing failed: failed to parse response: invalid type: sequence, expected a string"),
            ("the provider's message is a list of parts",),
        ),
        # TLS is as it should be, so the connection failed for something else.
        Case("neither TLS nor a refused connection", NO_UPSTREAM, (UPSTREAM,)),
    ],
    Hop.HOST: [
        *(
            Case(
                f"not rewritten, {name}",
                reply,
                ("HTTPRoute {namespace}/mistral leaves the Host header as it is",),
                changed(ROUTE, lambda spec: spec["rules"][0].pop("filters")),
                apis=(KGATEWAY,),
            )
            for name, reply in (
                ("a page", page(403)),
                ("an unparsed page", UNPARSED_PAGE),
                ("a page with 200", page(200)),
                ("a redirect to the gateway's own name", redirect("https://127.0.0.1/")),
            )
        ),
        Case("misdirected", page(421)),
    ],
    Hop.KEY: [
        *(
            Case(
                f"not rewritten by the route but by the proxy, {name}",
                reply,
                (),
                changed(ROUTE, lambda spec: spec["rules"][0].pop("filters", None)),
                apis=(AGENTGATEWAY,),
            )
            for name, reply in (("a page", page(403)), ("an unparsed page", UNPARSED_PAGE))
        ),
        Case(
            "not rewritten, an API's error",
            providers(403, {"message": "no access"}),
            (),
            changed(ROUTE, lambda spec: spec["rules"][0].pop("filters", None)),
        ),
        *(
            Case(
                str(status),
                providers(status, {"detail": API_KEY}),
                (
                    f"HTTP {status} from the provider; Secret {{namespace}}/mistral-secret has a key",
                    "pulumi config set --secret",
                ),
            )
            for status in (401, 403)
        ),
        Case(
            "400",
            providers(400, {"code": "invalid", "error": f"Incorrect API key provided: {API_KEY[:4]}***{API_KEY[-2:]}"}),
            (
                "about the API key; Secret {namespace}/mistral-secret has a key",
                "HTTP 400 from the provider, which says",
            ),
        ),
        Case(
            "passthrough without a token",
            providers(401, {"detail": "Unauthorized"}),
            ("the provider gets the caller's own token", "--token-variable"),
            arguments=PASSTHROUGH,
        ),
        Case(
            "no key, and the provider wants one",
            providers(401, {"detail": "Unauthorized"}),
            ("; the provider gets no key", "give its key as `apiKey` instead of `keyless`"),
            arguments=NO_KEY,
            apis=(AGENTGATEWAY,),
        ),
        Case("a route and a policy with old statuses", REFUSED_KEY, (), old_statuses),
    ],
    Hop.MODEL_OR_PATH: [
        *(
            Case(
                str(status),
                providers(status, {"message": "Invalid model"}),
                (f'HTTP {status} from the provider, "Invalid model"', MODEL),
            )
            for status in (400, 404)
        ),
        Case("a page", page(404), ("HTTP 404 from the provider",)),
        Case("a page with 200", page(200), (f"and no chat completion in it\n{COMPARE}",)),
        Case(
            "a redirect to the provider's host",
            redirect("https://www.mistral.ai/"),
            (f"HTTP 301 from the provider: a redirect to https://www.mistral.ai/\n{COMPARE}",),
        ),
        Case(
            "a redirect elsewhere",
            redirect("https://login.example.com"),
            (
                "HTTP 301 from the provider, or from something in front of the gateway: a redirect to https://login.",
                f"{COMPARE}; if they are right, give another --gateway-url",
            ),
        ),
        Case(
            "no stream",
            providers(200, COMPLETION),
            ("HTTP 200 from the provider, with a completion in one piece", f"{COMPARE}: this one doesn't stream there"),
            options=("--stream",),
        ),
    ],
    Hop.LIMIT: [
        Case("the provider's", providers(429, {}, Retry_After="30"), ("wait 30 seconds",)),
        Case("the gateway's", gateways_own(429, "rate limit exceeded"), ("from the gateway itself",)),
        Case("a large request", LARGE_REQUEST, ("the limit is fixed",), apis=(KGATEWAY,)),
        Case("a large request", LARGE_REQUEST, ("`frontend.http.maxBufferSize`",), apis=(AGENTGATEWAY,)),
        Case("a large response", LARGE_RESPONSE, ("(--stream)", "the limit is fixed"), apis=(KGATEWAY,)),
        Case("a large response", LARGE_RESPONSE, ("(--stream)", "`frontend.http.maxBufferSize`"), apis=(AGENTGATEWAY,)),
        Case("no money", providers(403, {"error": "no credits"}), ('HTTP 403 from the provider, "no credits"',)),
    ],
    Hop.TIMEOUT: [
        Case("the gateway's", gateways_own(504, "request timeout"), ("from the gateway itself",)),
        Case("the client's", silent, ("no response arrived for 0.3 seconds",), options=("--timeout", "0.3")),
    ],
}


def parameters() -> list[Any]:
    return [
        pytest.param(hop, case, api, id=f"{hop.label}, {case.name}, {api.value}")
        for hop, cases in CASES.items()
        for case in cases
        for api in case.apis
    ]


@pytest.mark.parametrize(("hop", "case", "api"), parameters())
def test_the_broken_hop_is_named_with_evidence_and_fix(
    chat: StandInChat, deploy: Deploy, hop: Hop, case: Case, api: BackendApi
) -> None:
    objects = deploy(api, **case.arguments)
    case.broken(objects)
    said = chat.where(case.reply, *case.options).broken_at(hop, stdout="\n" * ("--stream" in case.options))
    for part in case.says:
        known = {"namespace": objects.namespace, "backend": BACKENDS[api].kind, "path": chat.path}
        assert part.format(**known) in said
