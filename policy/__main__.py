"""Refuses, in any Pulumi program, objects that expose a key or let requests reach a provider without TLS."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pulumi_policy
from pulumi_policy.proxy import UnknownValueError

from gateway_policies import access, clients, keys, tls
from gateway_policies.objects import UNKNOWN, KubernetesObject, Violation, kubernetes_object

Policy = Callable[[list[KubernetesObject]], Iterator[Violation]]
Args = pulumi_policy.ResourceValidationArgs | pulumi_policy.StackValidationArgs


def check(policy: Policy, args: Args, report: pulumi_policy.ReportViolation) -> None:
    resources = args.resources if isinstance(args, pulumi_policy.StackValidationArgs) else [args]
    objects = (kubernetes_object(each.urn, plain(partial(getattr, each, "props"))) for each in resources)
    for message, urn in policy([each for each in objects if each]):
        report(message, urn)


def check_hostnames(args: pulumi_policy.StackValidationArgs, report: pulumi_policy.ReportViolation) -> None:
    allowed = args.get_config().get("allowedHostnames", [])
    check(partial(tls.wrong_hostnames, allowed=allowed), args, report)


def plain(read: Callable[[], Any]) -> Any:
    """Makes plain dicts and lists of pulumi-policy's, which raise an error where a value isn't known yet."""
    try:
        value = read()
    except UnknownValueError:
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: plain(partial(value.__getitem__, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(partial(value.__getitem__, index)) for index in range(len(value))]
    return value


ALLOWED_HOSTNAMES = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Host names that a certificate may be for although they differ from the host.",
}

pulumi_policy.PolicyPack(
    name="openai-compatible-llm",
    enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
    policies=[
        pulumi_policy.ResourceValidationPolicy(
            name="no-inline-token",
            description="A backend names the Secret with its key instead of containing the key.",
            validate=partial(check, keys.inline_tokens),
        ),
        pulumi_policy.ResourceValidationPolicy(
            name="no-key-in-spec",
            description="No custom resource has a key in its spec.",
            validate=partial(check, keys.keys_in_spec),
        ),
        pulumi_policy.StackValidationPolicy(
            name="backend-has-tls",
            description="A backend on port 443 has a BackendTLSPolicy or TLS of its own.",
            validate=partial(check, tls.backends_without_tls),
        ),
        pulumi_policy.StackValidationPolicy(
            name="tls-hostname-is-host",
            description="A BackendTLSPolicy, or a backend's own TLS, expects a certificate for the backend's host.",
            validate=check_hostnames,
            config_schema=pulumi_policy.PolicyConfigSchema({"allowedHostnames": ALLOWED_HOSTNAMES}),
        ),
        pulumi_policy.StackValidationPolicy(
            name="routes-ask-for-a-key",
            description="A route to an LLM provider is for clients with credentials.",
            enforcement_level=pulumi_policy.EnforcementLevel.ADVISORY,
            validate=partial(check, access.routes_without_authentication),
        ),
        pulumi_policy.StackValidationPolicy(
            name="clients-keys-are-hashed",
            description="A Secret with the keys of clients has their hashes instead.",
            validate=partial(check, clients.bare_client_keys),
        ),
    ],
)
