"""Validates every object that the component registers, and refuses unknown fields."""

from collections.abc import Iterator, Mapping
from inspect import get_annotations
from typing import Any, get_args, is_typeddict

import pulumi
import pytest
import yaml

from components import OpenAICompatibleLLMArgs
from components.openai_compatible_llm.args import BackendApi, Endpoints, FallbackArgs, RateLimitPeriod
from tests.contract.schemas import StrictSchemas
from tests.support.recording import PROJECT, record_component, record_program
from tests.support.repository import REPOSITORY
from tests.support.shared_url import (
    CLIENTS,
    LIMITED,
    LIMITED_BY_SERVICE,
    MOST_CONDITIONS,
    PROVIDERS,
    SERVICE,
    WEB,
    WHOLE_SERVICE,
    clients_with_limits,
)

STACKS = REPOSITORY / "stacks"
BACKENDS = {BackendApi.KGATEWAY: "Backend", BackendApi.AGENTGATEWAY: "AgentgatewayBackend"}
PRESET: OpenAICompatibleLLMArgs = {"preset": "mistral", "api_key": "key"}

HOUSE_TLS: Any = {"hostname": "llm.internal", "ca_certificate_configmap": "house-ca"}

CASES: dict[str, OpenAICompatibleLLMArgs] = {
    "a preset": PRESET,
    "a host": {"host": "llm.example.com", "api_key": "key"},
    "everything": {
        "preset": "deepseek",
        "host": "llm.example.com",
        "port": 8443,
        "path": "/api/v2/chat/completions",
        "model": "large",
        "api_key": "key",
        "auth_header": {"header_name": "Authorization", "prefix": "Bearer"},
        "namespace": "llms",
        "gateway": {"name": "edge", "namespace": "gateways", "section_name": "https", "url": "https://llm.example.com"},
        "route_path": "/llm/large",
        "hostnames": ["llm.example.com", "*.llm.example.com"],
        "labels": {"team": "llm"},
        "annotations": {"example.com/team": "llm"},
        "rewrite_host": True,
    },
    "chat completions alone": {**PRESET, "endpoints": Endpoints.CHAT},
    "a base URL": {"base_url": "https://llm.example.com:8443/api/v1", "api_key": "key"},
    "a Secret that is there": {"preset": "mistral", "api_key_secret": {"name": "keys"}},
    "passthrough": {"preset": "mistral", "passthrough": True},
    "a certificate of one's own": {**PRESET, "tls": HOUSE_TLS},
    "plain HTTP": {"host": "vllm.models", "port": 8000, "tls": {"disabled": True}, "api_key": "key"},
    "waiting": {**PRESET, "wait_for_ready": True, "ready_timeout_seconds": 60},
    "sixteen hostnames": {**PRESET, "hostnames": [f"*.{n}.example.com" for n in range(16)]},
    "the name of a gateway": {**PRESET, "gateway": {"name": "edge"}},
    "the namespace of a gateway": {**PRESET, "gateway": {"namespace": "gateways"}},
    "the least port": {**PRESET, "port": 1},
    "the greatest port": {**PRESET, "port": 65535},
    "limits": {**PRESET, "rate_limits": [{"requests": 10, "per": RateLimitPeriod.MINUTE, "burst": 5}]},
    "the greatest limit": {**PRESET, "rate_limits": [{"requests": 10**9, "per": RateLimitPeriod.HOUR, "burst": 10**9}]},
    "fields of requests": {
        **PRESET,
        "request_defaults": {"temperature": 0.3, "stop": ["a"], "user": "", "response_format": {"type": "json_object"}},
        "request_overrides": {"max_tokens": 256, "store": False},
        "model_aliases": {"fast": "mistral-small-latest"},
    },
    "as many fields as there can be": {
        **PRESET,
        "request_defaults": {"f" * 254 + f"{number:02}": number for number in range(64)},
        "model_aliases": {f"m{number}": "m" for number in range(64)},
    },
    "an address": {"host": "10.0.0.7", "port": 8000, "tls": {"disabled": True}, "api_key": "key"},
    "an address with TLS": {"host": "10.0.0.7", "tls": {"hostname": "llm.internal"}, "api_key": "key"},
    "a long host": {"host": ".".join(["a" * 63] * 3 + ["a" * 61]), "api_key": "key"},
    "the shortest timeout": {**PRESET, "request_timeout_seconds": 1},
    "the longest timeout": {**PRESET, "request_timeout_seconds": 99999},
}

FALLBACK: FallbackArgs = {"name": "eu", "host": "eu.example.com", "api_key": "key"}
VLLM: OpenAICompatibleLLMArgs = {"base_url": "http://vllm.models:8000/v1"}
VLLM_FALLBACK: FallbackArgs = {"name": "vllm", "base_url": "http://vllm.models:8000/v1"}


ONLY_KGATEWAY: dict[str, OpenAICompatibleLLMArgs] = {"no rewriting": {**PRESET, "rewrite_host": False}}

ONLY_AGENTGATEWAY: dict[str, OpenAICompatibleLLMArgs] = {
    "all endpoints": {**PRESET, "endpoints": Endpoints.ALL},
    "all endpoints below a path": {**PRESET, "path": "/chat/completions", "endpoints": Endpoints.ALL},
    "all endpoints at the root of the gateway": {**PRESET, "endpoints": Endpoints.ALL, "route_path": "/"},
    "all endpoints below any characters": {**PRESET, "route_path": "/a(b)*+$;c%41,d='!&"},
    "all endpoints below the longest path": {**PRESET, "route_path": "/" + "." * 1023},
    "no key": {"preset": "mistral", "keyless": True},
    "no key, and plain HTTP": {**VLLM, "keyless": True},
    "no key, and clients": {**VLLM, "keyless": True, "clients": {"web": WEB}},
    "no key, plain HTTP and chat alone": {**VLLM, "keyless": True, "endpoints": Endpoints.CHAT},
    "no key, plain HTTP and a fallback with TLS": {**VLLM, "keyless": True, "fallbacks": [FALLBACK]},
    "a fallback without a key": {**PRESET, "fallbacks": [{**VLLM_FALLBACK, "keyless": True}]},
    "clients": {**PRESET, "clients": CLIENTS},
    "clients of chat completions alone": {**PRESET, "clients": CLIENTS, "endpoints": Endpoints.CHAT},
    "clients of a fixed model": {**PRESET, "clients": CLIENTS, "model": "mistral-medium"},
    "clients of any characters": {
        **PRESET,
        "route_path": "/a(b)*+$;c%41,d='!&",
        "clients": {"A-b_c.d": {**WEB, "models": ["a.b|c", "(?i)[x]{2}", "^$\\*", 'it\'s "x" <&>', "*"]}},
    },
    "clients and a fallback": {**PRESET, "clients": LIMITED, "fallbacks": [FALLBACK]},
    "clients of a Secret that is there": {**PRESET, "clients_secret": {"name": "team-keys"}},
    "the header of clients": {**PRESET, "clients": CLIENTS, "client_auth_header": {"header_name": "x-api-key"}},
    "the header and the prefix of clients": {
        **PRESET,
        "clients_secret": {"name": "team-keys"},
        "client_auth_header": {"header_name": "x-api-key", "prefix": "Key"},
    },
    "the prefix of clients": {**PRESET, "clients": CLIENTS, "client_auth_header": {"prefix": "Token"}},
    "clients and their own tokens": {
        "preset": "mistral",
        "passthrough": True,
        "clients": CLIENTS,
        "client_auth_header": {"header_name": "x-api-key"},
    },
    "clients with limits": {**PRESET, "clients": LIMITED},
    "as many clients with limits as there can be": {**PRESET, "clients": clients_with_limits(MOST_CONDITIONS)},
    "limits of clients over all proxies": {**PRESET, "clients": LIMITED_BY_SERVICE, "rate_limit_service": SERVICE},
    "more clients with limits than conditions": {
        **PRESET,
        "clients": {
            name: {**client, "rate_limits": [{"tokens": 5, "per": RateLimitPeriod.DAY}]}
            for name, client in clients_with_limits(MOST_CONDITIONS + 1).items()
        },
        "rate_limit_service": WHOLE_SERVICE,
    },
    "a service, and a limit of the route's own": {
        **PRESET,
        "clients": CLIENTS,
        "rate_limit_service": WHOLE_SERVICE,
        "rate_limits": [{"requests": 10, "per": RateLimitPeriod.MINUTE}],
    },
    "a service for clients of a Secret that is there": {
        **PRESET,
        "clients_secret": {"name": "team-keys"},
        "rate_limit_service": SERVICE,
    },
    "a limit of tokens": {**PRESET, "rate_limits": [{"tokens": 1000, "per": RateLimitPeriod.SECOND}]},
    "the name of a header": {**PRESET, "auth_header": {"header_name": "api-key"}},
    "the prefix of a header": {**PRESET, "auth_header": {"prefix": "Token"}},
    "the defaults of retries": {**PRESET, "retries": {}},
    "the least of retries": {
        **PRESET,
        "request_timeout_seconds": 1,
        "retries": {"attempts": 1, "status_codes": [400], "backoff_milliseconds": 1},
    },
    "the most of retries": {
        **PRESET,
        "request_timeout_seconds": 99999,
        "retries": {"attempts": 254, "status_codes": list(range(400, 600)), "backoff_milliseconds": 99999},
    },
    "a fallback": {**PRESET, "fallbacks": [FALLBACK]},
    "a fallback and all endpoints": {**PRESET, "fallbacks": [FALLBACK], "endpoints": Endpoints.ALL},
    "everything of a fallback": {
        **PRESET,
        "fallbacks": [
            {
                "name": "house.eu-1",
                "preset": "deepseek",
                "host": "llm.example.com",
                "port": 8443,
                "path": "/api/v2/chat/completions",
                "model": "large",
                "api_key_secret": {"name": "keys"},
                "auth_header": {"header_name": "api-key", "prefix": "Token"},
                "tls": HOUSE_TLS,
            },
            {"name": "house", "base_url": "https://llm.example.com:8443/api/v1", "model": "m", "api_key": "key"},
        ],
    },
    "a fallback in plain HTTP": {
        "host": "vllm.models",
        "port": 8000,
        "tls": {"disabled": True},
        "api_key": "key",
        "fallbacks": [{**FALLBACK, "port": 8000, "tls": {"disabled": True}}],
    },
    "seven fallbacks": {**PRESET, "fallbacks": [{**FALLBACK, "name": f"f{number}"} for number in range(7)]},
    "the longest name of a fallback": {**PRESET, "fallbacks": [{**FALLBACK, "name": "a" * 238}]},
}


ONLY = {BackendApi.KGATEWAY: ONLY_KGATEWAY, BackendApi.AGENTGATEWAY: ONLY_AGENTGATEWAY | PROVIDERS}


POLICIES = {BackendApi.KGATEWAY: "TrafficPolicy", BackendApi.AGENTGATEWAY: "AgentgatewayPolicy"}

# Arguments that decide which objects are created are always plain values.
AT_ONCE = ("api", "tls", "passthrough", "keyless", "wait_for_ready", "ready_timeout_seconds")


def _late(value: Any, at_once: tuple[str, ...] = AT_ONCE) -> Any:
    if isinstance(value, dict):
        # A Secret is named after its fallback.
        inner = {"fallbacks": (*AT_ONCE, "name")}
        return {
            name: each if name in at_once else _late(each, inner.get(name, at_once)) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_late(each, at_once) for each in value]
    return pulumi.Output.from_input(value)


POLICY_ARGUMENTS = {
    BackendApi.KGATEWAY: ("rate_limits", "request_defaults", "request_overrides", "model_aliases"),
    BackendApi.AGENTGATEWAY: ("retries", "fallbacks", "clients", "clients_secret", "rate_limits"),
}


def _kinds(args: OpenAICompatibleLLMArgs, api: BackendApi, known: str = "at once") -> list[str]:
    """Returns the kinds of the objects that the arguments ask for."""
    kinds = [BACKENDS[api], "HTTPRoute"]
    kinds += ["Secret" for each in (args, *args.get("fallbacks", ())) if "api_key" in each]
    if "clients" in args:
        kinds.append("Secret")
    if "rate_limit_service" in args:
        kinds.append("AgentgatewayBackend")
    if api == BackendApi.KGATEWAY and not args.get("tls", {}).get("disabled"):
        kinds.append("BackendTLSPolicy")
    passes_on = api == BackendApi.AGENTGATEWAY and _may_pass_on(args, known)
    if passes_on or any(argument in args for argument in POLICY_ARGUMENTS[api]):
        kinds.append(POLICIES[api])
    return sorted(kinds)


def _may_pass_on(args: OpenAICompatibleLLMArgs, known: str) -> bool:
    """Tells whether the route has all endpoints, or might when the objects were decided upon."""
    if "shared_route_path" in args or (known == "later" and "endpoints" in args):
        return True
    narrowed = args.get("fallbacks") or ("path" in args and known == "at once")
    return args.get("endpoints", Endpoints.CHAT if narrowed else Endpoints.ALL) == Endpoints.ALL


def _problems(objects: list[dict[str, Any]], schemas: StrictSchemas) -> list[str]:
    return [f"{manifest['kind']} {problem}" for manifest in objects for problem in schemas.problems(manifest)]


@pytest.mark.parametrize("known", ["at once", "later"])
@pytest.mark.parametrize(
    ("args", "api"),
    [pytest.param(args, api, id=f"{case}-{api}") for api in BackendApi for case, args in (CASES | ONLY[api]).items()],
)
def test_every_object_passes_the_strict_schemas(
    args: OpenAICompatibleLLMArgs, known: str, api: BackendApi, schemas: StrictSchemas
) -> None:
    given = {**args, "api": api}
    objects = record_component(lambda: _late(given) if known == "later" else given).objects()
    assert sorted(manifest["kind"] for manifest in objects) == _kinds(args, api, known)
    assert _problems(objects, schemas) == []


@pytest.mark.parametrize("args", (CASES | ONLY_AGENTGATEWAY).values(), ids=[*CASES, *ONLY_AGENTGATEWAY])
def test_an_output_asks_for_the_policy_that_its_value_asks_for(args: OpenAICompatibleLLMArgs) -> None:
    """With all endpoints there is a policy in any case."""
    given = {**args, "api": BackendApi.AGENTGATEWAY, "endpoints": Endpoints.CHAT}
    late = record_component(lambda: _late(given, (*AT_ONCE, "endpoints")))
    assert sorted(late.kinds()) == sorted(record_component(given).kinds())


FILES = {file.stem.split(".")[1]: file for file in sorted(STACKS.glob("Pulumi.*.yaml"))}


@pytest.mark.parametrize(("stack", "api"), [(stack, api.value) for stack in FILES for api in BackendApi])
def test_every_object_of_a_stack_passes_the_strict_schemas(stack: str, api: str, schemas: StrictSchemas) -> None:
    config = yaml.safe_load(FILES[stack].read_text())["config"]
    providers = config[f"{PROJECT}:providers"]
    for provider in providers.values():
        provider.update(apiKey="key", api=api)
    objects = record_program(config, stack=stack).objects()
    kinds = _kinds({"api_key": "key"}, BackendApi(api))
    assert sorted(manifest["kind"] for manifest in objects) == sorted(kinds * len(providers))
    assert _problems(objects, schemas) == []


def _arguments(shape: type, prefix: str = "") -> Iterator[str]:
    for name, hint in get_annotations(shape).items():
        yield prefix + name
        for inner in filter(is_typeddict, (hint, *get_args(hint))):
            yield from _arguments(inner, f"{prefix}{name}.")


def _given(args: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in args.items():
        yield prefix + name
        # Clients have names, and all other groups are one or a list.
        groups = value.values() if name == "clients" else value if isinstance(value, list) else [value]
        for group in groups:
            if isinstance(group, Mapping):
                yield from _given(group, f"{prefix}{name}.")


def test_every_argument_has_a_case() -> None:
    given = {name for args in (CASES | ONLY_AGENTGATEWAY | ONLY_KGATEWAY | PROVIDERS).values() for name in _given(args)}
    assert set(_arguments(OpenAICompatibleLLMArgs)) <= {"api", *given}
