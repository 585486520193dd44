"""A stand-in for Pulumi's Go language host: no Go module has it, but the generator of its SDKs is in the CLI's.

Started as `go_host.py GENERATOR GO ... ENGINE`: the program that tests/support/go_sdk builds, and the Go compiler.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from host import TOLD_THE_USER, PythonLanguageHost, serve  # type: ignore[import-not-found]
from pulumi.runtime.proto import language_pb2

VARIABLES = {
    "PULUMI_PROJECT": "project",
    "PULUMI_STACK": "stack",
    "PULUMI_ORGANIZATION": "organization",
    "PULUMI_MONITOR": "monitor_address",
    "PULUMI_PARALLEL": "parallel",
}


class GoLanguageHost(PythonLanguageHost):  # type: ignore[misc]
    def __init__(self, generator: str, go: str, engine: str) -> None:
        super().__init__(executor=go, engine=engine)
        self.generator = generator

    def GeneratePackage(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        with tempfile.NamedTemporaryFile("w", suffix=".json") as schema:
            schema.write(request.schema)
            schema.flush()
            subprocess.run([self.generator, schema.name, request.directory], check=True, capture_output=True)
        return language_pb2.GeneratePackageResponse()

    def Link(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Replaces the SDK's module by the folder that it was generated into."""
        root = Path(request.info.root_directory)
        for package in request.packages:
            module = (root / package.path / "go.mod").read_text().split()[1]
            for edit in (f"-require={module}@v0.0.0", f"-replace={module}=./{package.path}"):
                subprocess.run([self.executor, "mod", "edit", edit], cwd=root, check=True)
        return language_pb2.LinkResponse()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        environment = {
            **os.environ,
            **{name: str(getattr(request, field)) for name, field in VARIABLES.items()},
            "PULUMI_ENGINE": self.engine,
            "PULUMI_DRY_RUN": str(request.dryRun).lower(),
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        folder = request.info.program_directory
        subprocess.run([self.executor, "build", "-o", "program", "."], cwd=folder, check=True, stdout=sys.stderr)
        with subprocess.Popen([Path(folder) / "program"], env=environment, cwd=folder) as program:
            context.add_callback(program.terminate)
            status = program.wait()
        if status == TOLD_THE_USER:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"program exited with {status}" if status else "")


if __name__ == "__main__":
    serve(GoLanguageHost(generator=sys.argv[1], go=sys.argv[2], engine=sys.argv[-1]))
