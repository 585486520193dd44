"""Takes the CustomResourceDefinitions out of a Helm chart."""

import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from local.control_plane.custom_resource_definitions import parse
from local.errors import LocalError

_FOLDERS = ("crds", "templates")
# Whole lines that add a value, such as kgateway's `annotations`, to a definition.
_OPTIONAL = re.compile(r"^ *\{\{-? with \.Values\.(\w+) \}\}\n(?:.*\n)*? *\{\{-? end \}\}\n", re.MULTILINE)


def extract_definitions(reference: str, archive: Path, folder: Path) -> None:
    """Writes the files with definitions into a folder, as Helm would render them with the chart's own values.

    Raises:
        LocalError: The chart has no definitions, or they need Helm.
    """
    try:
        files = dict(_yaml_files(archive))
    except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
        raise LocalError(f"The chart {reference} can't be read: {error}") from None
    values = _values(files.pop("values.yaml", ""))
    folder.mkdir()
    for name, text in files.items():
        plain = _OPTIONAL.sub(lambda block: block[0] if values.get(block[1]) else "", text)
        if "{{" in plain:
            raise LocalError(
                f"{name} in the chart {reference} has directives that need Helm, and nothing here renders them. Render "
                "the chart with `helm template`, and use GATEWAY_ASSETS: docs/gateway.md says how."
            )
        if "kind: CustomResourceDefinition" in plain:
            (folder / name.replace("/", "-")).write_text(plain)
    try:
        if not any(parse(folder.iterdir())):
            raise LocalError(f"The chart {reference} has no CustomResourceDefinitions.")
    except yaml.YAMLError as error:
        raise LocalError(f"The chart {reference} has a definition that is not valid YAML: {error}") from None


def _yaml_files(archive: Path) -> Iterator[tuple[str, str]]:
    """Yields name and text of the chart's values and of the files that may have definitions."""
    with tarfile.open(archive) as members:
        for member in members:
            path = list(PurePosixPath(member.name).parts[1:])
            is_yaml = path and path[-1].endswith((".yaml", ".yml"))
            wanted = path == ["values.yaml"] or (len(path) > 1 and path[0] in _FOLDERS and is_yaml)
            if wanted and member.isfile() and (content := members.extractfile(member)):
                yield "/".join(path), content.read().decode()


def _values(text: str) -> Mapping[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        values = None
    return values if isinstance(values, dict) else {}
