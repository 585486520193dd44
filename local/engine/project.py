"""A copy of the Pulumi project to which the engine may write, so that the user's own stack files stay as they are."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from components.openai_compatible_llm import BackendApi
from components.openai_compatible_llm.backends import DEFAULT_API
from components.openai_compatible_llm.inputs import validators
from components.openai_compatible_llm.inputs.resolve import DEFAULT_GATEWAY, DEFAULT_NAMESPACE
from local.errors import LocalError
from local.folders import REPOSITORY, write_private
from local.gateway.references import GatewayReference
from stack_config import API, GATEWAY, NAMESPACE, PROVIDERS, needs_api_key

# What ties a stack file to secrets or services of its user, which are no business of this machine's control plane.
USERS_OWN = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
# What ties it to a cluster of its user: the Kubernetes provider would take that in place of the local control plane.
USERS_CLUSTER = ("cluster", "clusterIdentifier", "context", "kubeconfig")


def copy_project(folder: Path, names: Iterable[str], repository: Path = REPOSITORY) -> None:
    """Copies Pulumi.yaml and the files of these stacks, without secrets and without the names of clusters.

    A copy keeps the salt that the engine gave it.
    """
    (folder / "stacks").mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = _without_what_is_the_users(_read(repository / "Pulumi.yaml"))
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    for name in names:
        content = _without_what_is_the_users(_read(_stack_file(repository, name)))
        copy = _stack_file(folder, name)
        salt = _salt(copy)
        write_private(copy, yaml.safe_dump(content | ({"encryptionsalt": salt} if salt else {}), sort_keys=False))


def stack_names(repository: Path = REPOSITORY) -> list[str]:
    """The stacks that have a file."""
    return sorted(
        file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in repository.glob("stacks/Pulumi.*.yaml")
    )


def refuse_unknown(names: Iterable[str], repository: Path = REPOSITORY) -> None:
    """
    Raises:
        LocalError: Where a stack has no file.
    """
    known = stack_names(repository)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LocalError(f"There is no stack {', '.join(unknown)} in stacks/; there are {', '.join(known)}.")


def providers_without_key(folder: Path, stack: str) -> list[str]:
    """Names under `providers` in a stack's file, of those that leave their key to the environment."""
    return [str(name) for name, given in _providers(_config(folder, stack), folder).items() if needs_api_key(given)]


def namespaces(folder: Path, stack: str) -> set[str]:
    """Namespaces that a stack's file, or the project's for all stacks, names for objects; not what can't be one."""
    config = _config(folder, stack)
    named = [config.get(f"{project_name(folder)}:{NAMESPACE}")]
    named += [given.get(NAMESPACE) for given in _providers(config, folder).values() if isinstance(given, dict)]
    return {name for name in named if isinstance(name, str) and validators.namespace(name) is None}


def gateway_references(folder: Path, stack: str) -> list[GatewayReference]:
    """Returns the Gateways of a stack's providers, but of none whose Gateway or API the program will refuse."""
    if not _stack_file(folder, stack).exists():
        return []
    config = _config(folder, stack)
    project = project_name(folder)
    for_all = {key: config.get(f"{project}:{key}") for key in (API, NAMESPACE, GATEWAY)}
    references = []
    for provider, given in _providers(config, folder).items():
        args = for_all | _group(given)
        gateway = _group(args[GATEWAY])
        api = args[API] or DEFAULT_API
        name = gateway.get("name") or DEFAULT_GATEWAY
        namespace = gateway.get(NAMESPACE) or args[NAMESPACE] or DEFAULT_NAMESPACE
        texts = all(isinstance(each, str) for each in (api, name, namespace))
        if texts and api in set(BackendApi) and not (validators.object_name(name) or validators.namespace(namespace)):
            references.append(GatewayReference(stack, str(provider), str(api), namespace, name))
    return references


def project_name(folder: Path) -> str:
    name = _read(folder / "Pulumi.yaml").get("name")
    if not name:
        raise LocalError("Pulumi.yaml gives the project no name.")
    return str(name)


def _config(folder: Path, stack: str) -> dict[str, Any]:
    """The stack's, over what the project's file has for all stacks."""
    of_project, of_stack = (
        _group(_read(file).get("config")) for file in (folder / "Pulumi.yaml", _stack_file(folder, stack))
    )
    defaults = {
        key: each.get("value", each.get("default")) if isinstance(each, dict) else each
        for key, each in of_project.items()
    }
    return defaults | of_stack


def _providers(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    return _group(config.get(f"{project_name(folder)}:{PROVIDERS}"))


def _group(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _stack_file(folder: Path, name: str) -> Path:
    return folder / "stacks" / f"Pulumi.{name}.yaml"


def _salt(copy: Path) -> object:
    try:
        return _read(copy).get("encryptionsalt")
    except (FileNotFoundError, LocalError):
        return None


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise LocalError(f"{_shown(file)} is not YAML: {_problem(error)}.") from None
    except UnicodeDecodeError:
        raise LocalError(f"{_shown(file)} is not YAML: it is no text in UTF-8.") from None
    if content is not None and not isinstance(content, dict):
        raise LocalError(f"{_shown(file)} is no group of settings; a stack file begins with `config:`.")
    return content or {}


def _shown(file: Path) -> str:
    return f"{file.parent.name}/{file.name}" if file.parent.name == "stacks" else file.name


def _problem(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the text there, which may be a key."""
    mark = getattr(error, "problem_mark", None)
    where = f" at line {mark.line + 1}" if mark else ""
    # What these two complain about, they quote: a tag, or a name after `*`.
    quotes = isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError)
    problem = None if quotes else getattr(error, "problem", None)
    return f"{problem or 'it can not be read'}{where}"


def _without_what_is_the_users(content: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _revealed(value) for key, value in content.items() if key not in USERS_OWN}
    if isinstance(config := kept.get("config"), dict):
        kept["config"] = {key: value for key, value in config.items() if not _names_a_cluster(str(key))}
    return kept


def _names_a_cluster(key: str) -> bool:
    """Knows `kubernetes:context`, and the older spelling `kubernetes:config:context`."""
    package, *_, name = key.split(":")
    return package == "kubernetes" and name in USERS_CLUSTER


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _revealed(each) for key, each in value.items() if not _is_secret(each)}
    if isinstance(value, list):
        return [_revealed(each) for each in value if not _is_secret(each)]
    return value


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}
