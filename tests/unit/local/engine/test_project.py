from pathlib import Path

import pytest
import yaml

from local.engine.project import (
    copy_project,
    find_own_project,
    project_name,
    read_settings,
    refuse_unknown,
    stack_names,
    write_stack,
)
from local.errors import LocalError

SECURE = {"secure": "v1:abc"}
ALIAS = "a * without quotes begins an alias"
QUOTES = 'write quotes around the text, as in "*-latest"'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "stacks").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: routes\nruntime: python\n")
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def write(repository: Path, content: object, stack: str = "dev") -> None:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (repository / f"stacks/Pulumi.{stack}.yaml").write_text(text)


def copied(copy: Path, stack: str = "dev") -> object:
    return yaml.safe_load((copy / f"stacks/Pulumi.{stack}.yaml").read_text())


def test_a_copy_has_all_but_secrets_and_what_ties_it_to_its_user(repository: Path, copy: Path) -> None:
    config = {"routes:providers": {"house": {"apiKey": SECURE, "port": 443}}, "routes:key": SECURE}
    write(
        repository,
        {
            "secretsprovider": "awskms://alias",
            "encryptedkey": "abc",
            "encryptionsalt": "v1:user",
            "environment": ["prod"],
            "config": {**config, "routes:list": [SECURE, {"a": SECURE, "b": [1, SECURE]}]},
        },
    )
    copy_project(copy, ["dev"], repository)
    assert copied(copy) == {"config": {"routes:providers": {"house": {"port": 443}}, "routes:list": [{"b": [1]}]}}
    assert (copy / "Pulumi.yaml").read_text() == (repository / "Pulumi.yaml").read_text()
    assert (copy / "stacks/Pulumi.dev.yaml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("setting", ["cluster", "clusterIdentifier", "config:context", "context", "kubeconfig"])
def test_a_copy_names_no_cluster_of_its_user(repository: Path, copy: Path, setting: str) -> None:
    kept = {"kubernetes:enableSecretMutable": True, "routes:context": "theirs"}
    users = {"config": {**kept, f"kubernetes:{setting}": "production"}}
    write(repository, users)
    (repository / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "routes", "runtime": "python", **users}))
    copy_project(copy, ["dev"], repository)
    assert copied(copy) == {"config": kept}
    assert yaml.safe_load((copy / "Pulumi.yaml").read_text())["config"] == kept


def test_a_second_copy_keeps_the_salt_that_the_engine_gave_the_first(repository: Path, copy: Path) -> None:
    write(repository, {"encryptionsalt": "v1:user", "config": {"routes:a": 1}})
    copy_project(copy, ["dev"], repository)
    with (copy / "stacks/Pulumi.dev.yaml").open("a") as file:
        file.write("encryptionsalt: v1:engine\n")
    write(repository, {"encryptionsalt": "v1:user", "config": {"routes:a": 2}})
    copy_project(copy, ["dev"], repository)
    assert copied(copy) == {"config": {"routes:a": 2}, "encryptionsalt": "v1:engine"}


def test_a_stack_without_a_file_in_the_repository_can_be_written_to_the_copy(repository: Path, copy: Path) -> None:
    copy_project(copy, [], repository)
    write_stack(copy, "made", {"config": {"routes:a": 1}})
    with (copy / "stacks/Pulumi.made.yaml").open("a") as file:
        file.write("encryptionsalt: v1:engine\n")
    write_stack(copy, "made", {"config": {"routes:a": 2}})
    assert copied(copy, "made") == {"config": {"routes:a": 2}, "encryptionsalt": "v1:engine"}
    assert read_settings(copy, "made") == {"a": 2}
    assert stack_names(repository) == []


def test_a_copy_that_was_damaged_is_made_anew(repository: Path, copy: Path) -> None:
    write(repository, {"config": {"routes:a": 1}})
    copy_project(copy, ["dev"], repository)
    (copy / "stacks/Pulumi.dev.yaml").write_text("}")
    copy_project(copy, ["dev"], repository)
    assert copied(copy) == {"config": {"routes:a": 1}}


@pytest.mark.parametrize("content", ["", "config:\n", "# nothing yet\n"])
def test_an_empty_stack_file_is_one_without_settings(content: str, repository: Path, copy: Path) -> None:
    write(repository, content)
    copy_project(copy, ["dev"], repository)
    assert read_settings(copy, "dev") == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("config: {a: 'sk-key}", "is not valid YAML: found unexpected end of stream at line 1."),
        ("config:\n  a: *sk-key", f"is not valid YAML: {ALIAS} at line 2; {QUOTES}."),
        ("config:\n  a: [*]", f"is not valid YAML: {ALIAS} at line 2; {QUOTES}."),
        ("config:\n  a: !sk-key b", "is not valid YAML: syntax error at line 2."),
        ("config:\n\ta: sk-key", "is not valid YAML: found character '\\t' that cannot start any token at line 2."),
        ("a: sk-key\x07", "is not valid YAML: syntax error."),
        ("- sk-key", "must be a mapping of settings, such as `config:` with settings below it."),
        ("sk-key", "must be a mapping of settings, such as `config:` with settings below it."),
    ],
)
def test_a_stack_file_that_is_none_is_told_without_what_is_in_it(
    content: str, reason: str, repository: Path, copy: Path
) -> None:
    write(repository, content)
    with pytest.raises(LocalError) as raised:
        copy_project(copy, ["dev"], repository)
    assert str(raised.value) == f"stacks/Pulumi.dev.yaml {reason}"


def test_a_stack_file_that_is_no_text_is_told(repository: Path, copy: Path) -> None:
    (repository / "stacks/Pulumi.dev.yaml").write_bytes(b"config: \xff\xfe")
    with pytest.raises(LocalError, match=r"^stacks/Pulumi\.dev\.yaml is not valid YAML: it is not UTF-8 text\.$"):
        copy_project(copy, ["dev"], repository)


def test_a_broken_stack_file_is_in_nobody_elses_way(repository: Path, copy: Path) -> None:
    write(repository, {"config": {}})
    write(repository, "}", "prod")
    copy_project(copy, ["dev"], repository)
    assert sorted(file.name for file in (copy / "stacks").iterdir()) == ["Pulumi.dev.yaml"]


def test_stacks_are_known_by_their_files(repository: Path) -> None:
    for stack in ("prod", "dev", "eu.west"):
        write(repository, {}, stack)
    (repository / "stacks/README.md").touch()
    assert stack_names(repository) == ["dev", "eu.west", "prod"]
    refuse_unknown(["prod", "eu.west"], repository)
    with pytest.raises(LocalError) as raised:
        refuse_unknown(["test", "dev", "../dev"], repository)
    assert str(raised.value) == "No file in stacks/ for test, ../dev. Choose from dev, eu.west, prod."


@pytest.mark.parametrize("config", [None, [], "text", {}])
def test_a_stack_file_without_config_has_no_settings(config: object, repository: Path) -> None:
    write(repository, {"config": config})
    assert read_settings(repository, "dev") == {}


def test_the_settings_of_a_stack_are_those_of_its_file_that_are_the_projects_own(repository: Path) -> None:
    write(repository, {"config": {"routes:gateway": {"name": "edge"}, "other:providers": {"a": {}}, 5: 1}})
    write(repository, {"config": {"routes:providers": {"b": {"apiKey": "key"}}}}, "prod")
    assert read_settings(repository, "dev") == {"gateway": {"name": "edge"}}
    assert read_settings(repository, "prod") == {"providers": {"b": {"apiKey": "key"}}}


@pytest.mark.parametrize("default", ["{value: llm}", "{default: llm}", "llm"])
def test_a_namespace_for_all_stacks_is_that_of_one_that_names_none(default: str, repository: Path) -> None:
    (repository / "Pulumi.yaml").write_text(f"name: routes\nruntime: python\nconfig:\n  routes:namespace: {default}\n")
    write(repository, {"config": {"routes:providers": {"a": {}}}})
    write(repository, {"config": {"routes:namespace": "own", "routes:providers": {"a": {}}}}, "prod")
    assert read_settings(repository, "dev")["namespace"] == "llm"
    assert read_settings(repository, "prod")["namespace"] == "own"


def test_a_project_file_without_a_name_is_told(repository: Path) -> None:
    assert project_name(repository) == "routes"
    (repository / "Pulumi.yaml").write_text("runtime: python\n")
    with pytest.raises(LocalError, match=r"^Pulumi\.yaml has no `name`\. Give the project one\.$"):
        project_name(repository)


def test_a_stack_whose_file_is_gone_has_no_settings(repository: Path) -> None:
    assert read_settings(repository, "gone") == {}


@pytest.mark.parametrize("main", ["repository", "./repository/", "repository/../repository"])
def test_a_project_above_the_clone_that_runs_its_program_is_found(main: str, repository: Path) -> None:
    write_project_above(repository, {"name": "routes", "main": main})
    assert find_own_project(repository) == repository.parent


@pytest.mark.parametrize(
    "content", [None, {"name": "other"}, {"main": "other"}, {"main": "."}, {"main": ["x"]}, "a: b: c"]
)
def test_another_project_above_the_clone_is_not(content: object, repository: Path) -> None:
    if content is not None:
        write_project_above(repository, content)
    assert find_own_project(repository) is None


def write_project_above(repository: Path, content: object) -> None:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (repository.parent / "Pulumi.yaml").write_text(text)
