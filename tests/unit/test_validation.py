from typing import Any

import pulumi
import pytest

from components import InvalidArguments, OpenAICompatibleLLM
from components.openai_compatible_llm.providers import PRESETS
from tests.unit.recording import record

CANARY = "sk-canary-8c1f"
GOOD: dict[str, Any] = {"preset": "mistral", "api_key": CANARY}
NO_PRESET = {"preset": None}
NO_KEY = {"api_key": None}
LONG = "a" * 300
ENDS = "with a letter or digit at each end"
ALL_PRESETS = sorted(PRESETS)
OWN_HEADER = (
    'preset: "sarvam" takes the key in the header api-subscription-key, and gateways of `api: kgateway` send '
    "`Authorization: Bearer` whatever is said; give `api: agentgateway`"
)

REFUSED: list[tuple[dict[str, Any], str]] = [
    # Names and types
    ({"modle": "m"}, "modle: there is no such argument; did you mean `model`?"),
    ({"gateway": {"nam": "edge"}}, "gateway.nam: there is no such argument; did you mean `name`?"),
    ({"tls": {"host": "a"}}, "tls.host: there is no such argument; did you mean `hostname`?"),
    ({"model": 5}, "model: 5 is not a string"),
    ({"port": "443"}, 'port: "443" is not a whole number'),
    ({"port": True}, "port: True is not a whole number"),
    ({"port": 443.5}, "port: 443.5 is not a whole number"),
    ({"rewrite_host": "no"}, 'rewrite_host: "no" is not true or false'),
    ({"passthrough": "yes", **NO_KEY}, 'passthrough: "yes" is not true or false'),
    ({"wait_for_ready": 1}, "wait_for_ready: 1 is not true or false"),
    ({"gateway": "edge"}, 'gateway: "edge" is not a group of settings'),
    ({"tls": True}, "tls: True is not a group of settings"),
    ({"hostnames": "a.example.com"}, 'hostnames: "a.example.com" is not a list of strings'),
    ({"hostnames": ["a.example.com", 5]}, "hostnames.1: 5 is not a string"),
    ({"labels": ["team"]}, "labels: ['team'] is not a map of strings"),
    ({"labels": {"team": 5}}, "labels.team: 5 is not a string"),
    ({"annotations": {"team": None, "cost": 1}}, "annotations.cost: 1 is not a string"),
    ({"api_key": 5}, "api_key: what was given is not a string"),
    ({"api_key": {"secure": CANARY}}, "api_key: what was given is not a string"),
    # The provider
    (NO_PRESET, f"host: give the provider's host, its `base_url`, or a `preset`: {', '.join(ALL_PRESETS)}"),
    (
        {"preset": "mistrl"},
        'preset: "mistrl" is not in the catalogue; did you mean `mistral`? '
        "For a provider that isn't there give `host` or `base_url`",
    ),
    (
        {"preset": "azure"},
        f'preset: "azure" is not in the catalogue; there are {", ".join(f"`{key}`" for key in ALL_PRESETS)}. '
        "For a provider that isn't there give `host` or `base_url`",
    ),
    ({"preset": "sarvam"}, OWN_HEADER),
    ({"preset": "sarvam", "api": "kgateway"}, OWN_HEADER),
    ({"preset": "sarvam", "host": "sarvam.example.com"}, OWN_HEADER),
    ({"preset": "sarvam", "api": "kgatway"}, 'api: "kgatway" is not one of them; did you mean `kgateway`?'),
    (
        {"host": "https://api.mistral.ai"},
        'host: "https://api.mistral.ai" has a scheme; give the bare name, or the whole URL as `base_url`',
    ),
    (
        {"host": "api.mistral.ai/v1"},
        'host: "api.mistral.ai/v1" has a path; give the bare name, and the path as `path`',
    ),
    (
        {"host": "api.mistral.ai:443"},
        'host: "api.mistral.ai:443" has a port; give the bare name, and the port as `port`',
    ),
    ({"host": "2001:db8::1"}, 'host: "2001:db8::1" is an IPv6 address; give a name that stands for it'),
    ({"host": "API.mistral.ai"}, 'host: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?'),
    ({"host": "api.mistral.ai."}, 'host: "api.mistral.ai." is not a host name; did you mean "api.mistral.ai"?'),
    ({"host": "my_host"}, 'host: "my_host" is not a host name; give one such as api.mistral.ai'),
    ({"host": ""}, 'host: "" is not a host name; give one such as api.mistral.ai'),
    ({"host": "bücher.example"}, 'host: "bücher.example" is an international name; give it as "xn--bcher-kva.example"'),
    ({"host": "10.0.0.256"}, 'host: "10.0.0.256" is neither a host name nor an IPv4 address'),
    ({"host": "a" * 64 + ".example"}, "host: it is too long; 253 characters are possible, 63 between dots"),
    ({"port": 0}, "port: 0 is not a port; give 1 to 65535"),
    ({"port": 65536}, "port: 65536 is not a port; give 1 to 65535"),
    ({"port": -1}, "port: -1 is not a port; give 1 to 65535"),
    ({"path": "v1/x"}, 'path: "v1/x" does not begin with a slash; give one such as /v1/chat/completions'),
    ({"path": "/v1/x?key=1"}, 'path: "/v1/x?..." has a query; give the path alone'),
    ({"path": "/v1/x#top"}, 'path: "/v1/x#..." has a fragment; give the path alone'),
    ({"path": "/v1/../x"}, 'path: "/v1/../x" has "." or ".." in it; give the path that it stands for'),
    ({"path": "/v1//x"}, 'path: "/v1//x" has an empty part or an escaped slash; give it with single slashes'),
    ({"path": "/v1/x y"}, 'path: "/v1/x y" has a character that no path has; escape it as %XX'),
    ({"path": "/v1/x/"}, 'path: "/v1/x/" ends with a slash; give "/v1/x"'),
    ({"path": "/" + LONG * 4}, "path: it is 1201 characters long; 1024 are possible"),
    (
        {"path": "/v1/chat/completions/chat/completions"},
        'path: "/v1/chat/completions/chat/completions" ends in /chat/completions twice; give /v1/chat/completions',
    ),
    ({"model": ""}, "model: '' is not a model; give its name as the provider lists it"),
    ({"model": "a\nb"}, "model: 'a\\nb' is not a model; give its name as the provider lists it"),
    ({"model": LONG}, "model: it is 300 characters long; 256 are possible"),
    # A base URL
    (
        {**NO_PRESET, "base_url": "api.mistral.ai/v1"},
        'base_url: "api.mistral.ai/v1" is not a URL; give one such as https://api.mistral.ai/v1',
    ),
    (
        {**NO_PRESET, "base_url": "ftp://api.mistral.ai"},
        'base_url: "ftp://api.mistral.ai" is not a URL; give one such as https://api.mistral.ai/v1',
    ),
    (
        {**NO_PRESET, "base_url": "https://x:99999/v1"},
        "base_url: it is not a URL; give one such as https://api.mistral.ai/v1",
    ),
    (
        {**NO_PRESET, "base_url": f"https://user:{CANARY}@api.mistral.ai/v1"},
        "base_url: it has a user in it; give the URL without, and the key as `api_key`",
    ),
    (
        {**NO_PRESET, "base_url": f"https://api.mistral.ai/v1?key={CANARY}"},
        "base_url: it has a query or a fragment; give the URL without",
    ),
    (
        {**NO_PRESET, "base_url": "https://api.mistral.ai/v1/chat/completions"},
        'base_url: "https://api.mistral.ai/v1/chat/completions" ends in /chat/completions, which comes after a base URL; '
        "give https://api.mistral.ai/v1",
    ),
    (
        {**NO_PRESET, "base_url": "https://API.mistral.ai/v1"},
        'base_url: "API.mistral.ai" is not a host name; did you mean "api.mistral.ai"?',
    ),
    (
        {**NO_PRESET, "base_url": "https://api.mistral.ai/a//b"},
        'base_url: "/a//b" has an empty part or an escaped slash; give it with single slashes',
    ),
    (
        {**NO_PRESET, "base_url": "https://api.mistral.ai/" + "a" * 1010},
        "base_url: it is 1028 characters long; 1024 are possible",
    ),
    (
        {"base_url": "https://api.mistral.ai/v1"},
        "base_url: it says host, port and path, and `preset` says so too; give one of the two",
    ),
    (
        {**NO_PRESET, "base_url": "https://api.mistral.ai/v1", "path": "/v1"},
        "base_url: it says host, port and path, and `path` says so too; give one of the two",
    ),
    (
        {**NO_PRESET, "base_url": "http://vllm.example.com:443/v1"},
        "base_url: port 443 takes TLS alone; give the URL with https, or another port",
    ),
    (
        {**NO_PRESET, "base_url": "http://vllm/v1", "tls": {"hostname": "vllm"}},
        "tls.hostname: `base_url` says http, and without TLS there is nothing to check",
    ),
    (
        {**NO_PRESET, "base_url": "https://vllm:8443/v1", "tls": {"disabled": True}},
        "tls.disabled: `base_url` says https; give it with http",
    ),
    # The key
    (
        NO_KEY,
        "api_key: give the provider's key, the `api_key_secret` that holds it, or `passthrough` for the callers' own",
    ),
    ({"api_key": ""}, "api_key: the key is empty"),
    ({"api_key": " \t"}, "api_key: the key is empty"),
    (
        {"api_key": CANARY + "\n"},
        "api_key: the key has a line break in it, as one read from a file may; give it without",
    ),
    ({"api_key": f" {CANARY}"}, "api_key: the key has blanks around it; give it without"),
    ({"api_key": f'"{CANARY}"'}, "api_key: the key is in quotes; give it without them"),
    ({"api_key": f"'{CANARY}'"}, "api_key: the key is in quotes; give it without them"),
    *(
        ({"api_key": unexpanded}, "api_key: the key is a variable that was not expanded; give its value")
        for unexpanded in ("$MISTRAL_API_KEY", "${MISTRAL_API_KEY}", "{{ mistral_api_key }}", "$(cat key)")
    ),
    ({"api_key": f"{CANARY}\x00"}, "api_key: the key has characters that no header can hold"),
    ({"api_key": f"{CANARY}é"}, "api_key: the key has characters that no header can hold"),
    (
        {"api_key": f"Bearer {CANARY}"},
        'api_key: the key begins with "Bearer"; give it without, the gateway puts that before it',
    ),
    (
        {"api_key_secret": {"name": "house"}},
        "api_key_secret: `api_key` is given as well; one of them says where the key comes from",
    ),
    ({"passthrough": True}, "passthrough: `api_key` is given as well; one of them says where the key comes from"),
    ({**NO_KEY, "api_key_secret": {}}, "api_key_secret.name: it is needed"),
    (
        {**NO_KEY, "api_key_secret": {"name": "House Key"}},
        f'api_key_secret.name: "House Key" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}',
    ),
    (
        {"auth_header": {}},
        "auth_header: it is empty; give `auth_header.header_name`, `auth_header.prefix`, or both",
    ),
    (
        {"auth_header": {"header_name": "api key"}},
        'auth_header.header_name: "api key" is not a header name; letters, digits and "-" make one, such as api-key',
    ),
    (
        {"auth_header": {"prefix": "Token "}},
        'auth_header.prefix: "Token " is not a prefix; '
        "printable characters without blanks around them make one, such as Token",
    ),
    ({"auth_header": {"header_name": LONG}}, "auth_header.header_name: it is 300 characters long; 256 are possible"),
    ({"auth_header": {"prefix": LONG}}, "auth_header.prefix: it is 301 characters long; 256 are possible"),
    (
        {**NO_KEY, "passthrough": True, "auth_header": {"prefix": "Token"}},
        "auth_header: with `passthrough` the caller's own header goes on; give one of the two",
    ),
    # The objects and the route
    (
        {"namespace": "Gloo"},
        f'namespace: "Gloo" is not a namespace; lower-case letters, digits and "-" make one, {ENDS}',
    ),
    ({"namespace": "a" * 64}, "namespace: it is 64 characters long; 63 are possible"),
    (
        {"gateway": {"name": "-edge"}},
        f'gateway.name: "-edge" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}',
    ),
    (
        {"gateway": {"namespace": "a.b"}},
        f'gateway.namespace: "a.b" is not a namespace; lower-case letters, digits and "-" make one, {ENDS}',
    ),
    (
        {"gateway": {"section_name": "HTTPS"}},
        f'gateway.section_name: "HTTPS" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}',
    ),
    (
        {"gateway": {"url": "llm.example.com"}},
        'gateway.url: "llm.example.com" is not a URL; give one such as https://llm.example.com',
    ),
    (
        {"gateway": {"url": "https://llm.example.com:x"}},
        "gateway.url: it is not a URL; give one such as https://llm.example.com",
    ),
    (
        {"gateway": {"url": "https://llm.example.com:0"}},
        'gateway.url: "https://llm.example.com:0" has 0 for a port; give 1 to 65535',
    ),
    (
        {"gateway": {"url": "https://llm.example .com"}},
        'gateway.url: "https://llm.example .com" is not a URL; give one such as https://llm.example.com',
    ),
    (
        {"gateway": {"url": f"https://user:{CANARY}@llm.example.com"}},
        "gateway.url: it has a user in it; give the URL without",
    ),
    ({"gateway": {"url": f"user:{CANARY}@llm.example.com"}}, "gateway.url: it has a user in it; give the URL without"),
    (
        {"gateway": {"url": f"https://llm.example.com?key={CANARY}"}},
        "gateway.url: it has a query or a fragment; give the URL without",
    ),
    (
        {"gateway": {"url": "https://llm.example.com/mistral/v1/"}},
        'gateway.url: "https://llm.example.com/mistral/v1/" ends in /v1, '
        "which comes after the route's path; give what stands before that",
    ),
    (
        {"gateway": {"url": "https://llm.example.com/a//b"}},
        'gateway.url: "/a//b" has an empty part or an escaped slash; give it with single slashes',
    ),
    ({"route_path": "x"}, 'route_path: "x" does not begin with a slash; give one such as /mistral'),
    ({"route_path": "/x/"}, 'route_path: "/x/" ends with a slash; give "/x"'),
    ({"route_path": "/%2Fx"}, 'route_path: "/%2Fx" has an empty part or an escaped slash; give it with single slashes'),
    ({"route_path": "/x/.."}, 'route_path: "/x/.." has "." or ".." in it; give the path that it stands for'),
    (
        {"hostnames": ["llm.*.example.com"]},
        'hostnames.0: "llm.*.example.com" is not a host name; give one such as api.mistral.ai',
    ),
    ({"hostnames": ["10.0.0.1"]}, 'hostnames.0: "10.0.0.1" is an address; a route takes names'),
    ({"hostnames": ["a.example.com", "a.example.com"]}, 'hostnames.1: "a.example.com" is there twice'),
    ({"hostnames": [f"{n}.example.com" for n in range(17)]}, "hostnames: there are 17; a route takes 16 at most"),
    # TLS
    (
        {"tls": {"hostname": "10.0.0.1"}},
        'tls.hostname: "10.0.0.1" is an address; give the name that the certificate is for',
    ),
    (
        {"host": "10.0.0.1"},
        'tls.hostname: the host "10.0.0.1" is an address; give the name that its certificate is for',
    ),
    (
        {"tls": {"ca_certificate_configmap": "CA"}},
        f'tls.ca_certificate_configmap: "CA" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}',
    ),
    ({"tls": {"disabled": True}}, "tls.disabled: port 443 takes TLS alone; give the `port` that takes plain HTTP"),
    (
        {"tls": {"disabled": True}, "port": 443},
        "tls.disabled: port 443 takes TLS alone; give the `port` that takes plain HTTP",
    ),
    (
        {"tls": {"disabled": True, "hostname": "a"}, "port": 8080},
        "tls.hostname: `tls.disabled` is given as well, and without TLS there is nothing to check",
    ),
    # The generation
    ({"api": "kgatway"}, 'api: "kgatway" is not one of them; did you mean `kgateway`?'),
    ({"api": "v2"}, 'api: "v2" is not one of them; there are `agentgateway`, `kgateway`.'),
    ({"api": 1}, "api: 1 is not one of them; there are `agentgateway`, `kgateway`."),
    # Waiting, labels and annotations
    (
        {"ready_timeout_seconds": 60},
        "ready_timeout_seconds: nothing waits for it; give `wait_for_ready` as well",
    ),
    (
        {"wait_for_ready": True, "ready_timeout_seconds": 0},
        "ready_timeout_seconds: 0 seconds are too few; give 1 or more",
    ),
    ({"labels": {"a b": "c"}}, "labels.a b: it is not a name for one; give one such as team or example.com/team"),
    (
        {"labels": {"team": "the llm team"}},
        'labels.team: "the llm team" is not the value of a label; '
        f'up to 63 letters, digits, "-", "_" and "." make one, {ENDS}',
    ),
    (
        {"annotations": {"/x": "y"}},
        "annotations./x: it is not a name for one; give one such as team or example.com/team",
    ),
    (
        {"annotations": {"pulumi.com/waitFor": "condition=Ready"}},
        "annotations.pulumi.com/waitFor: the component sets it; give `wait_for_ready`",
    ),
]


def refusal(args: dict[str, Any], name: str = "mistral") -> InvalidArguments:
    with pytest.raises(InvalidArguments) as caught:
        record(lambda: OpenAICompatibleLLM(name, args))  # type: ignore[arg-type]
    error = caught.value
    assert CANARY not in f"{error} {error!r} {error.errors} {error.args} {error.problems}"
    return error


@pytest.mark.parametrize(("args", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_bad_arguments_are_refused_in_these_words(args: dict[str, Any], problem: str) -> None:
    assert str(refusal({**GOOD, **args})) == f'OpenAICompatibleLLM "mistral" can\'t be made:\n  - {problem}'


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Mistral", f'name: "Mistral" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}'),
        ("-", f'name: "-" is not a name; lower-case letters, digits, "-" and "." make one, {ENDS}'),
        ("a" * 237, "name: it is 237 characters long; 236 are possible"),
    ],
)
def test_a_name_that_no_object_can_have_is_refused(name: str, problem: str) -> None:
    assert str(refusal(GOOD, name)) == f'OpenAICompatibleLLM "{name}" can\'t be made:\n  - {problem}'


@pytest.mark.parametrize(
    "argument",
    ["api", "passthrough", "wait_for_ready", "ready_timeout_seconds", "tls"],
)
def test_what_decides_which_objects_there_are_must_be_known_at_once(argument: str) -> None:
    def program() -> None:
        args: Any = {**GOOD, argument: pulumi.Output.from_input(True)}
        with pytest.raises(InvalidArguments, match=f"{argument}: it must be known when the component is made"):
            OpenAICompatibleLLM("mistral", args)

    assert record(program).resources == []


def test_every_problem_is_in_one_message() -> None:
    error = refusal({"prest": "mistral", "port": 0, "path": "x", "tls": {"hostname": "A", "ca": "b"}})
    named = [problem.argument for problem in error.problems]
    assert named == [("prest",), ("host",), ("port",), ("path",), ("api_key",), ("tls", "ca"), ("tls", "hostname")]
    assert all(f"\n  - {problem}" in str(error) for problem in error.problems)


def test_other_languages_get_the_problems_as_a_list_in_their_spelling() -> None:
    error = refusal({**GOOD, "api_key": None, "route_path": "x", "gateway": {"section_nam": "edge"}})
    assert error.errors == [
        {
            "property_path": "apiKey",
            "reason": "give the provider's key, the `apiKeySecret` that holds it, or `passthrough` for the callers' own",
        },
        {"property_path": "gateway.sectionNam", "reason": "there is no such argument; did you mean `sectionName`?"},
        {"property_path": "routePath", "reason": '"x" does not begin with a slash; give one such as /mistral'},
    ]


def test_pulumi_shows_the_refusal_without_a_traceback() -> None:
    assert isinstance(refusal({}), pulumi.RunError)


def test_nothing_is_registered_where_arguments_are_refused() -> None:
    def program() -> None:
        with pytest.raises(InvalidArguments):
            OpenAICompatibleLLM("mistral", {"preset": "mistral"})

    assert record(program).resources == []


def test_an_argument_that_is_none_counts_as_not_given() -> None:
    from components import OpenAICompatibleLLMArgs

    nothing_more: Any = GOOD
    others = [argument for argument in OpenAICompatibleLLMArgs.__annotations__ if argument not in GOOD]
    nones: Any = {**GOOD, **dict.fromkeys(others)}
    assert (
        record(lambda: OpenAICompatibleLLM("mistral", nones)).objects()
        == record(lambda: OpenAICompatibleLLM("mistral", nothing_more)).objects()
    )
