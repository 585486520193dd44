"""Runs the Kubernetes provider's stand-in as one process for many engines, one after the other.

Each would start its own, which takes it longer than all the rest that it does for a stack of one LLM provider.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.kubernetes_provider import server
from local.kubernetes_provider.provider import KubernetesProvider
from local.toolchain.provider_plugin import install_plugin

REPOSITORY = Path(__file__).resolve().parents[2]


class SharedProvider(KubernetesProvider):
    async def cancel(self) -> None:
        """Ignores the cancellation that each engine sends at its end, because other engines follow."""


@contextmanager
def shared_provider(pulumi_home: Path, kubeconfig: Path) -> Iterator[None]:
    """Gives all engines with this Pulumi home the one provider."""
    command = [sys.executable, "-m", "tests.e2e.shared_provider", "127.0.0.1:1"]
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        # The engine learns the port from the one whom it started, and ends that one.
        script = pulumi_home / "shared-provider"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\necho {port}\nexec sleep 600\n")
        script.chmod(0o755)
        install_plugin(pulumi_home, script)
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    setattr(server, KubernetesProvider.__name__, SharedProvider)
    asyncio.run(server.serve(engine_address=sys.argv[-1]))
