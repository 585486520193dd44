"""Every hop that `make chat` names, broken for real on the gateways of each API, and its name read."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import trustme

from components.openai_compatible_llm.args import BackendApi
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
    tls_context,
)
from tests.support.broken_hops import (
    AGENTGATEWAY,
    KGATEWAY,
    NO_ROUTE,
    PARTS,
    SHARED_FAULTS,
    Fault,
    Faults,
    Reply,
    changed,
    error,
    from_gateway,
    from_provider,
    page,
    parameters,
    redirect,
    with_policy,
)
from tests.support.chat import Chat
from tests.support.chat_run import ChatRun
from tests.support.cluster import Cluster
from tests.support.http_server import Request
from tests.support.provider_objects import ROUTE, ProviderObjects

OTHER = {KGATEWAY: AGENTGATEWAY, AGENTGATEWAY: KGATEWAY}
TRIES = 60

Deploy = Callable[..., ProviderObjects]


def behaving(reply: Reply) -> Behaviour:
    return lambda exchange: reply(exchange, exchange.request_)


def refusing_keyless(reply: Reply) -> Behaviour:
    """Answers as a provider that wants a key."""
    return lambda exchange: (
        completion(exchange) if exchange.request_.authorization else reply(exchange, exchange.request_)
    )


def as_usual(exchange: Exchange, _: Request) -> None:
    completion(exchange)


def in_parts(exchange: Exchange) -> None:
    """Streams as a reasoning model whose content is a list."""
    choices = [
        {"index": 0, "delta": {"content": PARTS}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    exchange.stream([json.dumps({**chat_completion("m"), "choices": [choice]}) for choice in choices])


def page_for_a_wrong_host(exchange: Exchange, request: Request) -> None:
    """Answers as a CDN in front of a provider does."""
    if request.host.partition(":")[0] == "localhost":
        completion(exchange)
    else:
        page(403)(exchange, request)


def half_a_stream(exchange: Exchange, request: Request) -> None:
    exchange.stream(events(exchange, request))


def events(exchange: Exchange, request: Request) -> Iterator[str]:
    yield next(iter(completion_events(request)))
    exchange.connection.close()
    raise ConnectionResetError


ANOTHER_GATEWAY = {"name": "nobody", "namespace": "gloo-system"}
XAI_KEY = {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: ba***na."}
GEMINI_KEY = [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]
NO_MONEY = from_provider(200, {"error": {"message": "Insufficient balance", "code": 402}})
API_KEYS = {"apiKeyAuthentication": {"mode": "Strict", "secretRef": {"name": "mistral-secret"}}}

FAULTS: Faults = {
    Hop.GATEWAY: [
        Fault("nothing listens", NO_ROUTE, ("nothing listens there",), options=("--gateway-url", "http://127.0.0.1:1"))
    ],
    Hop.ROUTE: [
        Fault(
            "another Gateway",
            NO_ROUTE,
            ("there is no Gateway gloo-system/nobody, to which HTTPRoute {namespace}/mistral attaches",),
            changed(ROUTE, lambda spec: spec["parentRefs"][0].update(ANOTHER_GATEWAY)),
        ),
        Fault(
            "another listener",
            NO_ROUTE,
            ("doesn't accept HTTPRoute {namespace}/mistral: Accepted is False", "set `gateway.sectionName`"),
            changed(ROUTE, lambda spec: spec["parentRefs"][0].update(sectionName="https")),
        ),
    ],
    Hop.CALLER: [
        Fault(
            "no key of a client's",
            from_gateway(401, "api key authentication failure: no API Key found"),
            ("api key authentication failure", "--token-variable"),
            with_policy(agentgateway={"traffic": API_KEYS}),
            apis=(AGENTGATEWAY,),
        )
    ],
    Hop.REQUEST: [
        Fault(
            "a field of another type",
            from_gateway(503, "processing failed: failed to parse request"),
            ("processing failed: failed to parse request", "`requestOverrides`"),
            arguments={"request_overrides": {"temperature": "hot"}},
            apis=(AGENTGATEWAY,),
            has_worked=False,
        )
    ],
    Hop.PROVIDER: [
        Fault(
            "an error with status 200",
            from_gateway(503, "processing failed: failed to parse response: missing field `choices`"),
            ("HTTP 503 from the gateway itself", "missing field", "probably with an error", "read it with --stream"),
            provider=NO_MONEY,
            apis=(AGENTGATEWAY,),
        )
    ],
    Hop.HOST: [
        Fault(
            "the gateway's own name",
            page_for_a_wrong_host,
            ("HTTPRoute {namespace}/mistral leaves the Host header as it is", "`rewriteHost`"),
            arguments={"rewrite_host": False},
            apis=(KGATEWAY,),
        )
    ],
    Hop.KEY: [
        Fault(
            f"refused with 400, as {name} does",
            from_provider(400, body),
            ("HTTP 400 from the provider, which says that it is about the API key",),
        )
        for name, body in (("xAI", XAI_KEY), ("Gemini", GEMINI_KEY))
    ],
    Hop.MODEL_OR_PATH: [
        Fault(
            "another path",
            from_provider(404, error("unknown path")),
            ('HTTP 404 from the provider, "unknown path"',),
            arguments={"path": "/v1/chat"},
            provider=as_usual,
            has_worked=False,
        ),
        Fault("no completion", page(200), ("compare `host` and `path`",)),
        *(
            Fault(
                f"a redirect with {status}",
                redirect("https://localhost/v2", status),
                (f"HTTP {status} from the provider: a redirect to https://localhost/v2", "compare `host` and `path`"),
            )
            for status in (301, 302, 307, 308)
        ),
    ],
    Hop.LIMIT: [
        Fault("the provider's", from_provider(429, error("on demand")), ("HTTP 429 from the provider",)),
        Fault(
            "an error with status 200, in place of a stream",
            NO_MONEY,
            ('HTTP 200 from the provider, with an error in it, "Insufficient balance"',),
            options=("--stream",),
            apis=(AGENTGATEWAY,),
        ),
        Fault(
            "a large request",
            from_gateway(503, "processing failed: request was too large"),
            ("request was too large", "the limit is fixed"),
            options=(LARGE_PROMPT,),
            apis=(KGATEWAY,),
        ),
    ],
    Hop.STREAM: [Fault("half a stream", half_a_stream, options=("--stream",))],
}


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


def broken(chat: Chat, hop: Hop, says: Sequence[str], *options: str) -> ChatRun:
    """Asks until this hop is named, and all of this is said."""
    named = f"{chat.path}: broken at the hop {hop.label}: {hop.meaning}."
    return until(chat, hop.status, *options, says=[named, *says])


@pytest.mark.parametrize(("hop", "fault", "api"), parameters(SHARED_FAULTS, FAULTS, on_gateways=True))
def test_the_broken_hop_is_named(hop: Hop, fault: Fault, chat: Chat, deploy: Deploy, provider: OpenAIProvider) -> None:
    objects = deploy(**fault.arguments)
    if fault.has_worked:
        until(chat, 0)
    if reply := fault.provider_reply:
        provider.behaviour = refusing_keyless(reply) if fault.only_keyless else behaving(reply)
    fault.breaks(objects)
    broken(chat, hop, fault.parts(objects, chat.path), *fault.options)


@pytest.mark.parametrize("api", BackendApi)
def test_an_authority_that_is_not_trusted_is_named(
    chat: Chat, deploy: Deploy, provider: OpenAIProvider, foreign_authority: trustme.CA
) -> None:
    provider.tls = tls_context(foreign_authority)
    deploy()
    broken(chat, Hop.TLS, ["expects localhost:", "`tls.caCertificateConfigmap`"])


@pytest.mark.parametrize("api", BackendApi)
def test_the_backend_of_the_other_api_is_named(chat: Chat, deploy: Deploy) -> None:
    objects = deploy(of_the_other_api=True)
    named = f"{objects.backend} {objects.namespace}/mistral"
    broken(chat, Hop.BACKEND, [f"{named} is not accepted: ResolvedRefs is False"])


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
@pytest.mark.parametrize("what", ["request", "response"])
def test_what_is_too_large_is_named_until_the_gateway_has_a_policy_for_it(
    what: str,
    chat: Chat,
    deploy: Deploy,
    installation: Installation,
    cluster: Cluster,
    provider: OpenAIProvider,
    large_prompt: str,
) -> None:
    deploy()
    until(chat, 0)
    options = [large_prompt] if what == "request" else []
    if what == "response":
        answer = chat_completion("m")
        answer["choices"][0]["message"]["content"] = large_prompt
        provider.behaviour = lambda exchange: exchange.answer_json(200, answer)
    said = until(chat, Hop.LIMIT.status, *options).stderr
    assert f'from the gateway itself, "processing failed: {what} was too large"' in said
    assert "give the Gateway an AgentgatewayPolicy (`targetRefs`) with `frontend.http.maxBufferSize`" in said
    assert what == "request" or "HTTP 503" in said
    with large_bodies(installation, cluster):
        asked = until(chat, 0, *options)
    assert what == "request" or asked.stdout == f"{large_prompt}\n"
    assert what == "response" or len(provider.requests[-1].body) > len(large_prompt)


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
