"""Finds clients' keys in Secrets, where the gateways need their hashes alone. No message quotes an entry."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from .apis import GatewayApi
from .objects import UNKNOWN, KubernetesObject, Violation, get, same


def bare_client_keys(objects: Collection[KubernetesObject]) -> Iterator[Violation]:
    """Yields a violation for each Secret that a policy names for clients' keys, and that has a key itself."""
    for secret in objects:
        api = next((each.api for each in objects if each.api and _names(each, each.api, secret)), None)
        bare = [entry for entry in secret.entries.values() if not _is_hashed(entry, api)] if api else []
        if api and bare:
            message = f"{len(bare)} of {len(secret.entries)} entries have a client's key itself"
            yield f"{secret}: {message}. Give its SHA-256 as {api.key_hash} instead.", secret.urn


def _names(policy: KubernetesObject, api: GatewayApi, secret: KubernetesObject) -> bool:
    if (policy.kind, secret.kind, secret.group) != (api.policy, "Secret", "") or not api.clients_secret:
        return False
    name = get(policy.spec, *api.traffic, *api.clients_secret, "name")
    return same((policy.namespace, name), (secret.namespace, secret.name), if_unknown=False)


def _is_hashed(entry: Any, api: GatewayApi) -> bool:
    if entry is UNKNOWN:
        return True
    try:
        content = json.loads(entry)
    except (TypeError, ValueError):
        return False
    return isinstance(content, dict) and api.key_hash in content and api.inline_key not in content
