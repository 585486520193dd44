"""Makes the stack of `make demo`, and runs the provider that it leads to.

Attributes:
    STACK: Name of the stack, and of its provider. Its file is written to the state folder alone.
    GATEWAY: The stack's own Gateway, so that it is in no other stack's way.
"""

from local.gateway.api import AGENTGATEWAY, Gateway

STACK = "demo"
GATEWAY = Gateway(AGENTGATEWAY, namespace="demo", name="demo")
