"""Copies the Pulumi project for the engine, which writes to stack files, and reads the copy."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError
from local.folders import REPOSITORY, write_private
from local.stack_files import Settings

# Settings that refer to the user's secrets or services.
SECRETS_SETTINGS = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
# Settings of the Kubernetes provider that would make it use the user's cluster, in both spellings.
CLUSTER_SETTINGS = re.compile(r"kubernetes:(config:)?(cluster|clusterIdentifier|context|kubeconfig)")


def copy_project(folder: Path, names: Iterable[str], repository: Path = REPOSITORY) -> None:
    """Copies Pulumi.yaml and the files of these stacks, without secrets and without settings that name a cluster.

    Raises:
        LocalError: A file can't be read.
    """
    (folder / "stacks").mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = _without_user_settings(_read(repository / "Pulumi.yaml"))
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    for name in names:
        write_stack(folder, name, _without_user_settings(_read(_stack_file(repository, name))))


def write_stack(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    """Writes the file of a stack into the copy. One that is there keeps the salt that the engine wrote to it."""
    file, salt = _stack_file(folder, name), {}
    with suppress(FileNotFoundError, KeyError, LocalError):
        salt = {"encryptionsalt": _read(file)["encryptionsalt"]}
    write_private(file, yaml.safe_dump({**content, **salt}, sort_keys=False))


def stack_names(repository: Path = REPOSITORY) -> list[str]:
    """Returns the names of the stacks that have a file."""
    return sorted(
        file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in repository.glob("stacks/Pulumi.*.yaml")
    )


def refuse_unknown(names: Iterable[str], repository: Path = REPOSITORY) -> None:
    """Raises LocalError if one of these stacks has no file."""
    choices = stack_names(repository)
    unknown = [name for name in names if name not in choices]
    if unknown:
        raise LocalError(f"No file in stacks/ for {', '.join(unknown)}. Choose from {', '.join(choices)}.")


def find_own_project(clone: Path) -> Path | None:
    """Returns the folder above the clone if it is a project that runs the clone's program, or else None."""
    folder = clone.parent
    with suppress(OSError, LocalError):
        main = _read(folder / "Pulumi.yaml").get("main")
        if isinstance(main, str) and (folder / main).resolve() == clone.resolve():
            return folder
    return None


def project_name(folder: Path) -> str:
    name = _read(folder / "Pulumi.yaml").get("name")
    if not name:
        raise LocalError("Pulumi.yaml has no `name`. Give the project one.")
    return str(name)


def read_settings(folder: Path, stack: str) -> Settings:
    """Returns the settings of a stack, completed by what Pulumi.yaml has for all; none if the stack's file is gone."""
    if not _stack_file(folder, stack).exists():
        return {}
    files = (folder / "Pulumi.yaml", _stack_file(folder, stack))
    of_project, of_stack = (config if isinstance(config := _read(file).get("config"), dict) else {} for file in files)
    defaults = {
        key: each.get("value", each.get("default")) if isinstance(each, dict) else each
        for key, each in of_project.items()
    }
    prefix, settings = f"{project_name(folder)}:", defaults | of_stack
    return {str(key).removeprefix(prefix): value for key, value in settings.items() if str(key).startswith(prefix)}


def _stack_file(folder: Path, name: str) -> Path:
    return folder / "stacks" / f"Pulumi.{name}.yaml"


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text()) or {}
        problem = "must be a mapping of settings, such as `config:` with settings below it."
        if isinstance(content, dict):
            return content
    except yaml.YAMLError as error:
        problem = f"is not valid YAML: {_problem(error)}."
    except UnicodeDecodeError:
        problem = "is not valid YAML: it is not UTF-8 text."
    name = f"stacks/{file.name}" if file.parent.name == "stacks" else file.name
    raise LocalError(f"{name} {problem}")


def _problem(error: yaml.YAMLError) -> str:
    """Returns what is wrong, and where, without quoting the file, which may hold a key."""
    mark = getattr(error, "problem_mark", None)
    where = f" at line {mark.line + 1}" if mark else ""
    problem = str(getattr(error, "problem", None) or "syntax error")
    if getattr(error, "context", None) == "while scanning an alias" or problem.startswith("found undefined alias"):
        return f'a * without quotes begins an alias{where}; write quotes around the text, as in "*-latest"'
    # The messages of these two quote the file.
    quotes = isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError)
    return f"{'syntax error' if quotes else problem}{where}"


def _without_user_settings(content: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _without_secrets(value) for key, value in content.items() if key not in SECRETS_SETTINGS}
    if isinstance(config := kept.get("config"), dict):
        kept["config"] = {key: value for key, value in config.items() if not CLUSTER_SETTINGS.fullmatch(str(key))}
    return kept


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(each) for key, each in value.items() if not _is_secret(each)}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value if not _is_secret(each)]
    return value


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}
