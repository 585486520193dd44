"""Says what `wait_for_ready` waits for, in the language of pulumi-kubernetes' `pulumi.com/waitFor` annotation.

Source: the annotation's documentation, and the conditions that the Gateway API and the gateways' controllers define.
"""

import json

from .settings import Settings

ANNOTATION = "pulumi.com/waitFor"

ACCEPTED = "condition=Accepted"


def route_accepted(settings: Settings) -> str:
    """Waits until the route's own Gateway has accepted it and found its backend.

    The Gateway is named, so that the status of an earlier Gateway can't satisfy an update. Where clients need a key the
    backend comes after the route, so it can't be found yet.
    """
    names = ("Accepted",) if settings.clients_secret_name else ("Accepted", "ResolvedRefs")
    conditions = f'.status.parents[?@.parentRef.name=="{settings.gateway.name}"].conditions'
    return json.dumps([_jsonpath(conditions, condition) for condition in names])


def any_ancestor_accepted() -> str:
    """Waits until a controller has accepted a policy."""
    return _jsonpath(".status.ancestors[*].conditions", "Accepted")


def _jsonpath(conditions: str, condition: str) -> str:
    return f'jsonpath={{{conditions}[?@.type=="{condition}" && @.status=="True"]}}'
