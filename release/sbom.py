"""Writes the software bill of materials, in CycloneDX: what runs, and what the local control plane is built from.

All of it is taken from where versions and hashes are pinned: requirements files, and go.mod with go.sum. What only
developers use is left out.
"""

import base64
import importlib.metadata
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.go import TOOLCHAIN, Go, have_go

REPOSITORY = Path(__file__).resolve().parents[1]


def bill_of_materials(go: Go) -> Bom:
    """The component's own packages are required, the policy pack's optional; the local toolchain isn't for running."""
    project = tomllib.loads((REPOSITORY / "components/pyproject.toml").read_text())["project"]
    required = list(_python_packages(REPOSITORY / "requirements.txt", ComponentScope.REQUIRED))
    others = [
        *_python_packages(REPOSITORY / "policy/requirements.txt", ComponentScope.OPTIONAL),
        *_python_packages(TOOLCHAIN / "go/requirements.txt", ComponentScope.EXCLUDED),
        *(each for file in sorted(TOOLCHAIN.glob("*/go.mod")) for each in _go_modules(go, file.parent)),
    ]
    bom = Bom()
    bom.metadata.tools.components.add(this_component())
    bom.metadata.component = _root(project)
    # Of a package that stands in several places at one version, the first place says what it is for.
    bom.components = {each.bom_ref.value: each for each in reversed([*required, *others])}.values()
    locked: dict[str, Component] = {canonicalize_name(each.name): each for each in required}
    bom.register_dependency(bom.metadata.component, _among(locked, project["dependencies"]))
    for each in required:
        bom.register_dependency(each, _among(locked, _requirements_of(each.name)))
    return bom


def as_json(bom: Bom) -> str:
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def _root(project: Mapping[str, Any]) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=f"{project['name']}@{project['version']}",
        name=project["name"],
        version=project["version"],
        description=project["description"],
        licenses=[LicenseExpression(project["license"])],
    )


def _requirements_of(package: str) -> list[str]:
    """As its metadata has them; none where it isn't for this machine."""
    try:
        return importlib.metadata.requires(package) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _among(locked: Mapping[str, Component], requirements: Iterable[str]) -> list[Component]:
    """Those that are locked; others are for other machines, or extras that nobody asked for."""
    names = (canonicalize_name(Requirement(each).name) for each in requirements if "extra ==" not in each)
    return [locked[name] for name in names if name in locked]


def _python_packages(file: Path, scope: ComponentScope) -> Iterator[Component]:
    """With the hashes of all the files of a release, of which pip installs one."""
    for line in file.read_text().replace("\\\n", " ").splitlines():
        pinned, *hashes = line.split(" --hash=sha256:")
        if pinned and not pinned.startswith("#"):
            requirement = Requirement(pinned)
            (version,) = (each.version for each in requirement.specifier)
            yield _component(PackageURL("pypi", name=requirement.name, version=version), hashes, scope)


def _go_modules(go: Go, folder: Path) -> Iterator[Component]:
    """With the hash that go.sum has of a module's content, written as cyclonedx-gomod does."""
    command = [str(go.program), "mod", "edit", "-json"]
    answer = subprocess.run(command, cwd=folder, env=go.environment, capture_output=True, check=True)
    module = json.loads(answer.stdout)
    replaced = {each["Old"]["Path"]: each["New"] for each in module.get("Replace") or []}
    sums = dict(line.rsplit(" ", 1) for line in (folder / "go.sum").read_text().splitlines())
    for each in module["Require"]:
        used: dict[str, Any] = replaced.get(each["Path"], each)
        namespace, _, name = used["Path"].rpartition("/")
        content_hash = base64.b64decode(sums[f"{used['Path']} {used['Version']}"].removeprefix("h1:")).hex()
        purl = PackageURL("golang", namespace, name, used["Version"])
        yield _component(purl, [content_hash], ComponentScope.EXCLUDED, name=used["Path"])


def _component(purl: PackageURL, hashes: Iterable[str], scope: ComponentScope, name: str | None = None) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        name=name or purl.name,
        version=purl.version,
        scope=scope,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content.strip()) for content in hashes],
        purl=purl,
    )


def main(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_json(bill_of_materials(have_go(print))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
