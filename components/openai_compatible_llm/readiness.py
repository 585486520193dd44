"""What `wait_for_ready` waits for, in the words of pulumi-kubernetes' `pulumi.com/waitFor` annotation.

Source: the annotation's documentation, and the conditions that the Gateway API and kgateway define.
"""

import json

from .settings import Settings

ANNOTATION = "pulumi.com/waitFor"

ACCEPTED = "condition=Accepted"


def route(settings: Settings) -> str:
    """The route's own Gateway has accepted it and found its backend.

    The Gateway is named, so that what an earlier one said can't satisfy an update.
    """
    parent = f'{{.status.parents[?@.parentRef.name=="{settings.gateway.name}"].conditions'
    return json.dumps(
        [
            f'jsonpath={parent}[?@.type=="{condition}" && @.status=="True"]}}'
            for condition in ("Accepted", "ResolvedRefs")
        ]
    )


def tls_policy(_settings: Settings) -> str:
    """Whoever applies the policy has accepted it."""
    return 'jsonpath={.status.ancestors[*].conditions[?@.type=="Accepted" && @.status=="True"]}'
