import os
from pathlib import Path

import pytest

from local.engine.environment import isolate
from local.folders import StateFolder

STATE = StateFolder(Path("/clone/.local"))
PULUMI = Path("/cache/pulumi-1/pulumi")


def isolated(**environment: str) -> dict[str, str]:
    isolate(environment, STATE, PULUMI)
    return environment


def test_the_users_login_stacks_and_cluster_are_not_seen() -> None:
    users = {
        "KUBECONFIG": "/home/user/.kube/config",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "PULUMI_ACCESS_TOKEN": "pul-token",
        "PULUMI_BACKEND_URL": "s3://company",
        "PULUMI_CONFIG_PASSPHRASE": "company",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/home/user/passphrase",
        "PULUMI_HOME": "/home/user/.pulumi",
        "PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true",
        "PULUMI_STACK": "prod",
    }
    environment = isolated(HOME="/home/user", **users)
    assert environment.items().isdisjoint(users.items())
    assert environment["HOME"] == "/home/user"
    assert environment["KUBECONFIG"] == "/clone/.local/kubeconfig"
    assert environment["PULUMI_HOME"] == "/clone/.local/pulumi"
    assert environment["PULUMI_BACKEND_URL"] == "file:///clone/.local/state"
    assert environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == "/clone/.local/passphrase"
    assert {name for name in environment if name.startswith("PULUMI_")} == {
        "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
        "PULUMI_HOME",
        "PULUMI_IGNORE_AMBIENT_PLUGINS",
        "PULUMI_SKIP_UPDATE_CHECK",
    }


def test_the_pulumi_that_was_found_is_the_one_that_is_run() -> None:
    assert isolated(PATH="/usr/bin")["PATH"] == os.pathsep.join(["/cache/pulumi-1", "/usr/bin"])
    assert isolated()["PATH"].startswith("/cache/pulumi-1" + os.pathsep)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_stands_between_the_programs_of_this_machine(name: str) -> None:
    assert isolated(HTTPS_PROXY="http://proxy")[name] == "127.0.0.1,localhost"
    assert isolated(**{name: "company.example"})[name] == "company.example,127.0.0.1,localhost"
