"""Says what `wait_for_ready` waits for, in the language of pulumi-kubernetes' `pulumi.com/waitFor` annotation.

Source: the annotation's documentation, and the conditions that the Gateway API and the gateways' controllers define.
"""

import json

ANNOTATION = "pulumi.com/waitFor"

ACCEPTED = "condition=Accepted"


def route_accepted(gateway: str, *, finds_backend: bool) -> str:
    """Waits until the route's own Gateway has accepted it.

    Args:
        gateway: Name of the Gateway, so that the status of an earlier Gateway can't satisfy an update.
        finds_backend: Whether the route's backend exists by then, so that the Gateway must have found it.
    """
    names = ("Accepted", "ResolvedRefs") if finds_backend else ("Accepted",)
    conditions = f'.status.parents[?@.parentRef.name=="{gateway}"].conditions'
    return json.dumps([_jsonpath(conditions, condition) for condition in names])


def any_ancestor_accepted() -> str:
    """Waits until a controller has accepted a policy."""
    return _jsonpath(".status.ancestors[*].conditions", "Accepted")


def _jsonpath(conditions: str, condition: str) -> str:
    return f'jsonpath={{{conditions}[?@.type=="{condition}" && @.status=="True"]}}'
