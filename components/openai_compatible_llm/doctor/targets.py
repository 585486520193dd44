"""Determines which providers get a request, and at which URL."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from .. import client_url
from ..arguments.suggestions import suggestion
from ..inputs.urls import gateway_url as gateway_url_error
from .hops import GATEWAY_URL
from .options import Options, UsageError
from .redaction import sanitize

Outputs = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A provider behind a gateway.

    Attributes:
        provider: Its name in the stack; without a stack, its path.
        base_url: The base URL for an OpenAI client.
        path: Path prefix of its route.
        model: The request's model, which the backend's own overrides; None where nobody names one.
        host: Host name of the provider; None where it isn't known.
        tls_policy_name: Name of the BackendTLSPolicy that should exist; None where it isn't known.
    """

    provider: str
    base_url: str
    path: str
    model: str | None
    stack: str | None = None
    host: str | None = None
    namespace: str | None = None
    route_name: str | None = None
    tls_policy_name: str | None = None


def find_targets(options: Options) -> list[Target]:
    """Returns the providers that the options name.

    Raises:
        UsageError: There is no such provider, or an option or an output of the stack is missing or invalid.
    """
    if options.path is not None:
        return [_target_from_path(options.path, options)]
    if options.stack is None:
        raise UsageError(
            "No stack given: choose the one whose provider gets the request, with --stack (with make: STACK=...). "
            "Without a stack, give --path, --gateway-url and --model."
        )
    providers = _read_providers(options.stack)
    names = providers if options.all else [_select_provider(options.stack, providers, options.provider)]
    return [_target_from_outputs(options.stack, name, providers[name], options) for name in names]


def _target_from_path(path: str, options: Options) -> Target:
    if not options.gateway_url:
        raise UsageError(f"To reach the path {path}, give the gateway's URL: {GATEWAY_URL}.")
    if not path.startswith("/"):
        raise UsageError(f'The path "{path}" doesn\'t start with a slash: give one such as /mistral.')
    return Target(path, _base_url(options.gateway_url, path), path, options.model)


def _read_providers(stack: str) -> Mapping[str, Outputs]:
    """Returns the stack's output `providers`, read with the Pulumi CLI in the current folder, the project's."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise UsageError(f"The Pulumi CLI is not on the PATH. It is needed to read the outputs of stack {stack}.")
    done = subprocess.run(
        [pulumi, "stack", "output", "--json", "--stack", stack, "--non-interactive", "--color", "never"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise UsageError(f"Can't read the outputs of stack {stack}: {sanitize(' '.join(errors) or done.stderr)}")
    providers: Any = json.loads(done.stdout).get("providers")
    is_valid = isinstance(providers, dict) and providers and all(isinstance(each, dict) for each in providers.values())
    if not is_valid:
        raise UsageError(f"Stack {stack} has no output `providers`: deploy it first, with `pulumi up -s {stack}`.")
    return cast("Mapping[str, Outputs]", providers)


def _select_provider(stack: str, providers: Mapping[str, Outputs], name: str | None) -> str:
    if name is None and len(providers) == 1:
        return next(iter(providers))
    if name is None:
        names = ", ".join(sorted(providers))
        raise UsageError(f"Stack {stack} has the providers {names}: choose one with --provider, or --all.")
    if name not in providers:
        raise UsageError(f"Stack {stack} has no provider {name}; {suggestion(name, providers, 'providers')}")
    return name


def _target_from_outputs(stack: str, name: str, outputs: Outputs, options: Options) -> Target:
    url = str(outputs.get("url") or "")
    if not options.gateway_url and not url:
        raise UsageError(
            f"Stack {stack} has no URL of the gateway of provider {name}: give {GATEWAY_URL}, or set `gateway.url` in "
            "the stack's config."
        )
    if not options.gateway_url and (problem := gateway_url_error(url.removesuffix(client_url.VERSION))):
        raise UsageError(f"The output `providers` of stack {stack}, url of {name}: {problem}.")
    path = outputs.get("path")
    if not isinstance(path, str):
        raise UsageError(f"The output `providers` of stack {stack} has no path for {name}.")
    return Target(
        provider=name,
        base_url=_base_url(options.gateway_url, path) if options.gateway_url else url,
        path=path,
        model=outputs.get("model") or options.model,
        stack=stack,
        host=outputs.get("host"),
        namespace=outputs.get("namespace"),
        route_name=outputs.get("routeName"),
        tls_policy_name=outputs.get("tlsPolicyName"),
    )


def _base_url(gateway_url: str, path: str) -> str:
    if problem := gateway_url_error(gateway_url):
        raise UsageError(f"{GATEWAY_URL}: {problem}.")
    return client_url.client_base_url(gateway_url, path) or ""
