"""Hypothesis strategies for the arguments of the components."""

import hashlib
import string
from typing import Any

from hypothesis import strategies as st

from components.openai_compatible_llm.arguments.validators import header_name
from components.openai_compatible_llm.presets import PRESETS

CANARY = "sk-canary-5e0c7a"
CLIENT_CANARY = f"{CANARY}-client"
"""What every key of a client begins with, which is in no object."""


labels = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?\Z")
long_labels = st.integers(2, 63).map(lambda length: "a" + "-" * (length - 2) + "z")
names = st.one_of(labels, st.lists(labels, min_size=2, max_size=4).map(".".join), long_labels)
hosts = st.one_of(labels, st.lists(labels, min_size=2, max_size=4).map(".".join)).filter(
    lambda host: not set(host) <= set(string.digits + ".")
)
addresses = st.ip_addresses(v=4).map(str)
ports = st.integers(1, 65535)
segments = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@", min_size=1, max_size=12).filter(
    lambda segment: segment not in (".", "..")
)
paths = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
route_paths = st.one_of(paths, st.just("/"))
models = st.text(string.ascii_letters + string.digits + "-._/:@ ", min_size=1, max_size=40).filter(
    lambda model: model == model.strip()
)
model_patterns = st.one_of(models, models.map("{}*".format), models.map("*{}".format), st.just("*"))
header_names = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=20).filter(
    # Those of HTTP itself are refused.
    lambda name: header_name(name) is None
)
prefixes = st.text(string.ascii_letters + string.digits + "-_=", min_size=1, max_size=10)
label_values = st.from_regex(r"\A([A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?)?\Z")
keys = st.one_of(st.just("team"), labels.map(lambda label: f"example.com/{label}"))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Makes a group in which each field is optional."""
    return st.fixed_dictionaries({}, optional=fields)


def groups(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Makes a group with at least one of the fields."""
    return optional(**fields).filter(bool)


base_urls = st.builds(
    lambda scheme, host, port, path: (
        f"{scheme}://{host}{'' if port is None or (scheme, port) == ('http', 443) else f':{port}'}{path}"
    ),
    st.sampled_from(["https", "http"]),
    hosts,
    st.none() | ports,
    st.just("") | paths,
)
gateway_urls = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{'' if port is None else f':{port}'}{path}",
    st.sampled_from(["https", "http"]),
    hosts,
    st.none() | ports,
    (st.just("") | paths).filter(lambda path: not path.endswith(("/v1", "/chat/completions"))),
)
tls_checks = optional(hostname=hosts, ca_certificate_configmap=names)
endpoints = st.one_of(
    st.fixed_dictionaries(
        {"preset": st.sampled_from(sorted(PRESETS))},
        optional={"host": hosts, "port": ports, "path": paths, "tls": tls_checks},
    ),
    st.fixed_dictionaries({"host": hosts}, optional={"port": ports, "path": paths, "tls": tls_checks}),
    st.fixed_dictionaries(
        {"host": hosts | addresses, "port": ports.filter(lambda port: port != 443), "tls": st.just({"disabled": True})}
    ),
    st.fixed_dictionaries({"base_url": base_urls}),
)
headers: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {"auth_header": groups(header_name=header_names, prefix=prefixes)}
)
credentials = st.one_of(
    st.builds(lambda header: {"api_key": CANARY, **header}, headers),
    st.builds(lambda name, header: {"api_key_secret": {"name": name}, **header}, names, headers),
    st.just({"passthrough": True}),
    st.just({"keyless": True}),
)
fallbacks = st.lists(
    st.builds(
        # With a model of its own each may be on any host.
        lambda name, endpoint, key, model: {"name": name, **endpoint, **key, "model": model},
        names.map(lambda name: f"to-{name}"),
        endpoints,
        credentials.filter(lambda key: "passthrough" not in key),
        models,
    ),
    max_size=7,
    unique_by=lambda fallback: fallback["name"],
)
retries = optional(
    attempts=st.integers(1, 254),
    status_codes=st.lists(st.integers(400, 599), min_size=1, max_size=5, unique=True),
    backoff_milliseconds=st.integers(1, 99999),
)
waits: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"wait_for_ready": st.just(value=True)}, optional={"ready_timeout_seconds": st.integers(1, 600)}
    ),
)
json_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
request_fields = st.dictionaries(
    st.text(string.ascii_lowercase + "_", min_size=1, max_size=12).filter(
        lambda field: field.strip() and field not in ("messages", "stream", "model")
    ),
    json_values,
    max_size=3,
)
owners = st.text(max_size=10).filter(lambda owner: owner.strip() and owner.isprintable())
rates = st.integers(1, 10**9)
rate_limits = st.builds(
    lambda amount, per, burst: [{**amount, "per": per, **burst}],
    st.fixed_dictionaries({"requests": rates}) | st.fixed_dictionaries({"tokens": rates}),
    st.sampled_from(["second", "minute", "hour"]),
    optional(burst=st.integers(0, 10**9)),
)
client_names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
# No two are equal.
client_keys = st.uuids().map(lambda unique: f"{CLIENT_CANARY}-{unique}")
client_limits = st.lists(
    st.builds(
        lambda amount, per, burst: {**amount, "per": per, **burst},
        st.fixed_dictionaries({"requests": rates}) | st.fixed_dictionaries({"tokens": rates}),
        st.sampled_from(["second", "minute", "hour", "day"]),
        optional(burst=st.integers(0, 10**9)),
    ),
    min_size=1,
    max_size=4,
)
clients = st.dictionaries(
    client_names,
    st.builds(
        lambda key, more: {**key, **more},
        st.builds(lambda key: {"api_key": key}, client_keys)
        | st.builds(lambda key: {"api_key_sha256": hashlib.sha256(key.encode()).hexdigest()}, client_keys),
        optional(
            models=st.lists(model_patterns, min_size=1, max_size=3, unique=True),
            rate_limits=client_limits,
        ),
    ),
    min_size=1,
    max_size=3,
)
access: dict[str, st.SearchStrategy[Any]] = {
    "clients": clients,
    # It may not be a provider's.
    "clients_secret": st.builds(lambda name: {"name": f"clients-of-{name}"}, labels),
    "client_auth_header": groups(header_name=header_names, prefix=prefixes),
    "rate_limit_service": st.fixed_dictionaries(
        {"host": hosts}, optional={"port": ports, "domain": labels, "fail_open": st.booleans()}
    ),
}
others = optional(
    **access,
    rate_limits=rate_limits,
    request_defaults=request_fields,
    request_overrides=request_fields,
    model_aliases=st.dictionaries(models, models, max_size=3),
    api=st.sampled_from(["kgateway", "agentgateway"]),
    endpoints=st.sampled_from(["chat", "all"]),
    model=models,
    request_timeout_seconds=st.integers(1, 99999),
    retries=retries,
    fallbacks=fallbacks,
    # A dry run needs namespaces that exist on every API server.
    namespace=st.sampled_from(["default", "kube-system"]),
    gateway=optional(name=names, namespace=labels, section_name=names, url=gateway_urls),
    route_path=route_paths,
    hostnames=st.lists(st.one_of(hosts, hosts.map(lambda host: f"*.{host}")), max_size=16, unique=True),
    rewrite_host=st.booleans(),
    labels=st.dictionaries(keys, label_values, max_size=3),
    annotations=st.dictionaries(keys, st.text(max_size=20), max_size=3),
)


def _with_or_without_shared_path(args: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what can't be beside a shared path, or else the path and the models there."""
    names_models = "models" in args or args.get("model_aliases")
    is_other = args.get("shared_route_path") != args.get("route_path")
    if not ("shared_route_path" in args and names_models and is_other and args.get("api") == "agentgateway"):
        return {key: value for key, value in args.items() if key not in ("shared_route_path", "models")}
    shared = {key: value for key, value in args.items() if key != "model" and (key, value) != ("endpoints", "chat")}
    # All endpoints' paths are known then.
    if "fallbacks" in shared:
        shared["fallbacks"] = [_without_path(each) for each in shared["fallbacks"]]
    return _without_path(shared)


def _without_path(provider: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in provider.items() if key != "path"}


def _with_or_without_clients(args: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what can't be beside clients and their limits, or what needs them."""
    header = args.get("client_auth_header", {}).get("header_name", "Authorization")
    takes_callers_token = args.get("passthrough") and header.lower() == "authorization"
    left_out = set(access) if takes_callers_token or not {"clients", "clients_secret"} & set(args) else set()
    if "clients" in args:
        left_out.add("clients_secret")
    args = {key: value for key, value in args.items() if key not in left_out}
    if "clients" not in args:
        return args
    has_service = "rate_limit_service" in args
    limited = {name: _with_limits(client, has_service=has_service) for name, client in args["clients"].items()}
    if not has_service and any("rate_limits" in client for client in limited.values()):
        args = {key: value for key, value in args.items() if key != "rate_limits"}
    return {**args, "clients": limited}


def _with_limits(client: dict[str, Any], *, has_service: bool) -> dict[str, Any]:
    """Leaves one limit of each kind and period with the service, and one at most without it."""
    limits: list[dict[str, Any]] = client.get("rate_limits", [])
    others = {name: value for name, value in client.items() if name != "rate_limits"}
    if has_service:
        counted = {("tokens" in each, each["per"]): each for each in limits}
        limits = [{name: value for name, value in each.items() if name != "burst"} for each in counted.values()]
    else:
        limits = [each for each in limits if each["per"] != "day"][:1]
    return {**others, "rate_limits": limits} if limits else others


def _supported(args: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what the gateways of the API can't do, and what can't be together."""
    args = _with_or_without_shared_path(args)
    if args.get("api") == "agentgateway":
        args = _with_or_without_clients(args)
        unsupported = [] if args.get("rewrite_host", True) else ["rewrite_host"]
    else:
        unsupported = ["auth_header", "fallbacks", "retries", *access]
        unsupported += ["endpoints"] if args.get("endpoints") == "all" else []
        if any("tokens" in limit for limit in args.get("rate_limits", ())):
            unsupported.append("rate_limits")
        if "keyless" in args:
            args = {**args, "passthrough": True}
            unsupported.append("keyless")
    if args.get("passthrough"):
        unsupported.append("fallbacks")
    providers = (args, *args.get("fallbacks", ()))
    if any("path" in each and not each["path"].endswith("/chat/completions") for each in providers):
        unsupported.append("endpoints")
    if "model" in args:
        unsupported.append("model_aliases")
    if set(args.get("request_defaults", ())) & set(args.get("request_overrides", ())):
        unsupported.append("request_overrides")
    return {key: value for key, value in args.items() if key not in unsupported}


shared_routes = optional(
    api=st.just("agentgateway"),
    shared_route_path=route_paths,
    models=st.lists(model_patterns, min_size=1, max_size=5, unique=True),
)

accepted_arguments = st.builds(
    lambda *parts: _supported({key: value for part in parts for key, value in part.items()}),
    endpoints,
    credentials,
    waits,
    others,
    shared_routes,
)

accepted_gateway_arguments = st.builds(
    lambda required, others, wait: _with_or_without_clients({**required, **others, **wait}),
    st.fixed_dictionaries({"route_path": route_paths}),
    optional(
        **access,
        # A dry run needs namespaces that exist on every API server.
        gateway=optional(
            name=names,
            namespace=st.sampled_from(["default", "kube-system"]),
            section_name=names,
            url=gateway_urls,
        ),
        models=st.dictionaries(owners, st.lists(model_patterns, max_size=5), max_size=3),
        max_request_bytes=st.integers(1, 2**32 - 1),
        client_label=st.booleans(),
        labels=st.dictionaries(keys, label_values, max_size=3),
        annotations=st.dictionaries(keys, st.text(max_size=20), max_size=3),
    ),
    waits,
)

rubbish = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.lists(st.text(max_size=5), max_size=2),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


@st.composite
def mangled(draw: st.DrawFn, accepted: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Makes accepted arguments, and replaces, removes or misspells some of them."""
    args = draw(accepted)
    for _ in range(draw(st.integers(1, 3))):
        argument = draw(st.sampled_from(sorted(args) or ["host"]))
        match draw(st.sampled_from(["replace", "remove", "misspell", "nest"])):
            case "replace":
                args[argument] = draw(rubbish)
            case "remove":
                args.pop(argument, None)
            case "misspell":
                args[argument[:-1] or "x"] = args.pop(argument, None)
            case "nest":
                args[argument] = {**args[argument], "other": 1} if isinstance(args.get(argument), dict) else {}
    return args
