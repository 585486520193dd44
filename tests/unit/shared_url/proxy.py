"""Does what agentgateway's proxy does with requests, on a local port, as objects that a program registered say.

It chooses rules as the Gateway API has it, with regular expressions as the proxy reads them. Providers are on loopback,
in plain HTTP, whatever the backend says of their TLS. There are no limits, retries and fallbacks here.
"""

import http.client
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from tests.support import http_server
from tests.support.http_server import Request, Server, serving
from tests.unit.shared_url import callers, expressions, messages

LISTENER = "http"
MOST_BYTES = 2 * 1024 * 1024

Object = Mapping[str, Any]


class RefusedError(Exception):
    """A policy refuses the request: its status, and the text of the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Rule:
    """A rule of an HTTPRoute, with one of its matches.

    Attributes:
        policies: What the policies of the route and of the rule say.
    """

    route: Object
    rule: Object
    match: Object
    policies: Sequence[Object] = field(repr=False)

    @property
    def path(self) -> str:
        return str(self.match["path"]["value"])

    @property
    def precedence(self) -> tuple[int, ...]:
        """The lowest goes first; of two that are alike, the one that was made first."""
        is_exact = self.match["path"]["type"] == "Exact"
        return (-is_exact, -len(self.path), -("method" in self.match), -len(self.match.get("headers", ())))

    def matches(self, request: Request) -> bool:
        return (
            self._matches_path(urlsplit(request.path).path)
            and self.match.get("method", request.method) == request.method
            and all(_matches_header(each, request.headers) for each in self.match.get("headers", ()))
        )

    def _matches_path(self, path: str) -> bool:
        if self.match["path"]["type"] == "Exact":
            return path == self.path
        return f"{path.rstrip('/')}/".startswith(f"{self.path.rstrip('/')}/")

    def policy(self, name: str) -> Any:
        """Returns what a policy says by this name; none says it twice."""
        found = [each[name] for each in self.policies if name in each]
        assert len(found) <= 1, f"one of these loses: {found}"
        return found[0] if found else None


def _matches_header(match: Object, headers: Mapping[str, str]) -> bool:
    value = headers.get(match["name"].lower())
    if value is None or match.get("type", "Exact") == "Exact":
        return bool(value == match["value"])
    return matches_value(match["value"], value)


def matches_value(expression: str, value: str) -> bool:
    """Tells whether the first match is the whole value. A value with other characters than ASCII's is no text."""
    found = re.search(expression, value) if value.isascii() else None
    return found is not None and found.span() == (0, len(value))


@dataclass
class Proxy:
    """Knows the objects of one Gateway, which has one listener.

    Attributes:
        url: URL on which it listens.
        providers: URL of each provider by the host that its backend names.
    """

    url: str
    objects: Sequence[Object]
    providers: Mapping[str, str]
    gateway: str = "agentgateway"

    def rules(self, host: str, request: Request) -> Iterator[Rule]:
        """Returns the rules that take the request, the first one first: the host name counts before all else."""
        for hostname in (host, f"*.{host.partition('.')[2]}", None):
            rules = (each for each in self._rules() if hostname in (each.route["spec"].get("hostnames") or [None]))
            yield from sorted((each for each in rules if each.matches(request)), key=lambda each: each.precedence)

    def _rules(self) -> Iterator[Rule]:
        for route in self._of_kind("HTTPRoute"):
            if not any(self._is_here(parent) for parent in route["spec"]["parentRefs"]):
                continue
            for rule in route["spec"]["rules"]:
                policies = list(self._policies("HTTPRoute", route["metadata"]["name"], rule.get("name")))
                yield from (Rule(route, rule, match, policies) for match in rule["matches"])

    def _is_here(self, reference: Object) -> bool:
        return (reference["name"], reference.get("sectionName", LISTENER)) == (self.gateway, LISTENER)

    def _policies(self, kind: str, name: str, section: str | None) -> Iterator[Object]:
        for policy in self._of_kind("AgentgatewayPolicy"):
            for target in policy["spec"]["targetRefs"]:
                if (target["kind"], target["name"]) == (kind, name) and target.get("sectionName", section) == section:
                    yield policy["spec"].get("traffic", {})

    def _of_kind(self, kind: str) -> Iterator[Object]:
        return (each for each in self.objects if each["kind"] == kind)

    def one(self, kind: str, name: str) -> Object:
        (found,) = (each for each in self._of_kind(kind) if each["metadata"]["name"] == name)
        return found

    @property
    def most_bytes(self) -> int:
        frontends = (each["spec"].get("frontend", {}) for each in self._of_kind("AgentgatewayPolicy"))
        return next((each["http"]["maxBufferSize"] for each in frontends if "http" in each), MOST_BYTES)

    def transformed(self, request: Request) -> Request:
        """Sets the headers that the Gateway's policies set before a route is chosen."""
        found = [
            each for each in self._policies("Gateway", self.gateway, LISTENER) if each.get("phase") == "PreRouting"
        ]
        assert all(each == found[0] for each in found), f"only one of these works: {found}"
        headers = dict(request.headers)
        for policy in found[:1]:
            for header in policy["transformation"]["request"]["set"]:
                headers.pop(header["name"].lower(), None)
                value = self._header(header["value"], request)
                if value is not None:
                    headers[header["name"].lower()] = value
        return replace(request, headers=headers)

    def _header(self, expression: str, request: Request) -> str | None:
        """Returns the value of a header, unless it can be none."""
        try:
            value = expressions.evaluate(expression, request=self._variable(request))
        except expressions.ERRORS:
            return None
        is_header = isinstance(value, str) and not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)
        return value if is_header else None

    def admit(self, rule: Rule, request: Request) -> tuple[Request, dict[str, Any]]:
        """Returns the request without its client's key, and the variables of the rule's expressions.

        Raises:
            RefusedError: If the client has no valid key, or may not send this request.
        """
        variables: dict[str, Any] = {}
        if (authentication := rule.policy("apiKeyAuthentication")) is not None:
            assert authentication["mode"] == "Strict"
            header = callers.header_of(authentication)
            key = callers.key_in(header, request)
            if key is None:
                raise RefusedError(401, "api key authentication failure: no API Key found")
            entries = self.one("Secret", authentication["secretRef"]["name"])["stringData"].values()
            if (claims := callers.claims(entries, key)) is None:
                raise RefusedError(401, "api key authentication failure: invalid credentials")
            variables["apiKey"] = claims
            request = _without(request, [header["name"]])
        variables["request"] = self._variable(request)
        if (authorization := rule.policy("authorization")) is not None and not _is_allowed(authorization, variables):
            raise RefusedError(403, "authorization failed")
        return request, variables

    def _variable(self, request: Request) -> dict[str, Any]:
        body = request.body if len(request.body) <= self.most_bytes else None
        return {
            "method": request.method,
            "pathAndQuery": request.path,
            **expressions.request(body, urlsplit(request.path).path, request.headers),
        }


class Handler(http_server.Handler):
    server: "_Server"

    def respond(self, request: Request) -> None:
        proxy = self.server.proxy
        request = proxy.transformed(request)
        rule = next(proxy.rules(request.host.partition(":")[0], request), None)
        if rule is None:
            self._refuse(404, "route not found")
            return
        try:
            request, variables = proxy.admit(rule, request)
        except RefusedError as refused:
            self._refuse(refused.status, refused.text)
            return
        if (response := rule.policy("directResponse")) is not None:
            self._respond_directly(response, variables)
            return
        self._forward(rule, _filtered(rule, request))

    def _refuse(self, status: int, text: str) -> None:
        self.answer(status, text.encode(), "text/plain")

    def _respond_directly(self, response: Object, variables: dict[str, Any]) -> None:
        try:
            body = expressions.evaluate_body(response["bodyExpression"], **variables)
        except expressions.ERRORS:
            self._refuse(500, "failed to apply filters")
            return
        headers = {each["name"]: expressions.evaluate(each["value"], **variables) for each in response["headers"]}
        self.answer(response["status"], body.encode(), headers.pop("content-type"), **headers)

    def _forward(self, rule: Rule, request: Request) -> None:
        proxy = self.server.proxy
        (reference,) = rule.rule["backendRefs"]
        backend = proxy.one(reference["kind"], reference["name"])["spec"]
        provider, policies = backend["ai"]["provider"], backend["policies"]
        kind, path, body = _upstream(provider, policies.get("ai", {}), request)
        headers = {**request.headers, "host": provider["host"]}
        if secret := policies.get("auth", {}).get("secretRef"):
            key = proxy.one("Secret", secret["name"])["stringData"]["Authorization"]
            location = callers.header_of(policies["auth"])
            headers[location["name"].lower()] = f"{location.get('prefix', '')}{key}"
        connection = http.client.HTTPConnection(urlsplit(proxy.providers[provider["host"]]).netloc, timeout=20)
        try:
            connection.request(request.method, path, body, {**headers, "content-length": str(len(body))})
            with connection.getresponse() as response:
                self._pass_on(response, kind)
        finally:
            connection.close()

    def _pass_on(self, response: http.client.HTTPResponse, kind: str) -> None:
        content_type = response.headers["content-type"]
        if response.headers.get("transfer-encoding") != "chunked":
            body = response.read()
            self.answer(response.status, messages.response(body) if kind == "Messages" else body, content_type)
            return
        self.begin_stream()
        events = messages.events(response) if kind == "Messages" else iter(response.readline, b"")
        for part in events:
            self.chunk(part)
        self.end_stream()


def _is_allowed(authorization: Object, variables: dict[str, Any]) -> bool:
    """Tells whether all expressions hold. One that fails is a no."""
    assert authorization["action"] == "Require"
    try:
        return all(
            expressions.evaluate(each, **variables) is True for each in authorization["policy"]["matchExpressions"]
        )
    except expressions.ERRORS:
        return False


def _filtered(rule: Rule, request: Request) -> Request:
    """Changes the request as the rule's filters say, of which there is one of a type at most."""
    filters = rule.rule.get("filters", [])
    types = [each["type"] for each in filters]
    assert len(types) == len(set(types))
    for each in filters:
        if each["type"] == "RequestHeaderModifier":
            request = _without(request, each["requestHeaderModifier"]["remove"])
        else:
            path = each["urlRewrite"]["path"]
            request = replace(request, path=_rewritten(path, rule.path, request.path))
    return request


def _without(request: Request, names: Iterable[str]) -> Request:
    removed = {name.lower() for name in names}
    return replace(request, headers={name: value for name, value in request.headers.items() if name not in removed})


def _rewritten(rewrite: Object, matched: str, path: str) -> str:
    path, question_mark, query = path.partition("?")
    if rewrite["type"] == "ReplaceFullPath":
        return f"{rewrite['replaceFullPath']}{question_mark}{query}"
    below = path.removeprefix(matched.rstrip("/"))
    return f"{rewrite['replacePrefixMatch'].rstrip('/')}/{below.lstrip('/')}{question_mark}{query}"


def _upstream(provider: Object, ai: Object, request: Request) -> tuple[str, str, bytes]:
    """Returns what the proxy takes a request for, and the path and the body that the provider gets."""
    path = urlsplit(request.path).path
    routes = ai.get("routes", {"*": "Completions"})
    kind = routes[next((ending for ending in routes if path.endswith(ending)), "*")]
    below = request.path.removeprefix("/v1")
    if kind != "Passthrough":
        # The provider gets the endpoint's own path, whatever stood before that.
        below = {"Completions": "/chat/completions", "Responses": "/responses"}.get(kind, f"/{kind.lower()}")
        body = request.json
        body["model"] = provider["openai"].get("model") or ai.get("modelAliases", {}).get(body["model"], body["model"])
        if kind == "Messages":
            body, below = messages.chat_request(body), "/chat/completions"
        body.update((each["field"], each["value"]) for each in ai.get("overrides", ()))
        for each in ai.get("defaults", ()):
            body.setdefault(each["field"], each["value"])
        request = replace(request, body=json.dumps(body).encode())
    return kind, provider.get("path") or provider["pathPrefix"].rstrip("/") + below, request.body


class _Server(Server):
    proxy: Proxy


@contextmanager
def agentgateway_proxy(objects: Sequence[Object], providers: Mapping[str, str]) -> Iterator[Proxy]:
    """Runs a proxy for the default Gateway with these objects."""
    server = _Server(Handler)
    server.proxy = Proxy(f"http://127.0.0.1:{server.server_port}", objects, providers)
    with serving(server):
        yield server.proxy
