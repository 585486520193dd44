"""Refuses, in any Pulumi program, objects that expose a key or let requests reach a provider without TLS."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from gateway_policies import access, keys, tls
from gateway_policies.objects import UNKNOWN, KubernetesObject, Violation, kubernetes_object


def of_each_object(rule: Callable[[KubernetesObject], Iterator[str]]) -> ResourceValidation:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if obj := kubernetes_object(args.urn, plain(args.props)):
            for message in rule(obj):
                report(message, None)

    return validate


def of_all_objects(rule: Callable[..., Iterator[Violation]], **config: str) -> StackValidation:
    """Hands the rule the stack's objects, and as keyword arguments what is configured under these names."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        options = {argument: args.get_config().get(name, []) for argument, name in config.items()}
        for message, urn in rule(objects_of(args.resources), **options):
            report(message, urn)

    return validate


def objects_of(resources: Sequence[PolicyResource]) -> list[KubernetesObject]:
    objects = (kubernetes_object(each.urn, plain(each.props)) for each in resources)
    return [each for each in objects if each]


def plain(value: Any) -> Any:
    """Makes plain dicts and lists of pulumi-policy's, which raise an error where a value isn't known yet."""
    if isinstance(value, Mapping):
        return {key: known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [known(value, index) for index in range(len(value))]
    return value


def known(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


PolicyPack(
    name="openai-compatible-llm",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name="no-inline-token",
            description="A backend names the Secret with its key instead of containing the key.",
            validate=of_each_object(keys.inline_tokens),
        ),
        ResourceValidationPolicy(
            name="no-key-in-spec",
            description="No custom resource has a key in its spec.",
            validate=of_each_object(keys.keys_in_spec),
        ),
        StackValidationPolicy(
            name="backend-has-tls",
            description="A backend on port 443 has a BackendTLSPolicy or TLS of its own.",
            validate=of_all_objects(tls.backends_without_tls),
        ),
        StackValidationPolicy(
            name="tls-hostname-is-host",
            description="A BackendTLSPolicy, or a backend's own TLS, expects a certificate for the backend's host.",
            validate=of_all_objects(tls.wrong_hostnames, allowed="allowedHostnames"),
            config_schema=PolicyConfigSchema(
                properties={
                    "allowedHostnames": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Host names that a certificate may be for although they differ from the host.",
                    }
                }
            ),
        ),
        StackValidationPolicy(
            name="routes-ask-for-a-key",
            description="A route to an LLM provider is for callers with credentials.",
            enforcement_level=EnforcementLevel.ADVISORY,
            validate=of_all_objects(access.routes_without_authentication),
        ),
    ],
)
