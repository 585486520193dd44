"""Every hop between a client and a provider broken in turn, with the real objects of each gateway API."""

from typing import Any

import kubernetes
import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.doctor.conftest import Deploy, StandInChat
from tests.support.broken_hops import (
    AGENTGATEWAY,
    COMPARE,
    HOUSE_CA,
    KGATEWAY,
    MISSING_SECRET,
    NO_ROUTE,
    REFUSED_KEY,
    SHARED_FAULTS,
    UNKNOWN_ISSUER,
    UPSTREAM,
    WRONG_NAME,
    Break,
    Fault,
    Faults,
    changed,
    from_gateway,
    from_provider,
    missing,
    missing_keys,
    page,
    parameters,
    redirect,
    without_secret,
)
from tests.support.provider_objects import API_KEY, GATEWAY, POLICY, ROUTE, SECRET, AcceptedObjects, condition
from tests.support.stand_in_gateway import MODEL

NO_UPSTREAM = from_gateway(503, UPSTREAM)
SERVICE_NOT_FOUND = from_gateway(500, "service not found")
UNPARSED_PAGE = from_provider(
    403, {"error": {"message": "failed to process response body (failed to parse response): <html>"}}
)


def route_conditions(*conditions: dict[str, Any], gateway: str | None = None) -> Break:
    return lambda objects: objects.write_status(ROUTE, objects.route_status(*conditions, gateway=gateway))


def gateway_status(status: dict[str, Any]) -> Break:
    return lambda objects: objects.write_status(GATEWAY, status)


def policy_conditions(*conditions: dict[str, Any]) -> Break:
    return lambda objects: objects.write_status(POLICY, objects.policy_status(*conditions))


def rejected_route(reason: str) -> Break:
    return route_conditions(condition("Accepted", "False", reason, "in the controller's words"))


def authorities_with(data: dict[str, str]) -> Break:
    def write(objects: AcceptedObjects) -> None:
        metadata = kubernetes.client.V1ObjectMeta(name="house-ca", namespace=objects.namespace)
        body = kubernetes.client.V1ConfigMap(metadata=metadata, data=data)
        objects.cluster.core.create_namespaced_config_map(objects.namespace, body)

    return write


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
NOT_THE_GATEWAYS = "this URL seems to be something else's than the gateway's: give another --gateway-url"

FAULTS: Faults = {
    Hop.GATEWAY: [
        Fault(
            "a Gateway without an address",
            NO_ROUTE,
            (
                "http://gateway.invalid: its name doesn't resolve here",
                "Gateway {namespace}/agentgateway: Programmed is False: AddressNotAssigned",
            ),
            gateway_status({"conditions": [NOT_PROGRAMMED]}),
            options=UNREACHABLE,
        ),
        Fault(
            "a Gateway with another address",
            NO_ROUTE,
            ("the status of Gateway {namespace}/agentgateway has the address 10.0.0.7",),
            gateway_status({"conditions": [condition("Programmed")], "addresses": ADDRESSES}),
            options=UNREACHABLE,
        ),
        Fault(
            "no Gateway",
            NO_ROUTE,
            ("there is no Gateway {namespace}/agentgateway",),
            missing(GATEWAY),
            options=UNREACHABLE,
        ),
        *(
            Fault(
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
        Fault(
            "a redirect to the gateway's own name",
            redirect("https://127.0.0.1/login"),
            ("it redirects the client (https://127.0.0.1/login)",),
        ),
    ],
    Hop.ROUTE: [
        *(
            Fault(
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
        Fault(
            "a listener that the Gateway doesn't have, as kgateway reports it",
            NO_ROUTE,
            ("Accepted is False: NotAllowedByListeners", "set `gateway.sectionName`"),
            rejected_route("NotAllowedByListeners"),
            arguments={"gateway": {"section_name": "https"}},
        ),
        Fault(
            "no report",
            NO_ROUTE,
            ("no controller has reported on HTTPRoute",),
            lambda objects: objects.write_status(ROUTE, {"parents": []}),
        ),
        Fault(
            "a report for an earlier Gateway",
            NO_ROUTE,
            ("no controller has reported on HTTPRoute",),
            route_conditions(condition("Accepted"), gateway="an-earlier-one"),
        ),
        Fault("no Gateway", NO_ROUTE, ("there is no Gateway {namespace}/agentgateway",), missing(GATEWAY)),
        Fault("no route, a page", page(404), ("there is no HTTPRoute with the path {path}",), missing(ROUTE)),
        Fault(
            "listeners for other host names",
            NO_ROUTE,
            ("match *.example.com, and the request was for 127.0.0.1",),
            changed(GATEWAY, lambda spec: spec.update(listeners=[AcceptedObjects.listener(hostname="*.example.com")])),
        ),
        Fault(
            "accepted by another Gateway",
            NO_ROUTE,
            ("yet HTTPRoute {namespace}/mistral is accepted by the Gateway", "the URL seems to be another gateway's"),
        ),
        Fault("rejected, with an old status", NO_ROUTE, (), old_statuses),
    ],
    Hop.CALLER: [
        Fault("no token", from_gateway(401, "authentication failure: no bearer token found"), ("--token-variable",))
    ],
    Hop.REQUEST: [
        Fault(
            "unreadable",
            from_gateway(503, "processing failed: failed to parse request: invalid type"),
            ("HTTP 503 from the gateway itself", "`requestOverrides`"),
        )
    ],
    Hop.BACKEND: [
        *(
            Fault(
                f"rejected, {name}",
                reply,
                ("{backend} {namespace}/mistral is not accepted: Accepted is False: TranslationError",),
                lambda objects: objects.refuse_backend("unknown field"),
            )
            for name, reply in (("500", SERVICE_NOT_FOUND), ("503", NO_UPSTREAM), ("401", REFUSED_KEY))
        ),
        Fault(
            "no report",
            from_gateway(500, "backend does not exist"),
            ("no controller has reported on it",),
            lambda objects: objects.write_status(objects.backend, {}),
        ),
        Fault(
            "references that aren't resolved",
            from_gateway(500, "no valid backends"),
            ("ResolvedRefs is False: RefNotPermitted",),
            route_conditions(
                condition("Accepted"), condition("ResolvedRefs", "False", "RefNotPermitted", "not permitted")
            ),
        ),
        Fault(
            "a route to something else",
            SERVICE_NOT_FOUND,
            ("HTTP 500 from the gateway",),
            changed(ROUTE, lambda spec: spec["rules"][0].update(backendRefs=[{"name": "llm", "port": 80}])),
        ),
    ],
    Hop.SECRET: [
        *missing_keys(
            ("no keys", {}, "has no `Authorization`; it has nothing"),
            ("a blank key", {"Authorization": " \n"}, "is empty under `Authorization`"),
            ("Bearer alone", {"Authorization": "Bearer "}, "is empty under `Authorization`"),
        ),
        *(
            Fault(f"no Secret, {name}", reply, (MISSING_SECRET,), without_secret)
            for name, reply in (
                ("500", SERVICE_NOT_FOUND),
                ("429", from_provider(429, {})),
                ("200", from_provider(200, {"error": "who?"})),
                ("a redirect", redirect("https://login.example.com")),
            )
        ),
        Fault("no Secret and no policy", NO_UPSTREAM, (), missing(SECRET, POLICY), apis=(KGATEWAY,)),
    ],
    Hop.TLS: [
        Fault(
            "no policy",
            NO_UPSTREAM,
            ("no BackendTLSPolicy targets {backend} {namespace}/mistral", "speaks plain HTTP to api.mistral.ai:443"),
            missing(POLICY),
            apis=(KGATEWAY,),
        ),
        Fault(
            "no TLS in the backend",
            NO_UPSTREAM,
            ("{backend} {namespace}/mistral has no TLS settings", "speaks plain HTTP to api.mistral.ai:443"),
            lambda objects: objects.change(objects.backend, without_tls),
            apis=(AGENTGATEWAY,),
        ),
        Fault(
            "a policy for another backend",
            NO_UPSTREAM,
            ("no BackendTLSPolicy targets",),
            changed(POLICY, lambda spec: spec["targetRefs"][0].update(name="other")),
            apis=(KGATEWAY,),
        ),
        Fault(
            "a wrong host name",
            WRONG_NAME,
            ("mistral-", "expects api.mistral.ai:443 to have a certificate for llm.example.com", "`tls.hostname`"),
            changed(POLICY, lambda spec: spec["validation"].update(hostname="llm.example.com")),
            apis=(KGATEWAY,),
        ),
        Fault(
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
        Fault(
            "a rejected policy",
            NO_UPSTREAM,
            ("is not accepted: Accepted is False: NoValidCACertificate: none",),
            policy_conditions(
                condition("Accepted", "False", "NoValidCACertificate", "none"), condition("ResolvedRefs")
            ),
            apis=(KGATEWAY,),
        ),
        Fault(
            "no report",
            NO_UPSTREAM,
            ("no controller has reported on BackendTLSPolicy",),
            lambda objects: objects.write_status(POLICY, {"ancestors": []}),
            apis=(KGATEWAY,),
        ),
        Fault(
            "a section name",
            NO_UPSTREAM,
            ("has a `sectionName`",),
            changed(POLICY, lambda spec: spec["targetRefs"][0].update(sectionName="https")),
            apis=(KGATEWAY,),
        ),
        Fault("an old status of the route", NO_UPSTREAM, (), old_statuses, apis=(KGATEWAY,)),
        Fault(
            "a backend that isn't accepted, for want of its authorities",
            SERVICE_NOT_FOUND,
            ("ConfigMap {namespace}/house-ca, which {backend} {namespace}/mistral names, does not exist",),
            lambda objects: objects.refuse_backend("ConfigMap house-ca not found"),
            arguments=HOUSE_CA,
            apis=(AGENTGATEWAY,),
        ),
        Fault(
            "authorities under another key",
            UNKNOWN_ISSUER,
            ("has no `ca.crt`",),
            authorities_with({"ca.pem": "x"}),
            arguments=HOUSE_CA,
        ),
        Fault(
            "other authorities",
            UNKNOWN_ISSUER,
            ("`tls.caCertificateConfigmap`",),
            authorities_with({"ca.crt": "-----BEGIN CERTIFICATE-----"}),
            arguments=HOUSE_CA,
        ),
    ],
    Hop.PROVIDER: [
        Fault(
            "failing with 200",
            from_provider(200, {"error": "no"}),
            ('HTTP 200 from the provider, with an error in it, "no"',),
        ),
        # TLS is as it should be, so the connection failed for something else.
        Fault("neither TLS nor a refused connection", NO_UPSTREAM, (UPSTREAM,)),
    ],
    Hop.HOST: [
        *(
            Fault(
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
        )
    ],
    Hop.KEY: [
        *(
            Fault(
                f"not rewritten by the route but by the proxy, {name}",
                reply,
                (),
                changed(ROUTE, lambda spec: spec["rules"][0].pop("filters", None)),
                apis=(AGENTGATEWAY,),
            )
            for name, reply in (("a page", page(403)), ("an unparsed page", UNPARSED_PAGE))
        ),
        Fault(
            "not rewritten, an API's error",
            from_provider(403, {"message": "no access"}),
            (),
            changed(ROUTE, lambda spec: spec["rules"][0].pop("filters", None)),
        ),
        Fault(
            "403",
            from_provider(403, {"detail": API_KEY}),
            ("HTTP 403 from the provider; Secret {namespace}/mistral-secret has a key", "pulumi config set --secret"),
        ),
        Fault(
            "400",
            from_provider(
                400, {"code": "invalid", "error": f"Incorrect API key provided: {API_KEY[:4]}***{API_KEY[-2:]}"}
            ),
            (
                "about the API key; Secret {namespace}/mistral-secret has a key",
                "HTTP 400 from the provider, which says",
            ),
        ),
        Fault("a route and a policy with old statuses", REFUSED_KEY, (), old_statuses),
    ],
    Hop.MODEL_OR_PATH: [
        Fault(
            "400",
            from_provider(400, {"message": "Invalid model"}),
            ('HTTP 400 from the provider, "Invalid model"', MODEL),
        ),
        Fault("a page", page(404), ("HTTP 404 from the provider",)),
        Fault("a page with 200", page(200), (f"and no chat completion in it\n{COMPARE}",)),
        Fault(
            "a redirect to the provider's host",
            redirect("https://www.mistral.ai/"),
            (f"HTTP 301 from the provider: a redirect to https://www.mistral.ai/\n{COMPARE}",),
        ),
        Fault(
            "a redirect elsewhere",
            redirect("https://login.example.com"),
            (
                "HTTP 301 from the provider, or from something in front of the gateway: a redirect to https://login.",
                f"{COMPARE}; if they are right, give another --gateway-url",
            ),
        ),
    ],
    Hop.LIMIT: [
        Fault("the provider's", from_provider(429, {}, Retry_After="30"), ("wait 30 seconds",)),
        *(
            Fault(
                f"a large {what}",
                from_gateway(503, f"processing failed: {what} was too large"),
                (*says, raise_limit),
                apis=(api,),
            )
            for api, raise_limit in ((KGATEWAY, "the limit is fixed"), (AGENTGATEWAY, "`frontend.http.maxBufferSize`"))
            for what, says in (("request", ()), ("response", ("(--stream)",)))
        ),
        Fault("no money", from_provider(403, {"error": "no credits"}), ('HTTP 403 from the provider, "no credits"',)),
    ],
}


@pytest.mark.parametrize(("hop", "fault", "api"), parameters(SHARED_FAULTS, FAULTS))
def test_the_broken_hop_is_named_with_evidence_and_fix(
    chat: StandInChat, deploy: Deploy, hop: Hop, fault: Fault, api: BackendApi
) -> None:
    objects = deploy(api, **fault.arguments)
    fault.breaks(objects)
    said = chat.where(fault.response, *fault.options).broken_at(hop, stdout="\n" * ("--stream" in fault.options))
    for part in fault.parts(objects, chat.path):
        assert part in said
