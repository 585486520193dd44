"""The faults that `make chat` tells apart: how each is made, and what is said of it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import READERS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.support.http_server import Handler, Request
from tests.support.provider_objects import API_KEY, ROUTE, SECRET, AcceptedObjects, ProviderObjects
from tests.support.stand_in_gateway import COMPLETION, MODEL, PAGE, SECONDS_UNTIL_IT_GIVES_UP

KGATEWAY, AGENTGATEWAY = BackendApi.KGATEWAY, BackendApi.AGENTGATEWAY
BOTH = tuple(BackendApi)

COMPARE = "compare `host` and `path` (or `baseUrl`) with the provider's documentation"
HOUSE_CA = {"tls": {"ca_certificate_configmap": "house-ca"}}
PASSTHROUGH = {"api_key": None, "passthrough": True}
NO_KEY = {"api_key": None, "keyless": True}

Reply = Callable[[Any, Request], None]
"""Answers a request, as the stand-in for a gateway or as the provider."""

Break = Callable[[Any], object]
"""Breaks something of the provider's objects."""


@dataclass(frozen=True)
class Response:
    """An HTTP response; `is_gateways` where the gateway itself wrote it, and not the provider."""

    status: int
    text: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_gateways: bool = False

    def __call__(self, handler: Handler, _: Request) -> None:
        handler.answer(self.status, self.text.encode(), self.content_type, **self.headers)


def silent(handler: Any, _: Request) -> None:
    """Replies with nothing until the test ends."""
    handler.server.over.wait(SECONDS_UNTIL_IT_GIVES_UP)
    handler.break_off()


def from_gateway(status: int, text: str) -> Response:
    return Response(status, text, "text/plain", is_gateways=True)


def from_provider(status: int, body: object, **headers: str) -> Response:
    return Response(status, json.dumps(body), headers=headers)


def page(status: int) -> Response:
    return Response(status, PAGE, "text/html; charset=UTF-8")


def redirect(location: str, status: int = 301) -> Response:
    return Response(status, "", "text/plain", {"Location": location})


def error(message: str) -> object:
    return {"error": {"message": message, "type": "error", "param": None, "code": None}}


def nothing(_: ProviderObjects) -> None:
    """For what is broken by the component's arguments, by the command's options, or by an answer."""


@dataclass(frozen=True)
class Fault:
    """One broken hop.

    Attributes:
        response: What arrives from the gateway.
        says: Parts of what is printed, with the objects' `{namespace}`, `{backend}` and `{path}`.
        breaks: Breaks what has worked before.
        arguments: The component's.
        options: Of the command line.
        apis: The APIs that this holds for.
        gateways: The APIs on whose real gateways it is made as well; by default on all that it holds for.
        provider: What the provider answers; by default what arrives, unless the gateway wrote that.
        only_keyless: Whether the provider answers so only where no key came.
        has_worked: Whether requests are answered before something is broken.
    """

    name: str
    response: Reply
    says: tuple[str, ...] = ()
    breaks: Break = nothing
    arguments: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    apis: tuple[BackendApi, ...] = BOTH
    gateways: tuple[BackendApi, ...] | None = None
    provider: Reply | None = None
    only_keyless: bool = False
    has_worked: bool = True

    @property
    def provider_reply(self) -> Reply | None:
        """Returns what the provider answers; None where nothing is wrong with that."""
        is_gateways = isinstance(self.response, Response) and self.response.is_gateways
        return self.provider or (None if is_gateways else self.response)

    def parts(self, objects: ProviderObjects, path: str) -> list[str]:
        """Returns what is said of the fault in these objects."""
        words = {"namespace": objects.namespace, "backend": objects.backend, "path": path}
        return [part.format(**words) for part in self.says]


Faults = Mapping[Hop, Iterable[Fault]]


def parameters(*tables: Faults, on_gateways: bool = False) -> list[Any]:
    """Makes a test's parameters `hop`, `fault` and `api`."""
    return [
        pytest.param(hop, fault, api, id=f"{hop.label}, {fault.name}, {api.value}")
        for faults in tables
        for hop, of_hop in faults.items()
        for fault in of_hop
        for api in (fault.apis if not on_gateways or fault.gateways is None else fault.gateways)
    ]


def missing(*kinds: str) -> Break:
    """Deletes the objects of these kinds, by default the backend."""

    def delete(objects: ProviderObjects) -> None:
        for kind in kinds or (objects.backend,):
            objects.delete(kind)

    return delete


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda objects: objects.change(kind, change)


def secret_with(values: Mapping[str, str]) -> Break:
    return lambda objects: objects.replace_secret(values)


def without_secret(objects: ProviderObjects) -> None:
    objects.delete(SECRET)
    if isinstance(objects, AcceptedObjects):
        objects.refuse_backend(f"secret {objects.namespace}/mistral-secret not found")


def with_policy(**specs: Any) -> Break:
    """Gives the route a policy of its API, if there is a spec for that."""

    def create(objects: ProviderObjects) -> None:
        api, reader = next((api, each) for api, each in READERS.items() if each.definition.kind == objects.backend)
        if api.value not in specs:
            return
        definition = reader.definition
        target = {"group": "gateway.networking.k8s.io", "kind": ROUTE, "name": objects.names[ROUTE]}
        policy = {
            "apiVersion": definition.api_version,
            "kind": definition.policy_kind,
            "metadata": {"name": "of-the-test", "namespace": objects.namespace},
            "spec": {"targetRefs": [target], **specs[api.value]},
        }
        resource = reader.resources[definition.policy_kind]
        objects.cluster.custom.create_namespaced_custom_object(
            definition.group, definition.version, objects.namespace, resource, policy
        )

    return create


def waiting_for(timeout: str) -> Break:
    return changed(ROUTE, lambda spec: [rule.update(timeouts={"request": timeout}) for rule in spec["rules"]])


UPSTREAM = "upstream call failed"
NO_ROUTE = from_gateway(404, "route not found")
WRONG_NAME = from_gateway(
    503,
    f'{UPSTREAM}: Connect: invalid peer certificate: certificate not valid for name "llm.example.com"; '
    'certificate is only valid for DnsName("api.mistral.ai")',
)
UNKNOWN_ISSUER = from_gateway(503, f"{UPSTREAM}: Connect: invalid peer certificate: UnknownIssuer")
REFUSED_KEY = from_provider(401, {"error": {"message": f"Incorrect API key provided: {API_KEY}."}})
UNAUTHORIZED = from_provider(401, error("Unauthorized"))
PARTS = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hello"}]
IN_PARTS = {**COMPLETION, "choices": [{**COMPLETION["choices"][0], "message": {"role": "assistant", "content": PARTS}}]}

NOBODY_MAY = {"authorization": {"action": "Require", "policy": {"matchExpressions": ['request.method == "PUT"']}}}
ONE_REQUEST = {"local": [{"requests": 1, "unit": "Minutes"}]}
ONE_TOKEN = {"local": {"tokenBucket": {"maxTokens": 1, "tokensPerFill": 1, "fillInterval": "60s"}}}

MISSING_SECRET = "Secret {namespace}/mistral-secret, which the backend names, does not exist"
WITHOUT_KEY = {
    KGATEWAY: "so the gateway sends requests to the provider without an API key",
    AGENTGATEWAY: "so the gateway sends nothing to the provider and answers HTTP 500 `service not found`",
}
TLS_OWNERS = {
    KGATEWAY: "BackendTLSPolicy {namespace}/mistral-tls",
    AGENTGATEWAY: "AgentgatewayBackend {namespace}/mistral",
}


def missing_keys(*cases: tuple[str, dict[str, str], str]) -> list[Fault]:
    """Makes the faults of a Secret with these values, in which there is no key."""
    return [
        Fault(
            f"{name}, {api.value}",
            REFUSED_KEY,
            (f"Secret {{namespace}}/mistral-secret {says}, {WITHOUT_KEY[api]}",),
            secret_with(values),
            apis=(api,),
            only_keyless=True,
        )
        for api in BackendApi
        for name, values, says in cases
    ]


SHARED_FAULTS: Faults = {
    Hop.ROUTE: [
        Fault("no route", NO_ROUTE, ("there is no HTTPRoute with the path {path}",), missing(ROUTE)),
        Fault(
            "other host names",
            NO_ROUTE,
            ("matches llm.example.com, and the request was for 127.0.0.1",),
            arguments={"hostnames": ["llm.example.com"]},
            has_worked=False,
        ),
    ],
    Hop.CALLER: [
        Fault(
            "a rule that forbids the request",
            from_gateway(403, "authorization failed"),
            (
                'HTTP 403 from the gateway itself, "authorization failed"',
                "find the policy of route, Gateway or listener",
            ),
            with_policy(agentgateway={"traffic": NOBODY_MAY}),
            gateways=(AGENTGATEWAY,),
        )
    ],
    Hop.BACKEND: [
        Fault(
            "no backend",
            from_gateway(500, "backend does not exist"),
            ("there is no {backend} {namespace}/mistral, to which HTTPRoute {namespace}/mistral leads",),
            missing(),
        )
    ],
    Hop.SECRET: [
        Fault("no Secret", REFUSED_KEY, (MISSING_SECRET,), without_secret, only_keyless=True),
        *missing_keys(
            ("other keys", {"api-key": API_KEY, "other": "x"}, "has no `Authorization`; it has `api-key`, `other`"),
            ("an empty key", {"Authorization": ""}, "is empty under `Authorization`"),
        ),
    ],
    Hop.PROVIDER: [
        Fault(
            "unreachable",
            from_gateway(503, f"{UPSTREAM}: Connect: Connection refused (os error 111)"),
            ("HTTP 503 from the gateway itself", "that the cluster can reach them"),
            arguments={"port": 1},
            has_worked=False,
        ),
        Fault("failing", from_provider(500, error("on demand")), ("HTTP 500 from the provider",)),
        Fault(
            "a list of parts",
            from_gateway(503, "processing failed: failed to parse response: invalid type: sequence, expected a string"),
            ("expected a string", "the provider's message is a list of parts"),
            gateways=(AGENTGATEWAY,),
            provider=from_provider(200, IN_PARTS),
        ),
    ],
    Hop.TLS: [
        Fault(
            "no authorities",
            UNKNOWN_ISSUER,
            (f"ConfigMap {{namespace}}/house-ca, which {owner} names, does not exist",),
            arguments=HOUSE_CA,
            apis=(api,),
            has_worked=False,
        )
        for api, owner in TLS_OWNERS.items()
    ],
    Hop.HOST: [Fault("misdirected", page(421), ("`rewriteHost`",))],
    Hop.KEY: [
        Fault(
            "refused",
            from_provider(401, error(API_KEY)),
            ("HTTP 401 from the provider; Secret {namespace}/mistral-secret has a key", "pulumi config set --secret"),
        ),
        Fault(
            "passthrough without a token",
            UNAUTHORIZED,
            ("the provider gets the client's own token", "--token-variable"),
            arguments=PASSTHROUGH,
            only_keyless=True,
        ),
        Fault(
            "no key, and the provider wants one",
            UNAUTHORIZED,
            ("; the provider gets no key", "give its key as `apiKey` instead of `keyless`"),
            arguments=NO_KEY,
            apis=(AGENTGATEWAY,),
            only_keyless=True,
        ),
    ],
    Hop.MODEL_OR_PATH: [
        Fault(
            "an unknown model",
            from_provider(404, error("no such model")),
            ('HTTP 404 from the provider, "no such model"', MODEL),
        ),
        Fault(
            "no stream",
            from_provider(200, COMPLETION),
            ("HTTP 200 from the provider, with a completion in one piece", f"{COMPARE}: this one doesn't stream there"),
            options=("--stream",),
            gateways=(AGENTGATEWAY,),
        ),
    ],
    Hop.LIMIT: [
        Fault(
            "the gateway's",
            from_gateway(429, "rate limit exceeded"),
            ('HTTP 429 from the gateway itself, "rate limit exceeded"',),
            with_policy(agentgateway={"traffic": {"rateLimit": ONE_REQUEST}}, kgateway={"rateLimit": ONE_TOKEN}),
        )
    ],
    Hop.TIMEOUT: [
        Fault("the client's", silent, ("no response arrived for 0.5 seconds",), options=("--timeout", "0.5")),
        Fault(
            "the route's",
            from_gateway(504, "request timeout"),
            ('HTTP 504 from the gateway itself, "request timeout',),
            waiting_for("300ms"),
            provider=silent,
        ),
    ],
}
"""Those that a test makes with a stand-in for the gateway and on the real ones alike."""
