"""Gives the CLI a language host for Go, with the generator of the CLI's own Go SDKs."""

import subprocess
import sys
from pathlib import Path

from local.folders import cache_folder
from local.lock import exclusive
from local.toolchain.build import QUICK, build
from local.toolchain.go import ensure_go
from local.toolchain.tools import Tool
from tests.e2e.pulumi_cli import PulumiCli, put_script
from tests.support.repository import REPOSITORY

MODULE = REPOSITORY / "tests/support/go_sdk"
HOST = Path(__file__).with_name("language_host") / "go_host.py"


class _Generator(Tool):
    """Is built from a Go module of the tests."""

    @property
    def module_folder(self) -> Path:
        return MODULE


GENERATOR = _Generator(
    "go_sdk", "go_sdk", "openai-compatible-llm/tests/support/go_sdk", "github.com/pulumi/pulumi/pkg/v3"
)


def with_go_host(cli: PulumiCli) -> PulumiCli:
    """Returns the CLI with the host, and with the user's caches of Go although its home is another one.

    Programs are compiled as the control plane's are, so that the packages of both are compiled once.
    """
    with exclusive(cache_folder() / "build.lock"):
        if not GENERATOR.built.exists():
            build([GENERATOR])
    go = ensure_go()
    put_script(cli.home / "bin/pulumi-language-go", [sys.executable, str(HOST), str(GENERATOR.built), str(go.program)])
    caches = {
        name: subprocess.run(
            [go.program, "env", name], env=go.environment, capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("GOMODCACHE", "GOCACHE", "GOPROXY")
    }
    return cli.with_environment(**caches, GOFLAGS=" ".join(f"'{flag}'" for flag in ("-mod=mod", *QUICK)))
