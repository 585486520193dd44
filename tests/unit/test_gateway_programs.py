"""The gateway tests on a machine without their programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

USAGE_ERROR = pytest.ExitCode.USAGE_ERROR


def test_without_the_programs_the_run_ends_and_says_which_are_missing(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "GATEWAY_ASSETS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/gateway", "-p", "no:cacheprovider"],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == USAGE_ERROR
    said = done.stdout + done.stderr
    assert "The gateway tests run the real programs. Missing: pulumi-resource-kubernetes on the PATH" in said
    for api in ("kgateway", "agentgateway"):
        assert f"$GATEWAY_ASSETS/{api} with controller, proxy and crds/" in said
    assert "Traceback" not in said
