"""Started by the engine, through a wrapper named `pulumi-resource-kubernetes`, with the engine's address."""

import asyncio
import sys

from local.kubernetes_provider.server import serve

if __name__ == "__main__":
    asyncio.run(serve(engine_address=sys.argv[-1]))
