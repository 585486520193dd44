"""A copy of the Pulumi project to which the engine may write, so that the user's own stack files stay as they are."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from local.errors import LocalError
from local.folders import REPOSITORY, write_private

# What ties a stack file to secrets or services of its user, which are no business of this machine's control plane.
USERS_OWN = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")


def copy_project(folder: Path, repository: Path = REPOSITORY) -> None:
    """Copies Pulumi.yaml and the stack files, without their secrets. A copy keeps the salt that the engine gave it."""
    stacks = folder / "stacks"
    stacks.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(repository / "Pulumi.yaml", folder / "Pulumi.yaml")
    for file in sorted((repository / "stacks").glob("Pulumi.*.yaml")):
        content = _without_secrets(_read(file))
        copy = stacks / file.name
        salt = _read(copy).get("encryptionsalt") if copy.exists() else None
        write_private(copy, yaml.safe_dump(content | ({"encryptionsalt": salt} if salt else {}), sort_keys=False))


def stack_names(folder: Path) -> list[str]:
    """The stacks that have a file in the copy."""
    return sorted(
        file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in folder.glob("stacks/Pulumi.*.yaml")
    )


def providers_without_key(folder: Path, stack: str) -> list[str]:
    """Names under `providers` in a stack's file, of those that have no `apiKey` there."""
    config = _read(folder / "stacks" / f"Pulumi.{stack}.yaml").get("config") or {}
    providers = config.get(f"{project_name(folder)}:providers")
    if not isinstance(providers, dict):
        return []
    return [name for name, given in providers.items() if not (isinstance(given, dict) and "apiKey" in given)]


def project_name(folder: Path) -> str:
    return str(_read(folder / "Pulumi.yaml")["name"])


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise LocalError(f"stacks/{file.name} is not YAML: {_place(error)}") from None
    if content is not None and not isinstance(content, dict):
        raise LocalError(f"stacks/{file.name} is no group of settings; it begins with `config:`.")
    return content or {}


def _place(error: yaml.YAMLError) -> str:
    """Where the error is, without the text there, which may be a key."""
    mark = getattr(error, "problem_mark", None)
    where = f" at line {mark.line + 1}" if mark else ""
    return f"{getattr(error, 'problem', None) or 'it can not be read'}{where}"


def _without_secrets(content: dict[str, Any]) -> dict[str, Any]:
    return {key: _revealed(value) for key, value in content.items() if key not in USERS_OWN}


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _revealed(each) for key, each in value.items() if not _is_secret(each)}
    return value


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}
