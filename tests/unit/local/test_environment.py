import os
from pathlib import Path

import pytest

from local import environment as module
from local.environment import PLACEHOLDER, Environment, program_with
from local.folders import StateFolder

STATE = StateFolder(Path("/clone/.local"))
PULUMI = Path("/cache/pulumi-1/pulumi")


def engine(**variables: str) -> dict[str, str]:
    return Environment.of(variables).for_engine(STATE, PULUMI)


def test_no_program_that_is_started_shares_a_key_or_the_users_pulumi() -> None:
    hidden = {"MISTRAL_API_KEY": "one", "PULUMI_ACCESS_TOKEN": "two", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    shared = {"API_KEY_FILE": "path", "PATH": "/bin", "PULUMI_HOME": "/home/user/.pulumi"}
    environment = Environment.of(hidden | shared)
    assert environment.shared == shared
    assert engine(**hidden).items().isdisjoint(hidden.items())
    assert "one" not in repr(environment)


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
    environment = engine(HOME="/home/user", **users)
    assert environment.items().isdisjoint(users.items())
    assert environment["HOME"] == "/home/user"
    assert environment["KUBECONFIG"] == "/clone/.local/kubeconfig"
    assert environment["PULUMI_HOME"] == "/clone/.local/pulumi"
    assert environment["PULUMI_BACKEND_URL"] == "file:///clone/.local/state?metadata=skip"
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
    assert engine(PATH="/usr/bin")["PATH"] == os.pathsep.join(["/cache/pulumi-1", "/usr/bin"])
    assert engine()["PATH"].startswith("/cache/pulumi-1" + os.pathsep)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_stands_between_the_programs_of_this_machine(name: str) -> None:
    assert engine(HTTPS_PROXY="http://proxy")[name] == "127.0.0.1,localhost"
    assert engine(**{name: "company.example"})[name] == "company.example,127.0.0.1,localhost"


def test_a_key_is_for_the_program(caplog: pytest.LogCaptureFixture) -> None:
    environment = Environment.of({"MISTRAL_API_KEY": "one", "OPENAI_API_KEY": "two"})
    assert environment.for_program([("MISTRAL_API_KEY",)]) == {"MISTRAL_API_KEY": "one"}
    assert environment.key_variable(("MISTRAL_API_KEY",)) == "MISTRAL_API_KEY"
    assert caplog.messages == []


def test_a_placeholder_stands_for_a_key_that_is_not_there_or_empty(caplog: pytest.LogCaptureFixture) -> None:
    environment = Environment.of({"B_API_KEY": ""})
    names = ("A_1_API_KEY", "B_API_KEY")
    assert environment.for_program((name,) for name in names) == dict.fromkeys(names, PLACEHOLDER)
    assert environment.key_variable(names) is None
    assert caplog.messages == [f"{name} is not set: using a placeholder for the key on this machine." for name in names]


def test_of_several_variables_for_one_key_the_first_that_is_set_counts(caplog: pytest.LogCaptureFixture) -> None:
    environment = Environment.of({"EU_API_KEY": "", "MISTRAL_API_KEY": "one"})
    assert environment.for_program([("EU_API_KEY", "MISTRAL_API_KEY")]) == {"MISTRAL_API_KEY": "one"}
    assert environment.for_program([("US_API_KEY", "GROQ_API_KEY")]) == {"US_API_KEY": PLACEHOLDER}
    assert caplog.messages == [
        "US_API_KEY or GROQ_API_KEY is not set: using a placeholder for the key on this machine."
    ]


@pytest.mark.parametrize("last_line", ["", "raise ValueError"])
def test_the_program_sees_its_variables_and_nobody_after_it(
    last_line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    seen = tmp_path / "seen"
    told = "os.environ['MISTRAL_API_KEY'] + os.environ['KUBECONFIG'] + __name__"
    program = f"import os, pathlib\npathlib.Path({str(seen)!r}).write_text({told})\n"
    (tmp_path / "__main__.py").write_text(program + last_line)
    run = program_with({"MISTRAL_API_KEY": "one/", "KUBECONFIG": "local/"})
    if last_line:
        with pytest.raises(ValueError, match=r"^$"):
            run()
    else:
        run()
    assert seen.read_text() == "one/local/__main__"
    assert os.environ["KUBECONFIG"] == "/home/user/.kube/config"
    assert "MISTRAL_API_KEY" not in os.environ
