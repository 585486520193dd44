"""Finds what is wrong with a client: its key, its model or its limit, by policies and the Secret with clients' keys."""

from collections.abc import Iterator

from .access import Access, RateLimitService, limits_in_configuration
from .clients import Client, ClientKey, find_client
from .hops import Finding, find
from .outcome import Endpoint
from .redaction import sanitize
from .request_path import RequestPath, policy_conditions, unmet_conditions


def check_key(path: RequestPath, key: ClientKey | None) -> Iterator[Finding]:
    """Yields why the gateway doesn't accept the client's key, or that there is none."""
    access, secret = Access(path.access_policies or ()), path.clients
    asked = access.authentication
    if asked is None:
        return
    place = access.place("")
    names = {"policy": asked.policy, "secret": secret.name, "clients": secret.names, "header": place.header}
    if secret.is_missing:
        yield find("caller.no_secret", **names)
    for problem in unmet_conditions(policy_conditions(asked.found, "Gateway"), "Accepted", "Attached"):
        yield find("caller.policy_not_accepted", detail=sanitize(problem), **names)
    if key is None:
        owner = f"one of the clients {secret.names}" if secret.clients else "a client"
        yield find("caller.no_key", owner=owner, **names)
        return
    if key.header.lower() != place.header.lower():
        yield find("caller.other_header", sent=sanitize(key.header), **names)
    if not secret.name or secret.error:
        return
    client = find_client(secret.clients, key.value)
    if client is None:
        unread = "".join(f"; the gateway can't read its entry `{sanitize(each)}`" for each in secret.unread)
        yield find("caller.unknown_key" if secret.clients else "caller.no_clients", unread=unread, **names)
    else:
        fault = "caller.blanks" if client.has_blanks else "caller.known_key"
        yield find(fault, client=client.label, entry=sanitize(client.entry), **names)


def check_model(
    path: RequestPath, key: ClientKey | None, requested: str | None, endpoint: Endpoint
) -> Iterator[Finding]:
    """Yields that the client may not use the model or, where it may, that something else forbids the request."""
    access = Access(path.access_policies or ())
    rule, model = access.model_rule, (access.fixed_model if endpoint is Endpoint.CHAT else None) or requested
    if rule is None or model is None or endpoint is Endpoint.MODELS:
        return
    client, names = client_of(path, key), {"policy": rule.policy, "model": sanitize(model)}
    if client is None:
        yield find("caller.some_model", **names)
        return
    may_use = client.may_use(model)
    fault = {True: "caller.other_rule", False: "caller.model", None: "caller.unreadable_models"}[may_use]
    models = "" if may_use is None else client.patterns
    entry = sanitize(client.entry)
    yield find(fault, client=client.label, models=models, secret=path.clients.name, entry=entry, **names)


def check_limit(path: RequestPath, key: ClientKey | None) -> Iterator[Finding]:
    """Yields that the client has reached its own limit at the gateway."""
    limited, client = Access(path.access_policies or ()).client_limits, client_of(path, key)
    if limited is None:
        return
    if client is None:
        limits = ", ".join(f"{sanitize(name)} ({limit})" for name, limit in limited.value.items())
        yield find("caller.some_limit", policy=limited.policy, limits=limits)
    elif limit := limited.value.get(client.name):
        yield find("caller.limit", policy=limited.policy, client=client.label, limit=limit)


def check_rate_limit_service(path: RequestPath) -> Iterator[Finding]:
    """Yields where the rate limit service is that doesn't answer, or that nothing leads to it."""
    if service := Access(path.access_policies or ()).service:
        names = {"policy": service.policy, "backend": service.name}
        missing = path.rate_limit_service.is_missing
        fault = "request.no_rate_limit_backend" if missing else "request.rate_limit_service"
        yield find(fault, endpoint=service.endpoint(path.rate_limit_service), **names)


def service_limit(path: RequestPath, key: ClientKey | None, service: RateLimitService, said: str) -> Finding:
    """Makes the finding that the client has reached a limit of the rate limit service."""
    client = client_of(path, key)
    limits = limits_in_configuration(path.rate_limits.found, client.name) if client and client.name else ()
    told = (
        f"; {path.rate_limits.name} lets the client {client.label} use {', '.join(limits)}" if client and limits else ""
    )
    endpoint = service.endpoint(path.rate_limit_service)
    return find("caller.service_limit", said=said, policy=service.policy, endpoint=endpoint, limits=told)


def client_of(path: RequestPath, key: ClientKey | None) -> Client | None:
    """Returns the client that has the key; None where that can't be found out."""
    return find_client(path.clients.clients, key.value) if key else None
