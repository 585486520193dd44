"""The policy pack, run by the real CLI on the program that deploys to a real gateway."""

import re
import shutil

from components.openai_compatible_llm import __version__
from tests.gateway.deployment import KEY, Deployment
from tests.support.repository import REPOSITORY

PACK = ("--policy-pack", "policy")


def test_what_the_program_deploys_passes_the_pack_and_another_name_in_a_certificate_does_not(
    deployment: Deployment,
) -> None:
    project = deployment.project
    pack = project.folder / "policy"
    shutil.copytree(REPOSITORY / "policy", pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (pack / ".venv").symlink_to(REPOSITORY / "policy/.venv")

    deployment.write({deployment.name: deployment.config(tls={"hostname": "llm.internal"})})
    refused = project.fails("preview", "--stack", "test", *PACK)
    assert "[mandatory]  tls-hostname-is-host" in refused
    assert KEY not in refused

    deployment.write({deployment.name: deployment.config()})
    printed = project("up", "--yes", "--skip-preview", "--stack", "test", *PACK)
    assert f"openai-compatible-llm@v{__version__} (local: policy)" in printed
    # The route has no clients' keys.
    assert re.findall(r"\[(\w+)\]  (\S+)", printed) == [("advisory", "routes-ask-for-a-key")]
    assert deployment.ask().status == 200
