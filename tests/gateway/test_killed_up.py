"""An engine that is killed in the midst of an `up`, and what mends it."""

import subprocess
import time

import pytest

from tests.gateway.deployment import Deployment
from tests.support.cluster import Cluster

TAKE_OVER = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true", "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
PROVIDERS = 4


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
def test_after_a_cancel_one_up_takes_over_what_the_killed_one_made(deployment: Deployment, cluster: Cluster) -> None:
    project = deployment.project
    providers = {
        f"mistral-{number}": deployment.config(routePath=f"{deployment.route_path}-{number}")
        for number in range(PROVIDERS)
    }
    deployment.write(providers)
    command = [str(project.pulumi), "--non-interactive", "up", "--yes", "--skip-preview", "--stack", "test"]
    killed = subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(cluster.everything_in(deployment.namespace)) < 2 and killed.poll() is None:
        time.sleep(0.02)
    killed.kill()
    assert killed.wait() != 0

    up = ("up", "--yes", "--skip-preview", "--stack", "test")
    if "failed to load checkpoint" in (said := project.fails(*up)):
        # Killed while it wrote the state: what the documentation says for that comes first.
        for empty in [file for file in project.home.rglob("*.attrs") if file.stat().st_size == 0]:
            empty.unlink()
        said = project.fails(*up)
    assert "locked" in said
    project("cancel", "--yes", "--stack", "test")
    project.up(**TAKE_OVER)
    found = cluster.everything_in(deployment.namespace)
    assert len([name for _, name in found if name.startswith("mistral-")]) == 4 * PROVIDERS
    for number in range(PROVIDERS):
        url_path = f"-{number}/v1/chat/completions"
        assert deployment.ask(url_path).status == 200
