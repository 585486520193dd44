"""Every hop that `make chat` names, broken for real on the gateways of each API, and its name read."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import READERS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.gateway.deployment import LARGE_PROMPT
from tests.gateway.installation import Installation, using
from tests.gateway.openai_provider import (
    Behaviour,
    Exchange,
    OpenAIProvider,
    chat_completion,
    completion,
    completion_events,
    failing,
    silent,
    tls_context,
)
from tests.support.chat import Chat
from tests.support.chat_run import ChatRun
from tests.support.cluster import Cluster
from tests.support.provider_objects import ROUTE, SECRET, ProviderObjects

KGATEWAY, AGENTGATEWAY = BackendApi.KGATEWAY, BackendApi.AGENTGATEWAY
OTHER = {KGATEWAY: AGENTGATEWAY, AGENTGATEWAY: KGATEWAY}
TRIES = 60


@dataclass
class Broken:
    """A provider behind a real gateway, of which a test breaks something."""

    objects: ProviderObjects
    provider: OpenAIProvider
    foreign_authority: trustme.CA


Break = Callable[[Broken], object]
Deploy = Callable[..., ProviderObjects]


def nothing(_: Broken) -> None:
    """For what is broken by the component's arguments, or by the command's options."""


def behaving(behaviour: Behaviour) -> Break:
    def change(broken: Broken) -> None:
        broken.provider.behaviour = behaviour

    return change


def answering(status: int, body: bytes, content_type: str = "application/json") -> Break:
    return behaving(lambda exchange: exchange.answer(status, body, content_type))


def missing(kind: str | None = None) -> Break:
    """Deletes the object of this kind, by default the backend."""
    return lambda broken: broken.objects.delete(kind or broken.objects.backend)


def changed(kind: str, change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda broken: broken.objects.change(kind, change)


def with_policy(kind: str, spec: dict[str, Any]) -> Break:
    """Gives the route a policy of its API."""
    groups = {"AgentgatewayPolicy": "agentgateway.dev", "TrafficPolicy": "gateway.kgateway.dev"}
    plurals = {kind: plural for reader in READERS.values() for kind, plural in reader.resources.items()}

    def create(broken: Broken) -> None:
        objects = broken.objects
        target = {"group": "gateway.networking.k8s.io", "kind": ROUTE, "name": objects.names[ROUTE]}
        policy = {
            "apiVersion": f"{groups[kind]}/v1alpha1",
            "kind": kind,
            "metadata": {"name": "of-the-test", "namespace": objects.namespace},
            "spec": {"targetRefs": [target], **spec},
        }
        objects.cluster.custom.create_namespaced_custom_object(
            groups[kind], "v1alpha1", objects.namespace, plurals[kind], policy
        )

    return create


def keyless_refused(exchange: Exchange) -> None:
    """Answers as a provider that wants a key."""
    if exchange.request_.authorization is None:
        failing(401, "Unauthorized")(exchange)
    else:
        completion(exchange)


def secret_with(values: Mapping[str, str] | None) -> Break:
    def replace(broken: Broken) -> None:
        broken.provider.behaviour = keyless_refused
        broken.objects.delete(SECRET)
        if values is not None:
            broken.objects.write_secret(values)

    return replace


def redirecting(status: int, location: str) -> Break:
    return behaving(lambda exchange: exchange.answer(status, b"", location=location))


def in_one_piece(exchange: Exchange, content: object = "Hello") -> None:
    """Answers without streaming, even where a stream is asked for."""
    answer = chat_completion("m")
    answer["choices"][0]["message"]["content"] = content
    exchange.answer(200, json.dumps(answer).encode())


def in_parts(exchange: Exchange) -> None:
    """Answers as a reasoning model whose content is a list."""
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hello"}]
    if not exchange.request_.json.get("stream"):
        in_one_piece(exchange, parts)
        return
    choices = [
        {"index": 0, "delta": {"content": parts}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    exchange.stream([json.dumps({**chat_completion("m"), "choices": [choice]}) for choice in choices])


def page_for_a_wrong_host(exchange: Exchange) -> None:
    """Answers as a CDN in front of a provider does."""
    if exchange.request_.host.partition(":")[0] == "localhost":
        completion(exchange)
    else:
        exchange.answer(403, b"<html><body>no such host</body></html>", "text/html")


def certificate_of_a_foreign_authority(broken: Broken) -> None:
    broken.provider.tls = tls_context(broken.foreign_authority)


def silent_for_longer_than_the_route_waits(broken: Broken) -> None:
    broken.provider.behaviour = silent
    broken.objects.change(ROUTE, lambda spec: [rule.update(timeouts={"request": "300ms"}) for rule in spec["rules"]])


def half_a_stream(exchange: Exchange) -> None:
    exchange.stream(events(exchange))


def events(exchange: Exchange) -> Any:
    yield next(iter(completion_events(exchange.request_)))
    exchange.connection.close()
    raise ConnectionResetError


@dataclass(frozen=True)
class Case:
    """One broken hop.

    Attributes:
        says: Parts of what is printed, with the objects' `{namespace}`, `{backend}` and `{path}`.
        breaks: Breaks what has worked before.
        arguments: The component's.
        has_worked: Whether the first requests are answered, before something is broken.
        options: Of the command line.
        apis: The APIs whose gateways this holds for.
        of_the_other_api: Whether the objects are of the API that the gateway doesn't serve.
    """

    name: str
    says: tuple[str, ...] = ()
    breaks: Break = nothing
    arguments: Mapping[str, Any] = field(default_factory=dict)
    has_worked: bool = True
    options: tuple[str, ...] = ()
    apis: tuple[BackendApi, ...] = tuple(BackendApi)
    of_the_other_api: bool = False


ANOTHER_GATEWAY = {"name": "nobody", "namespace": "gloo-system"}
REQUESTS = {"local": [{"requests": 1, "unit": "Minutes"}]}
TOKEN_BUCKET = {"local": {"tokenBucket": {"maxTokens": 1, "tokensPerFill": 1, "fillInterval": "60s"}}}
NOBODY_MAY = {"authorization": {"action": "Require", "policy": {"matchExpressions": ['request.method == "PUT"']}}}
XAI_KEY = b'{"code": "Client specified an invalid argument", "error": "Incorrect API key provided: ba***na."}'
GEMINI_KEY = b'[{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]'
NO_MONEY = b'{"error": {"message": "Insufficient balance", "code": 402}}'
API_KEYS = {"apiKeyAuthentication": {"mode": "Strict", "secretRef": {"name": "mistral-secret"}}}

CASES: dict[Hop, list[Case]] = {
    Hop.GATEWAY: [
        Case("nothing listens", ("nothing listens there",), options=("--gateway-url", "http://127.0.0.1:1")),
    ],
    Hop.ROUTE: [
        Case("no route", ("there is no HTTPRoute with the path {path}",), missing(ROUTE)),
        Case(
            "another Gateway",
            ("there is no Gateway gloo-system/nobody, to which HTTPRoute {namespace}/mistral attaches",),
            changed(ROUTE, lambda spec: spec["parentRefs"][0].update(ANOTHER_GATEWAY)),
        ),
        Case(
            "another listener",
            ("doesn't accept HTTPRoute {namespace}/mistral: Accepted is False", "set `gateway.sectionName`"),
            changed(ROUTE, lambda spec: spec["parentRefs"][0].update(sectionName="https")),
        ),
        Case(
            "other host names",
            ("matches llm.example.com, and the request was for 127.0.0.1",),
            has_worked=False,
            arguments={"hostnames": ["llm.example.com"]},
        ),
    ],
    Hop.CALLER: [
        Case(
            "no key of a client's",
            ("api key authentication failure", "--token-variable"),
            with_policy("AgentgatewayPolicy", {"traffic": API_KEYS}),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "a rule that forbids the request",
            (
                'HTTP 403 from the gateway itself, "authorization failed"',
                "find the policy of route, Gateway or listener",
            ),
            with_policy("AgentgatewayPolicy", {"traffic": NOBODY_MAY}),
            apis=(AGENTGATEWAY,),
        ),
    ],
    Hop.REQUEST: [
        Case(
            "a field of another type",
            ("processing failed: failed to parse request", "`requestOverrides`"),
            has_worked=False,
            arguments={"request_overrides": {"temperature": "hot"}},
            apis=(AGENTGATEWAY,),
        ),
    ],
    Hop.BACKEND: [
        Case(
            "no backend",
            ("there is no {backend} {namespace}/mistral, to which HTTPRoute {namespace}/mistral leads",),
            missing(),
        ),
        Case(
            "the other API's backend",
            ("{backend} {namespace}/mistral is not accepted: ResolvedRefs is False",),
            has_worked=False,
            of_the_other_api=True,
        ),
    ],
    Hop.SECRET: [
        Case("no Secret", ("mistral-secret, which the backend names, does not exist",), secret_with(None)),
        *(
            Case(name, (f"{says}, {READERS[api].without_key}",), secret_with(values), apis=(api,))
            for api in BackendApi
            for name, values, says in (
                ("another key", {"api-key": "sk-other"}, "has no `Authorization`; it has `api-key`"),
                ("an empty key", {"Authorization": ""}, "is empty under `Authorization`"),
            )
        ),
    ],
    Hop.PROVIDER: [
        Case(
            "nothing listens",
            ("HTTP 503 from the gateway itself", "the cluster can reach them"),
            has_worked=False,
            arguments={"port": 1},
        ),
        Case("a failure of its own", ("HTTP 500 from the provider",), behaving(failing(500))),
        Case(
            "an error with status 200",
            ("HTTP 503 from the gateway itself", "missing field", "probably with an error", "read it with --stream"),
            answering(200, NO_MONEY),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "a list of parts",
            ("expected a string", "the provider's message is a list of parts"),
            behaving(in_parts),
            apis=(AGENTGATEWAY,),
        ),
    ],
    Hop.TLS: [
        Case(
            "an authority that isn't trusted",
            ("expects localhost:", "`tls.caCertificateConfigmap`"),
            certificate_of_a_foreign_authority,
            has_worked=False,
        ),
        *(
            Case(
                "authorities that are missing",
                (f"ConfigMap {{namespace}}/house-ca, which {owner} names, does not exist",),
                has_worked=False,
                arguments={"tls": {"ca_certificate_configmap": "house-ca"}},
                apis=(api,),
            )
            for api, owner in (
                (KGATEWAY, "BackendTLSPolicy {namespace}/mistral-tls"),
                (AGENTGATEWAY, "AgentgatewayBackend {namespace}/mistral"),
            )
        ),
    ],
    Hop.HOST: [
        Case(
            "the gateway's own name",
            ("HTTPRoute {namespace}/mistral leaves the Host header as it is", "`rewriteHost`"),
            behaving(page_for_a_wrong_host),
            {"rewrite_host": False},
            apis=(KGATEWAY,),
        ),
        Case("misdirected", ("`rewriteHost`",), answering(421, b"<html></html>", "text/html")),
    ],
    Hop.KEY: [
        Case("refused", ("Secret {namespace}/mistral-secret has a key",), behaving(failing(401))),
        *(
            Case(
                f"refused with 400, as {name} does",
                ("HTTP 400 from the provider, which says that it is about the API key",),
                answering(400, body),
            )
            for name, body in (("xAI", XAI_KEY), ("Gemini", GEMINI_KEY))
        ),
        Case(
            "no token of the caller's",
            ("the provider gets the caller's own token", "--token-variable"),
            behaving(keyless_refused),
            {"api_key": None, "passthrough": True},
        ),
        Case(
            "no key, and the provider wants one",
            ("the provider gets no key", "give its key as `apiKey` instead of `keyless`"),
            behaving(keyless_refused),
            {"api_key": None, "keyless": True},
            apis=(AGENTGATEWAY,),
        ),
    ],
    Hop.MODEL_OR_PATH: [
        Case(
            "an unknown model",
            ('HTTP 404 from the provider, "no such model"',),
            behaving(failing(404, "no such model")),
        ),
        Case(
            "another path",
            ('HTTP 404 from the provider, "unknown path"',),
            has_worked=False,
            arguments={"path": "/v1/chat"},
        ),
        Case("no completion", ("compare `host` and `path`",), answering(200, b"<html></html>", "text/html")),
        *(
            Case(
                f"a redirect with {status}",
                (f"HTTP {status} from the provider: a redirect to https://localhost/v2", "compare `host` and `path`"),
                redirecting(status, "https://localhost/v2"),
            )
            for status in (301, 302, 307, 308)
        ),
        Case(
            "no stream",
            ("HTTP 200 from the provider, with a completion in one piece", "compare `host` and `path`"),
            behaving(in_one_piece),
            options=("--stream",),
            apis=(AGENTGATEWAY,),
        ),
    ],
    Hop.LIMIT: [
        Case("the provider's", ("HTTP 429 from the provider",), behaving(failing(429))),
        Case(
            "an error with status 200, in place of a stream",
            ('HTTP 200 from the provider, with an error in it, "Insufficient balance"',),
            answering(200, NO_MONEY),
            options=("--stream",),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "the gateway's",
            ('HTTP 429 from the gateway itself, "rate limit exceeded"',),
            with_policy("AgentgatewayPolicy", {"traffic": {"rateLimit": REQUESTS}}),
            apis=(AGENTGATEWAY,),
        ),
        Case(
            "the gateway's",
            ('HTTP 429 from the gateway itself, "rate limit exceeded"',),
            with_policy("TrafficPolicy", {"rateLimit": TOKEN_BUCKET}),
            apis=(KGATEWAY,),
        ),
        Case(
            "a large request",
            ("request was too large", "the limit is fixed"),
            options=(LARGE_PROMPT,),
            apis=(KGATEWAY,),
        ),
    ],
    Hop.TIMEOUT: [
        Case("the client's", ("no response arrived for 0.5 seconds",), behaving(silent), options=("--timeout", "0.5")),
        Case(
            "the route's",
            ('HTTP 504 from the gateway itself, "request timeout',),
            silent_for_longer_than_the_route_waits,
        ),
    ],
    Hop.STREAM: [
        Case("half a stream", (), behaving(half_a_stream), options=("--stream",)),
    ],
}


def parameters() -> list[Any]:
    return [
        pytest.param(hop, case, api, id=f"{hop.label}, {case.name}, {api.value}")
        for hop, cases in CASES.items()
        for case in cases
        for api in case.apis
    ]


def until(chat: Chat, status: int, *options: str, says: Sequence[str] = ()) -> ChatRun:
    """Asks until the gateway and its controller have taken note of a change: the proxy often does before the status."""
    for _ in range(TRIES):
        asked = chat(*options)
        unsaid = [part for part in says if part not in asked.stderr]
        if asked.status == status and not unsaid:
            break
        time.sleep(0.1)
    assert (asked.status, unsaid) == (status, []), asked.stderr
    return asked


@pytest.fixture
def chat(api: BackendApi, installation: Installation, namespace: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Asks the gateway of this API for the objects in the test's namespace."""
    with using(installation, api.value):
        chat = Chat(installation.gateways[api.value].url, installation.kubeconfig, capsys)
        chat.path = f"/{namespace}"
        yield chat


@pytest.fixture
def deploy(
    api: BackendApi, cluster: Cluster, namespace: str, installation: Installation, provider: OpenAIProvider
) -> Deploy:
    """Creates the provider's objects with the component's arguments."""
    gateway = installation.gateways[api.value]
    at_the_gateway = {"gateway": {"name": gateway.name, "namespace": gateway.namespace}}
    defaults = {"host": "localhost", "port": provider.port, **at_the_gateway}

    def deploy(*, of_the_other_api: bool = False, **arguments: Any) -> ProviderObjects:
        of_api = OTHER[api] if of_the_other_api else api
        objects = ProviderObjects(cluster, namespace, of_api, {**defaults, **arguments})
        objects.create_all()
        return objects

    return deploy


@pytest.mark.parametrize(("hop", "case", "api"), parameters())
def test_the_broken_hop_is_named(
    hop: Hop, case: Case, chat: Chat, deploy: Deploy, provider: OpenAIProvider, foreign_authority: trustme.CA
) -> None:
    objects = deploy(of_the_other_api=case.of_the_other_api, **case.arguments)
    if case.has_worked:
        until(chat, 0)
    case.breaks(Broken(objects, provider, foreign_authority))
    known = {"namespace": objects.namespace, "backend": objects.backend, "path": chat.path}
    named = f"{chat.path}: broken at the hop {hop.label}: {hop.meaning}."
    until(chat, hop.status, *case.options, says=[named, *(part.format(**known) for part in case.says)])


@pytest.mark.parametrize("api", [KGATEWAY])
def test_a_missing_key_is_named_although_a_completion_arrived(
    chat: Chat, deploy: Deploy, provider: OpenAIProvider
) -> None:
    objects = deploy()
    until(chat, 0)
    objects.replace_secret({"api-key": "sk-other"})
    asked = until(chat, Hop.SECRET.status)
    assert asked.stdout == "Hello, world!\n"
    assert f"a completion arrived, yet Secret {objects.namespace}/mistral-secret has no `Authorization`" in asked.stderr
    assert provider.requests[-1].authorization is None


@pytest.mark.parametrize("api", [AGENTGATEWAY])
def test_a_large_request_is_named_until_the_gateway_has_a_policy_for_it(
    chat: Chat,
    deploy: Deploy,
    installation: Installation,
    cluster: Cluster,
    provider: OpenAIProvider,
    large_prompt: str,
) -> None:
    deploy()
    until(chat, 0)
    said = until(chat, Hop.LIMIT.status, large_prompt).stderr
    assert "processing failed: request was too large" in said
    assert "give the Gateway an AgentgatewayPolicy (`targetRefs`) with `frontend.http.maxBufferSize`" in said
    with large_bodies(installation, cluster):
        until(chat, 0, large_prompt)
        assert len(provider.requests[-1].body) > len(large_prompt)


@pytest.mark.parametrize("api", [AGENTGATEWAY])
def test_a_large_response_is_named_until_the_gateway_has_that_policy(
    chat: Chat,
    deploy: Deploy,
    installation: Installation,
    cluster: Cluster,
    provider: OpenAIProvider,
    large_prompt: str,
) -> None:
    deploy()
    until(chat, 0)
    provider.behaviour = lambda exchange: in_one_piece(exchange, large_prompt)
    said = until(chat, Hop.LIMIT.status).stderr
    assert 'HTTP 503 from the gateway itself, "processing failed: response was too large"' in said
    assert "`frontend.http.maxBufferSize`" in said
    with large_bodies(installation, cluster):
        assert until(chat, 0).stdout == f"{large_prompt}\n"


@contextmanager
def large_bodies(installation: Installation, cluster: Cluster) -> Iterator[None]:
    """Raises the Gateway's limit by a policy."""
    gateway = installation.gateways[AGENTGATEWAY.value]
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.name}
    policy = {
        "apiVersion": "agentgateway.dev/v1alpha1",
        "kind": "AgentgatewayPolicy",
        "metadata": {"name": "large-bodies"},
        "spec": {"targetRefs": [target], "frontend": {"http": {"maxBufferSize": 33554432}}},
    }
    at = ("agentgateway.dev", "v1alpha1", gateway.namespace, "agentgatewaypolicies")
    cluster.custom.create_namespaced_custom_object(*at, policy)
    try:
        yield
    finally:
        cluster.custom.delete_namespaced_custom_object(*at, "large-bodies")


@pytest.mark.parametrize("api", [AGENTGATEWAY])
def test_a_message_of_several_parts_comes_through_as_a_stream(
    chat: Chat, deploy: Deploy, provider: OpenAIProvider
) -> None:
    deploy()
    until(chat, 0)
    provider.behaviour = in_parts
    assert until(chat, 0, "--stream").stdout == "Hello\n"
