"""A stand-in for Pulumi's Python language host, so that tests can run the CLI where the real one isn't installed.

Pulumi publishes its host for Python as a program only: no Go module has it, unlike the one for YAML.

Started as `host.py EXECUTOR ... ENGINE`: the script that runs a program as the real host has it run, and the engine's
address. Programs and plugins run with this file's own Python, policy packs with that of their virtual environment.
Nothing is installed, and no SDK is made for a package.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# With this status the program says that the user has been told everything.
TOLD_THE_USER = 32


class PythonLanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    def __init__(self, executor: str, engine: str) -> None:
        self.executor = executor
        self.engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.GetProgramDependenciesResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def InstallDependencies(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        yield language_pb2.InstallDependenciesResponse(stdout=b"Nothing installed: the tests' own packages are used\n")

    def GeneratePackage(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.GeneratePackageResponse()

    def Link(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.LinkResponse()

    def RunPlugin(self, request: Any, context: Any) -> Any:  # noqa: N802
        folder = request.info.program_directory
        command = [sys.executable, folder, *request.args]
        if request.kind == "analyzer":
            python = Path(folder) / request.info.options["virtualenv"] / "bin/python"
            command = [str(python), "-u", "-m", "pulumi.policy", *request.args, folder]
        environment = dict(each.split("=", 1) for each in request.env)
        with subprocess.Popen(
            command, cwd=request.pwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as plugin:
            # The engine that needs the plugin no longer hangs up.
            context.add_callback(plugin.terminate)
            for line in plugin.stdout or ():
                yield language_pb2.RunPluginResponse(stdout=line)
        yield language_pb2.RunPluginResponse(exitcode=plugin.returncode)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        flags = {
            "monitor": request.monitor_address,
            "engine": self.engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        given = [word for name, value in flags.items() if value for word in (f"--{name}", value)]
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = [sys.executable, self.executor, *given, request.info.entry_point, *request.args]
        # In a group of its own, or the engine's interrupt to its host would end it in the midst of its errors.
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, process_group=0) as program:
            # The engine that fails an update doesn't wait for the program's end.
            context.add_callback(program.terminate)
            status = program.wait()
        if status == TOLD_THE_USER:
            return language_pb2.RunResponse(bail=True)
        # A signal's number doesn't show in Go's exit status.
        error = f"program exited with non-zero exit code: {max(status, -1)}" if status else ""
        return language_pb2.RunResponse(error=error)


def serve(host: PythonLanguageHost) -> None:
    """Serves the engine that started this process until it has finished."""
    engine_process = os.getppid()
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201 (how the engine learns where to call)
    # The engine says goodbye with an interrupt; killed, it says nothing.
    with contextlib.suppress(KeyboardInterrupt):
        while server.wait_for_termination(timeout=1) and os.getppid() == engine_process:
            pass
    server.stop(grace=None)


if __name__ == "__main__":
    serve(PythonLanguageHost(executor=sys.argv[1], engine=sys.argv[-1]))
