"""Arguments that are refused, each with the exact message."""

from typing import Any

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleLLM, OpenAICompatibleLLMArgs
from components.openai_compatible_llm.presets import PRESETS
from tests.unit.recording import record, record_component

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
        ({"preset": "azure"}, f'preset: "azure" is not a preset (for any other provider give `host` or `base_url`); valid presets are {QUOTED_PRESETS}'),
        ({"preset": "sarvam", "api": "kgatway"}, 'api: "kgatway" is not a valid value; did you mean `kgateway`?'),
        ({"host": "https://api.mistral.ai"}, 'host: "https://api.mistral.ai" has a scheme; give the host name alone, or the whole URL as `base_url`'),
        ({"host": "api.mistral.ai/v1"}, 'host: "api.mistral.ai/v1" has a path; give the host name alone, and the path as `path`'),
        ({"host": "api.mistral.ai:443"}, 'host: "api.mistral.ai:443" has a port; give the host name alone, and the port as `port`'),
        ({"host": "2001:db8::1"}, 'host: "2001:db8::1" is an IPv6 address, which is not supported; give a host name'),
        ({"host": "API.mistral.ai"}, 'host: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?'),
        ({"host": "api.mistral.ai."}, 'host: "api.mistral.ai." is not a host name; did you mean "api.mistral.ai"?'),
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
        ({**NO_PRESET, "base_url": "https://API.mistral.ai/v1"}, 'base_url: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?'),
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
        ({**AGENTGATEWAY, "auth_header": {"prefix": "Token "}}, 'auth_header.prefix: "Token " is not a valid prefix; use printable characters without spaces around them, as in Token'),
        ({**AGENTGATEWAY, "auth_header": {"header_name": LONG}}, "auth_header.header_name: 300 characters long; the limit is 256"),
        ({**AGENTGATEWAY, "auth_header": {"prefix": LONG}}, "auth_header.prefix: 301 characters long; the limit is 256"),
        ({**AGENTGATEWAY, **NO_KEY, "passthrough": True, "auth_header": {"prefix": "Token"}}, "auth_header: has no effect with `passthrough`, which forwards the caller's own header; remove one"),
        ({**AGENTGATEWAY, "keyless": True}, "keyless: `api_key` already says where the key comes from; remove one of them"),
        ({**AGENTGATEWAY, **NO_KEY, "passthrough": True, "keyless": True}, "keyless: `passthrough` already says where the key comes from; remove one of them"),
        ({**AGENTGATEWAY, **NO_KEY, "keyless": True, "auth_header": {"prefix": "Token"}}, "auth_header: has no effect with `keyless`, which sends no key; remove one"),
        ({**AGENTGATEWAY, **NO_KEY, "keyless": "yes"}, 'keyless: "yes" is not a boolean'),
        ({**NO_KEY, "keyless": True}, "keyless: these gateways always send a key or the caller's own token; give `api: agentgateway`, or `passthrough`"),
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
        ({"gateway": {"url": "https://llm.example.com/a//b"}}, 'gateway.url: "/a//b" has an empty segment or an escaped slash; use single slashes'),
        ({"route_path": "x"}, 'route_path: "x" doesn\'t start with a slash; give a path such as /mistral'),
        ({"route_path": "/x/"}, 'route_path: "/x/" ends with a slash; give "/x"'),
        ({"route_path": "/%2Fx"}, 'route_path: "/%2Fx" has an empty segment or an escaped slash; use single slashes'),
        ({"route_path": "/x/.."}, 'route_path: "/x/.." contains "." or ".."; give the path that it resolves to'),
        ({"hostnames": ["llm.*.example.com"]}, 'hostnames[0]: "llm.*.example.com" is not a host name; give one such as api.mistral.ai'),
        ({"hostnames": ["10.0.0.1"]}, 'hostnames[0]: "10.0.0.1" is an address; a route takes host names only'),
        ({"hostnames": ["a.example.com", "a.example.com"]}, 'hostnames[1]: "a.example.com" is listed twice'),
        ({"hostnames": [f"{n}.example.com" for n in range(17)]}, "hostnames: 17 entries; a route takes at most 16"),
    ],
    "TLS": [
        ({"tls": {"hostname": "10.0.0.1"}}, 'tls.hostname: "10.0.0.1" is an address; give the name that the certificate is for'),
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


def refusal(args: dict[str, Any], name: str = "mistral") -> InvalidArguments:
    with pytest.raises(InvalidArguments) as caught:
        record_component(args, name)
    error = caught.value
    assert CANARY not in f"{error} {error!r} {error.errors} {error.args} {error.issues}"
    return error


@pytest.mark.parametrize(
    ("args", "problem"),
    [pytest.param(*row, id=f"{topic}, {row[1]}") for topic, rows in REFUSED.items() for row in rows],
)
def test_invalid_arguments_are_refused_with_this_message(args: dict[str, Any], problem: str) -> None:
    assert str(refusal({**VALID, **args})) == f'OpenAICompatibleLLM "mistral" has invalid arguments:\n  - {problem}'


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Mistral", f'name: "Mistral" is not a valid name; {NAME_RULE}'),
        ("-", f'name: "-" is not a valid name; {NAME_RULE}'),
        ("a" * 246, "name: 246 characters long; the limit is 245"),
    ],
)
def test_a_name_that_no_object_can_have_is_refused(name: str, problem: str) -> None:
    assert str(refusal(VALID, name)) == f'OpenAICompatibleLLM "{name}" has invalid arguments:\n  - {problem}'


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


def test_every_problem_is_in_one_message() -> None:
    error = refusal({"prest": "mistral", "port": 0, "path": "x", "tls": {"hostname": "A", "ca": "b"}})
    named = [issue.location() for issue in error.issues]
    assert named == ["prest", "host", "port", "path", "api_key", "tls.ca", "tls.hostname"]
    assert all(f"\n  - {issue.location()}: {issue.text()}" in str(error) for issue in error.issues)


def test_other_languages_get_the_problems_as_a_list_in_their_spelling() -> None:
    error = refusal({**VALID, "api_key": None, "route_path": "x", "gateway": {"section_nam": "edge"}})
    assert error.errors == [
        {
            "property_path": "apiKey",
            "reason": "required, unless you give `apiKeySecret`, `passthrough` or `keyless`",
        },
        {"property_path": "gateway.section_nam", "reason": "unknown argument; did you mean `sectionName`?"},
        {"property_path": "routePath", "reason": '"x" doesn\'t start with a slash; give a path such as /mistral'},
    ]


def test_pulumi_shows_the_refusal_without_a_traceback() -> None:
    assert isinstance(refusal({}), pulumi.RunError)


def test_nothing_is_registered_where_arguments_are_refused() -> None:
    def program() -> None:
        with pytest.raises(InvalidArguments):
            OpenAICompatibleLLM("mistral", {"preset": "mistral"})

    assert record(program).resources == []


def test_an_argument_that_is_none_counts_as_not_given() -> None:
    nones = {**dict.fromkeys(OpenAICompatibleLLMArgs.__annotations__), **VALID}
    assert record_component(nones).objects() == record_component(VALID).objects()
