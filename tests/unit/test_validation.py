"""Arguments that are refused, each with the exact message."""

import json
from typing import Any

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.presets import PRESETS
from tests.support.recording import PROJECT, program_error, record, record_component
from tests.unit.example_component import invalid_arguments

CANARY = "sk-canary-8c1f"
VALID = {"preset": "mistral", "api_key": CANARY}
NO_PRESET = {"preset": None}
NO_KEY = {"api_key": None}
AGENTGATEWAY = {"api": "agentgateway"}
LONG = "a" * 300
ENDS = "with a letter or digit at each end"
NAME_RULE = f'use lower-case letters, digits, "-" and ".", {ENDS}'
PRESET_NAMES = ", ".join(sorted(PRESETS))
QUOTED_PRESETS = ", ".join(f"`{name}`" for name in sorted(PRESETS))

# What is changed about VALID, and the one problem that the error then names.
# fmt: off
REFUSED: dict[str, list[tuple[dict[str, Any], str]]] = {
    "names and types": [
        ({"modle": "m"}, "modle: unknown argument; did you mean `model`?"),
        ({"gateway": {"nam": "edge"}}, "gateway.nam: unknown argument; did you mean `name`?"),
        ({"tls": {"host": "a"}}, "tls.host: unknown argument; did you mean `hostname`?"),
        ({"model": 5}, "model: 5 is not a string"),
        ({"port": "443"}, 'port: "443" is not an integer'),
        ({"port": True}, "port: True is not an integer"),
        ({"port": 443.5}, "port: 443.5 is not an integer"),
        ({"rewrite_host": "no"}, 'rewrite_host: "no" is not a boolean'),
        ({"passthrough": "yes", **NO_KEY}, 'passthrough: "yes" is not a boolean'),
        ({"wait_for_ready": 1}, "wait_for_ready: 1 is not a boolean"),
        ({"gateway": "edge"}, 'gateway: "edge" is not a group of settings'),
        ({"tls": True}, "tls: True is not a group of settings"),
        ({"hostnames": "a.example.com"}, 'hostnames: "a.example.com" is not a list of strings'),
        ({"hostnames": ["a.example.com", 5]}, "hostnames[1]: 5 is not a string"),
        ({"labels": ["team"]}, "labels: ['team'] is not a map of strings"),
        ({"labels": {"team": 5}}, "labels.team: 5 is not a string"),
        ({"annotations": {"team": None, "cost": 1}}, "annotations.cost: 1 is not a string"),
        ({"api_key": 5}, "api_key: the value is not a string"),
        ({"api_key": {"secure": CANARY}}, "api_key: the value is not a string"),
    ],
    "the provider": [
        (NO_PRESET, f"host: required, unless you give `base_url` or a `preset`: {PRESET_NAMES}"),
        ({"preset": "mistrl"}, 'preset: "mistrl" is not a preset (for any other provider give `host` or `base_url`); did you mean `mistral`?'),
        ({"preset": "house"}, f'preset: "house" is not a preset (for any other provider give `host` or `base_url`); valid presets are {QUOTED_PRESETS}'),
        ({"preset": "sarvam", "api": "kgatway"}, 'api: "kgatway" is not a valid value; did you mean `kgateway`?'),
        ({"host": "https://api.mistral.ai"}, 'host: "https://api.mistral.ai" has a scheme; give the host name alone, or the whole URL as `base_url`'),
        ({"host": "api.mistral.ai/v1"}, 'host: "api.mistral.ai/v1" has a path; give the host name alone, and the path as `path`'),
        ({"host": "api.mistral.ai:443"}, 'host: "api.mistral.ai:443" has a port; give the host name alone, and the port as `port`'),
        ({"host": "2001:db8::1"}, 'host: "2001:db8::1" is an IPv6 address, which is not supported; give a host name'),
        ({"host": "API.mistral.ai"}, 'host: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?'),
        ({"host": "api.mistral.ai."}, 'host: "api.mistral.ai." is not a host name; did you mean "api.mistral.ai"?'),
        ({"host": "*.mistral.ai"}, 'host: "*.mistral.ai" is not a host name; give one such as api.mistral.ai'),
        ({"host": "my_host"}, 'host: "my_host" is not a host name; give one such as api.mistral.ai'),
        ({"host": ""}, 'host: "" is not a host name; give one such as api.mistral.ai'),
        ({"host": "bücher.example"}, 'host: "bücher.example" is an internationalized name; give it as "xn--bcher-kva.example"'),
        ({"host": "10.0.0.256"}, 'host: "10.0.0.256" is neither a host name nor an IPv4 address'),
        ({"host": "a" * 64 + ".example"}, "host: too long; the limit is 253 characters, and 63 between dots"),
        ({"port": 0}, "port: 0 is not a port; give 1 to 65535"),
        ({"port": 65536}, "port: 65536 is not a port; give 1 to 65535"),
        ({"port": -1}, "port: -1 is not a port; give 1 to 65535"),
        ({"path": "v1/x"}, 'path: "v1/x" doesn\'t start with a slash; give a path such as /v1/chat/completions'),
        ({"path": "/v1/x?key=1"}, 'path: "/v1/x?..." has a query; give the path alone'),
        ({"path": "/v1/x#top"}, 'path: "/v1/x#..." has a fragment; give the path alone'),
        ({"path": "/v1/../x"}, 'path: "/v1/../x" contains "." or ".."; give the path that it resolves to'),
        ({"path": "/v1//x"}, 'path: "/v1//x" has an empty segment or an escaped slash; use single slashes'),
        ({"path": "/v1/x y"}, 'path: "/v1/x y" has a character that a path can\'t have; escape it as %XX'),
        ({"path": "/v1/x/"}, 'path: "/v1/x/" ends with a slash; give "/v1/x"'),
        ({"path": "/" + LONG * 4}, "path: 1201 characters long; the limit is 1024"),
        ({"path": "/v1/chat/completions/chat/completions"}, 'path: "/v1/chat/completions/chat/completions" ends in /chat/completions twice; give "/v1/chat/completions"'),
        ({"model": ""}, "model: '' is not a model name; give it as the provider lists it"),
        ({"model": "a\nb"}, "model: 'a\\nb' is not a model name; give it as the provider lists it"),
        ({"model": LONG}, "model: 300 characters long; the limit is 256"),
    ],
    "the base URL": [
        ({**NO_PRESET, "base_url": "api.mistral.ai/v1"}, 'base_url: "api.mistral.ai/v1" is not a URL; give one such as https://api.mistral.ai/v1'),
        ({**NO_PRESET, "base_url": "ftp://api.mistral.ai"}, 'base_url: "ftp://api.mistral.ai" is not a URL; give one such as https://api.mistral.ai/v1'),
        ({**NO_PRESET, "base_url": "https://x:99999/v1"}, "base_url: not a URL; give one such as https://api.mistral.ai/v1"),
        ({**NO_PRESET, "base_url": f"https://user:{CANARY}@api.mistral.ai/v1"}, "base_url: contains a user name or password; remove it"),
        ({**NO_PRESET, "base_url": f"https://api.mistral.ai/v1?key={CANARY}"}, "base_url: has a query or a fragment; remove it"),
        ({**NO_PRESET, "base_url": "https://api.mistral.ai/v1/chat/completions"}, 'base_url: "https://api.mistral.ai/v1/chat/completions" ends in /chat/completions, which is added to a base URL; give https://api.mistral.ai/v1'),
        *(
            ({**NO_PRESET, "base_url": f"https://llm.example.com/v1{ending}"}, f'base_url: "https://llm.example.com/v1{ending}" ends in {ending}, which is an endpoint below a base URL; give https://llm.example.com/v1')
            for ending in ("/embeddings", "/responses", "/messages", "/models", "/completions", "/chat", "/audio/transcriptions", "/images/generations", "/rerank", "/files", "/fine_tuning/jobs")
        ),
        ({**NO_PRESET, "base_url": "https://llm.example.com:8443/models/"}, 'base_url: "https://llm.example.com:8443/models/" ends in /models, which is an endpoint below a base URL; give https://llm.example.com:8443'),
        ({**NO_PRESET, "base_url": "http://ollama:11434/api/chat"}, 'base_url: "http://ollama:11434/api/chat" is of Ollama\'s own API; give http://ollama:11434/v1'),
        ({**NO_PRESET, "base_url": "http://ollama:11434/api/generate"}, 'base_url: "http://ollama:11434/api/generate" is of Ollama\'s own API; give http://ollama:11434/v1'),
        ({**NO_PRESET, "base_url": "https://API.mistral.ai/v1"}, 'base_url: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?'),
        ({**NO_PRESET, "base_url": "https://*.mistral.ai/v1"}, 'base_url: "*.mistral.ai" is not a host name; give one such as api.mistral.ai'),
        ({**NO_PRESET, "base_url": "https://api.mistral.ai/a//b"}, 'base_url: "/a//b" has an empty segment or an escaped slash; use single slashes'),
        ({**NO_PRESET, "base_url": "https://api.mistral.ai/" + "a" * 1010}, "base_url: 1028 characters long; the limit is 1024"),
        ({"base_url": "https://api.mistral.ai/v1"}, "preset: `base_url` already gives host, port and path; remove one of them"),
        ({**NO_PRESET, "base_url": "https://api.mistral.ai/v1", "path": "/v1"}, "path: `base_url` already gives host, port and path; remove one of them"),
        ({**NO_PRESET, "base_url": "http://vllm.example.com:443/v1"}, "base_url: port 443 is for TLS; give the URL with https, or another port"),
        ({**NO_PRESET, "base_url": "http://vllm/v1", "tls": {"hostname": "vllm"}}, "tls.hostname: has no effect without TLS, which `base_url` turns off; remove one of them"),
        ({**NO_PRESET, "base_url": "https://vllm:8443/v1", "tls": {"disabled": True}}, "tls.disabled: contradicts the https of `base_url`; give the URL with http"),
    ],
    "the key": [
        (NO_KEY, "api_key: required, unless you give `api_key_secret`, `passthrough` or `keyless`"),
        ({"api_key": ""}, "api_key: the key is empty"),
        ({"api_key": " \t"}, "api_key: the key is empty"),
        ({"api_key": CANARY + "\n"}, "api_key: the key has a line break, as keys read from a file often do; remove it"),
        ({"api_key": f" {CANARY}"}, "api_key: the key has spaces around it; remove them"),
        ({"api_key": f'"{CANARY}"'}, "api_key: the key is in quotes; remove them"),
        ({"api_key": f"'{CANARY}'"}, "api_key: the key is in quotes; remove them"),
        ({"api_key": "$MISTRAL_API_KEY"}, "api_key: the key is a variable that was not expanded; give its value"),
        ({"api_key": "${MISTRAL_API_KEY}"}, "api_key: the key is a variable that was not expanded; give its value"),
        ({"api_key": "{{ mistral_api_key }}"}, "api_key: the key is a variable that was not expanded; give its value"),
        ({"api_key": "$(cat key)"}, "api_key: the key is a variable that was not expanded; give its value"),
        ({"api_key": f"{CANARY}\x00"}, "api_key: the key has characters that a header can't hold"),
        ({"api_key": f"{CANARY}é"}, "api_key: the key has characters that a header can't hold"),
        ({"api_key": f"Bearer {CANARY}"}, 'api_key: the key starts with "Bearer"; remove that, because the gateway adds it'),
        ({"api_key_secret": {"name": "house"}}, "api_key_secret: `api_key` already says where the key comes from; remove one of them"),
        ({"passthrough": True}, "passthrough: `api_key` already says where the key comes from; remove one of them"),
        ({**NO_KEY, "api_key_secret": {}}, "api_key_secret.name: required"),
        ({**NO_KEY, "api_key_secret": {"name": "House Key"}}, f'api_key_secret.name: "House Key" is not a valid name; {NAME_RULE}'),
        ({"auth_header": {}}, "auth_header: empty; give `auth_header.header_name`, `auth_header.prefix`, or both"),
        ({**AGENTGATEWAY, "auth_header": {"header_name": "api key"}}, 'auth_header.header_name: "api key" is not a header name; use letters, digits and "-", as in api-key'),
        *(
            ({**AGENTGATEWAY, "auth_header": {"header_name": name}}, f'auth_header.header_name: "{name}" belongs to HTTP itself, so no key can be in it; give another header')
            for name in ("Content-Length", "content-type", "Content-Encoding", "Host", "Connection", "Transfer-Encoding", "TE", "Upgrade", "Trailer", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Accept", "Accept-Encoding", "Expect", "If-Match", "Range", "Date", "Via", "Cache-Control", "User-Agent", "Max-Forwards", "HTTP2-Settings", "WWW-Authenticate")
        ),
        ({**AGENTGATEWAY, "auth_header": {"prefix": "Token "}}, 'auth_header.prefix: "Token " is not a valid prefix; use printable characters without spaces around them, as in Token'),
        ({**AGENTGATEWAY, "auth_header": {"header_name": LONG}}, "auth_header.header_name: 300 characters long; the limit is 256"),
        ({**AGENTGATEWAY, "auth_header": {"prefix": LONG}}, "auth_header.prefix: 301 characters long; the limit is 256"),
        ({**AGENTGATEWAY, **NO_KEY, "passthrough": True, "auth_header": {"prefix": "Token"}}, "auth_header: has no effect with `passthrough`, which forwards the client's own header; remove one"),
        ({**AGENTGATEWAY, "keyless": True}, "keyless: `api_key` already says where the key comes from; remove one of them"),
        ({**AGENTGATEWAY, **NO_KEY, "passthrough": True, "keyless": True}, "keyless: `passthrough` already says where the key comes from; remove one of them"),
        ({**AGENTGATEWAY, **NO_KEY, "keyless": True, "auth_header": {"prefix": "Token"}}, "auth_header: has no effect with `keyless`, which sends no key; remove one"),
        ({**AGENTGATEWAY, **NO_KEY, "keyless": "yes"}, 'keyless: "yes" is not a boolean'),
        ({**NO_KEY, "keyless": True}, "keyless: these gateways always send a key or the client's own token; give `api: agentgateway`, or `passthrough`"),
        ({"auth_header": {"header_name": "api-key"}}, "auth_header.header_name: these gateways always send `Authorization: Bearer <key>`; give `api: agentgateway`"),
        ({"auth_header": {"prefix": "Token"}}, "auth_header.prefix: these gateways always send `Authorization: Bearer <key>`; give `api: agentgateway`"),
    ],
    "the objects and the route": [
        ({"namespace": "Gloo"}, f'namespace: "Gloo" is not a valid namespace; use lower-case letters, digits and "-", {ENDS}'),
        ({"namespace": "a" * 64}, "namespace: 64 characters long; the limit is 63"),
        ({"gateway": {"name": "-edge"}}, f'gateway.name: "-edge" is not a valid name; {NAME_RULE}'),
        ({"gateway": {"namespace": "a.b"}}, f'gateway.namespace: "a.b" is not a valid namespace; use lower-case letters, digits and "-", {ENDS}'),
        ({"gateway": {"section_name": "HTTPS"}}, f'gateway.section_name: "HTTPS" is not a valid name; {NAME_RULE}'),
        ({"gateway": {"url": "llm.example.com"}}, 'gateway.url: "llm.example.com" is not a URL; give one such as https://llm.example.com'),
        ({"gateway": {"url": "https://llm.example.com:x"}}, "gateway.url: not a URL; give one such as https://llm.example.com"),
        ({"gateway": {"url": "https://llm.example.com:0"}}, 'gateway.url: "https://llm.example.com:0" has port 0; give 1 to 65535'),
        ({"gateway": {"url": "https://llm.example .com"}}, 'gateway.url: "https://llm.example .com" is not a URL; give one such as https://llm.example.com'),
        ({"gateway": {"url": f"https://user:{CANARY}@llm.example.com"}}, "gateway.url: contains a user name or password; remove it"),
        ({"gateway": {"url": f"user:{CANARY}@llm.example.com"}}, "gateway.url: contains a user name or password; remove it"),
        ({"gateway": {"url": f"https://llm.example.com?key={CANARY}"}}, "gateway.url: has a query or a fragment; remove it"),
        ({"gateway": {"url": "https://llm.example.com/mistral/v1/"}}, 'gateway.url: "https://llm.example.com/mistral/v1/" ends in /v1, which comes after the route\'s path; give the part before that'),
        ({"gateway": {"url": "https://llm.example.com/mistral/v1/embeddings"}}, 'gateway.url: "https://llm.example.com/mistral/v1/embeddings" ends in /v1/embeddings, which comes after the route\'s path; give the part before that'),
        ({"gateway": {"url": "https://llm.example.com/mistral/chat/completions"}}, 'gateway.url: "https://llm.example.com/mistral/chat/completions" ends in /chat/completions, which comes after the route\'s path; give the part before that'),
        ({"gateway": {"url": "https://llm.example.com/a//b"}}, 'gateway.url: "/a//b" has an empty segment or an escaped slash; use single slashes'),
        ({"route_path": "x"}, 'route_path: "x" doesn\'t start with a slash; give a path such as /mistral'),
        ({"route_path": "/x/"}, 'route_path: "/x/" ends with a slash; give "/x"'),
        ({"route_path": "/%2Fx"}, 'route_path: "/%2Fx" has an empty segment or an escaped slash; use single slashes'),
        ({"route_path": "/x/.."}, 'route_path: "/x/.." contains "." or ".."; give the path that it resolves to'),
        ({"hostnames": ["llm.*.example.com"]}, 'hostnames[0]: "llm.*.example.com" has a * in the wrong place; only the whole first label can be one, as in *.example.com'),
        ({"hostnames": ["llm.example.com:8443"]}, 'hostnames[0]: "llm.example.com:8443" has a port; give the host name alone: the Gateway\'s listener has the port'),
        ({"hostnames": ["https://llm.example.com"]}, 'hostnames[0]: "https://llm.example.com" has a scheme; give the host name alone: the Gateway\'s listener has the protocol'),
        ({"hostnames": ["llm.example.com/v1"]}, 'hostnames[0]: "llm.example.com/v1" has a path; give the host name alone, and the path as `route_path`'),
        ({"hostnames": ["*"]}, 'hostnames[0]: "*" is not a host name; remove `hostnames` to take all that the Gateway listens to'),
        ({"hostnames": ["*example.com"]}, 'hostnames[0]: "*example.com" has a * in the wrong place; only the whole first label can be one, as in *.example.com'),
        ({"hostnames": ["*.LLM.example.com"]}, 'hostnames[0]: "*.LLM.example.com" is not a host name; did you mean "*.llm.example.com"?'),
        ({"hostnames": ["*.example.com:443"]}, 'hostnames[0]: "*.example.com:443" has a port; give the host name alone: the Gateway\'s listener has the port'),
        ({"hostnames": ["*.bücher.example"]}, 'hostnames[0]: "*.bücher.example" is an internationalized name; give it as "*.xn--bcher-kva.example"'),
        ({"hostnames": ["my_host"]}, 'hostnames[0]: "my_host" is not a host name; give one such as llm.example.com'),
        ({"hostnames": ["10.0.0.1:8443"]}, 'hostnames[0]: "10.0.0.1:8443" has a port; give the host name alone: the Gateway\'s listener has the port'),
        ({"hostnames": ["2001:db8::1"]}, 'hostnames[0]: "2001:db8::1" is an IPv6 address, which is not supported; give a host name'),
        ({"hostnames": ["10.0.0.1"]}, 'hostnames[0]: "10.0.0.1" is an address; a route takes host names only'),
        ({"hostnames": ["a.example.com", "a.example.com"]}, 'hostnames[1]: "a.example.com" is listed twice'),
        ({"hostnames": [f"{n}.example.com" for n in range(17)]}, "hostnames: 17 entries; a route takes at most 16"),
    ],
    "TLS": [
        ({"tls": {"hostname": "10.0.0.1"}}, 'tls.hostname: "10.0.0.1" is an address; give the name that the certificate is for'),
        ({"tls": {"hostname": "llm.example.com:8443"}}, 'tls.hostname: "llm.example.com:8443" has a port; give the name alone, as the certificate has it'),
        ({"tls": {"hostname": "https://llm.example.com"}}, 'tls.hostname: "https://llm.example.com" has a scheme; give the name alone, as the certificate has it'),
        ({"tls": {"hostname": "llm.example.com/v1"}}, 'tls.hostname: "llm.example.com/v1" has a path; give the name alone, as the certificate has it'),
        ({"tls": {"hostname": "*.example.com"}}, 'tls.hostname: "*.example.com" is a pattern; give one name that the certificate is valid for'),
        ({"host": "10.0.0.1"}, 'tls.hostname: required, because the host "10.0.0.1" is an address; give the name on its certificate'),
        ({"tls": {"ca_certificate_configmap": "CA"}}, f'tls.ca_certificate_configmap: "CA" is not a valid name; {NAME_RULE}'),
        ({"tls": {"disabled": True}}, "tls.disabled: port 443 is for TLS; give the `port` for plain HTTP"),
        ({"tls": {"disabled": True}, "port": 443}, "tls.disabled: port 443 is for TLS; give the `port` for plain HTTP"),
        ({"tls": {"disabled": True, "hostname": "a"}, "port": 8080}, "tls.hostname: has no effect without TLS, which `tls.disabled` turns off; remove one of them"),
    ],
    "the gateway API": [
        ({"api": "kgatway"}, 'api: "kgatway" is not a valid value; did you mean `kgateway`?'),
        ({"api": "v2"}, 'api: "v2" is not a valid value; valid values are `agentgateway`, `kgateway`'),
        ({"api": 1}, "api: 1 is not a valid value; valid values are `agentgateway`, `kgateway`"),
    ],
    "waiting, labels and annotations": [
        ({"ready_timeout_seconds": 60}, "ready_timeout_seconds: has no effect without `wait_for_ready`"),
        ({"wait_for_ready": True, "ready_timeout_seconds": 0}, "ready_timeout_seconds: 0 is too short; give at least 1 second"),
        ({"labels": {"a b": "c"}}, 'labels["a b"]: not a valid name; give one such as team or example.com/team'),
        ({"labels": {"team": "the llm team"}}, f'labels.team: "the llm team" is not a valid label value; use up to 63 letters, digits, "-", "_" and ".", {ENDS}'),
        ({"annotations": {"/x": "y"}}, 'annotations["/x"]: not a valid name; give one such as team or example.com/team'),
        ({"annotations": {"pulumi.com/waitFor": "condition=Ready"}}, 'annotations["pulumi.com/waitFor"]: set by the component; give `wait_for_ready` instead'),
    ],
}
# fmt: on


@pytest.mark.parametrize(
    ("args", "problem"),
    [pytest.param(*row, id=f"{topic}, {row[1]}") for topic, rows in REFUSED.items() for row in rows],
)
def test_invalid_arguments_are_refused_with_this_message(args: dict[str, Any], problem: str) -> None:
    assert (
        str(invalid_arguments({**VALID, **args}))
        == f'OpenAICompatibleLLM "mistral" has invalid arguments:\n  - {problem}'
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Mistral", f'name: "Mistral" is not a valid name; {NAME_RULE}'),
        ("-", f'name: "-" is not a valid name; {NAME_RULE}'),
        ("a" * 246, "name: 246 characters long; the limit is 241"),
    ],
)
def test_a_name_that_no_object_can_have_is_refused(name: str, problem: str) -> None:
    assert str(invalid_arguments(VALID, name)) == f'OpenAICompatibleLLM "{name}" has invalid arguments:\n  - {problem}'


@pytest.mark.parametrize(
    "argument",
    ["api", "passthrough", "wait_for_ready", "ready_timeout_seconds", "tls"],
)
def test_an_argument_that_decides_which_objects_are_created_can_not_be_an_output(argument: str) -> None:
    def program() -> None:
        args: Any = {**VALID, argument: pulumi.Output.from_input(True)}
        with pytest.raises(InvalidArguments, match=f"{argument}: must be a plain value, not a Pulumi output"):
            OpenAICompatibleLLM("mistral", args)

    assert record(program).resources == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"hostnames": ["llm.example.com/v1"]},
            'hostnames[0]: "llm.example.com/v1" has a path; give the host name alone, and the path as `routePath`',
        ),
        (
            {"authHeader": {"headerName": "Content-Length"}, "api": "agentgateway"},
            'authHeader.headerName: "Content-Length" belongs to HTTP itself, so no key can be in it; give another header',
        ),
        (
            {"baseUrl": "https://llm.example.com/v1/embeddings"},
            'baseUrl: "https://llm.example.com/v1/embeddings" ends in /embeddings, which is an endpoint below a base URL; '
            "give https://llm.example.com/v1",
        ),
    ],
)
def test_a_stack_file_gets_the_message_in_its_spelling(given: dict[str, Any], problem: str) -> None:
    config = {"providers": {"mistral": {"apiKey": CANARY, **given}}}
    assert program_error(config) == f"Stack prod: providers.mistral.{problem}"


@pytest.mark.parametrize(
    "name", ["api-key", "X-API-Key", "x-goog-api-key", "authorization", "Ocp-Apim-Subscription-Key"]
)
def test_a_header_that_providers_read_keys_from_is_accepted(name: str) -> None:
    recording = record_component({**VALID, **AGENTGATEWAY, "auth_header": {"header_name": name}})
    assert recording.spec("AgentgatewayBackend")["policies"]["auth"]["location"]["header"]["name"] == name


@pytest.mark.parametrize("path", ["", "/v1", "/api", "/openai/v1", "/models/v1", "/chat/v1", "/v1beta/openai"])
def test_a_base_url_that_only_contains_an_endpoints_name_is_accepted(path: str) -> None:
    recording = record_component({"base_url": f"https://llm.example.com{path}", "api_key": CANARY})
    assert recording.spec("Backend")["ai"]["llm"]["path"] == {"full": f"{path}/chat/completions"}


def test_every_problem_is_in_one_message() -> None:
    error = invalid_arguments({"prest": "mistral", "port": 0, "path": "x", "tls": {"hostname": "A", "ca": "b"}})
    named = [issue.location() for issue in error.issues]
    assert named == ["prest", "host", "port", "path", "api_key", "tls.ca", "tls.hostname"]
    assert all(f"\n  - {issue.location()}: {issue.text()}" in str(error) for issue in error.issues)


def test_other_languages_get_the_problems_as_a_list_in_their_spelling() -> None:
    error = invalid_arguments({**VALID, "api_key": None, "route_path": "x", "gateway": {"section_nam": "edge"}})
    assert error.errors == [
        {
            "property_path": "apiKey",
            "reason": "required, unless you give `apiKeySecret`, `passthrough` or `keyless`",
        },
        {"property_path": "gateway.section_nam", "reason": "unknown argument; did you mean `sectionName`?"},
        {"property_path": "routePath", "reason": '"x" doesn\'t start with a slash; give a path such as /mistral'},
    ]


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        (None, "None"),
        ([CANARY], "list"),
        (CANARY, "str"),
        (5, "int"),
        ({CANARY}, "set"),
    ],
)
def test_arguments_that_are_no_dict_are_refused_in_one_sentence_without_showing_them(args: Any, kind: str) -> None:
    problem = f"args: must be a dict, not {kind}; its values may be Pulumi outputs"
    assert str(invalid_arguments(args)) == f'OpenAICompatibleLLM "mistral" has invalid arguments:\n  - {problem}'


def test_arguments_that_are_one_secret_output_are_refused_without_showing_it() -> None:
    def program() -> None:
        args: Any = pulumi.Config().require_secret_object("llm")
        with pytest.raises(InvalidArguments) as caught:
            OpenAICompatibleLLM("mistral", args)
        problem = "args: must be a dict, not a Pulumi output; its values may be Pulumi outputs"
        assert str(caught.value) == f'OpenAICompatibleLLM "mistral" has invalid arguments:\n  - {problem}'
        assert CANARY not in f"{caught.value!r} {caught.value.errors}"

    recording = record(program, config={f"{PROJECT}:llm": json.dumps(VALID)})
    assert recording.resources == []
    assert CANARY not in f"{recording.messages}"


@pytest.mark.parametrize(("name", "kind"), [(5, "int"), (None, "None"), (VALID, "dict"), (b"mistral", "bytes")])
def test_a_name_that_is_no_string_is_refused_in_one_sentence_without_showing_it(name: Any, kind: str) -> None:
    assert str(invalid_arguments(VALID, name)) == (
        f"OpenAICompatibleLLM has invalid arguments:\n  - name: must be a string, not {kind}"
    )


def test_name_and_arguments_in_the_wrong_order_are_refused_together() -> None:
    error = invalid_arguments("mistral", VALID)
    assert [issue.location() for issue in error.issues] == ["args", "name"]


def test_pulumi_shows_the_refusal_without_a_traceback() -> None:
    assert isinstance(invalid_arguments({}), pulumi.RunError)


def test_nothing_is_registered_where_arguments_are_refused() -> None:
    def program() -> None:
        with pytest.raises(InvalidArguments):
            OpenAICompatibleLLM("mistral", {"preset": "mistral"})

    assert record(program).resources == []


def test_an_argument_that_is_none_counts_as_not_given() -> None:
    nones = {**dict.fromkeys(OpenAICompatibleLLMArgs.__annotations__), **VALID}
    assert record_component(nones).objects() == record_component(VALID).objects()
