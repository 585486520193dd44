"""Writes the software bill of materials in CycloneDX: packages that run, and those that build the local control plane.

Versions and hashes come from the requirements files, and from go.mod with go.sum. cyclonedx-py adds the licences and
dependencies of the installed packages. Packages for developers only are left out. Go modules are read here, because
cyclonedx-gomod downloads the source of each module, and refuses one without packages.
"""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packageurl import PackageURL

from components.openai_compatible_llm import __version__
from local.messages import show_messages
from local.toolchain.go import TOOLCHAIN, ensure_go
from tools.schema import PROJECT, REPOSITORY

PINNED = re.compile(r"^([\w.-]+)==(\S+)((?:\s+\\\s+--hash=sha256:\w+)+)", re.M)

Json = dict[str, Any]


def main(file: Path) -> None:
    """Writes the bill of materials to this file. The same pins and installed packages give the same bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill_of_materials(), indent=2) + "\n")


def bill_of_materials() -> Json:
    """Returns the bill of materials.

    The component's packages have the scope `required`, the policy pack's `optional`; `excluded` ones build the local
    control plane.
    """
    bom = _environment(Path(sys.prefix), "--pyproject", PROJECT, "--mc-type", "library")
    # cyclonedx-py leaves it out, as pyproject.toml doesn't have it.
    bom["metadata"]["component"]["version"] = __version__
    policy = REPOSITORY / "policy/.venv"
    installed = [*(_environment(policy)["components"] if policy.exists() else []), *bom["components"]]
    described = {each["purl"]: each for each in installed}
    required = list(_python_packages("requirements.txt"))
    components: dict[str, Json] = {}
    for scope, pinned in {
        "required": required,
        "optional": _python_packages("policy/requirements.txt"),
        "excluded": [*_python_packages("local/toolchain/go/requirements.txt"), *_go_modules()],
    }.items():
        for each in pinned:
            # A package that is pinned several times has the first scope.
            components.setdefault(each["purl"], described.get(each["purl"], {}) | each | {"scope": scope})
    bom["dependencies"] = list(_dependencies(bom, [each["purl"] for each in required]))
    bom["components"] = list(components.values())
    return bom


def _environment(folder: Path, *options: str) -> Json:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate", *options]
    done = subprocess.run([*command, str(folder)], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    bom: Json = json.loads(done.stdout)
    return bom


def _dependencies(environment: Json, required: list[str]) -> Iterator[Json]:
    """Yields the dependencies of the required packages, without those that aren't installed here."""
    purls = {each["bom-ref"]: each["purl"] for each in environment["components"]}
    direct = re.findall(r"^([\w.-]+)==", (REPOSITORY / "requirements.in").read_text(), re.M)
    root = environment["metadata"]["component"]["bom-ref"]
    yield {"ref": root, "dependsOn": [purl for purl in required if PackageURL.from_string(purl).name in direct]}
    for each in environment["dependencies"]:
        if purls.get(each["ref"]) in required:
            needs = (purls[ref] for ref in each.get("dependsOn", []))
            yield {"ref": purls[each["ref"]], "dependsOn": [purl for purl in needs if purl in required]}


def _python_packages(file: str) -> Iterator[Json]:
    """Yields the pinned packages with the hashes of all files of a release, of which pip installs one."""
    for name, version, hashes in PINNED.findall((REPOSITORY / file).read_text()):
        yield _component("pypi", name, version, re.findall(r"sha256:(\w+)", hashes))


def _go_modules() -> Iterator[Json]:
    """Yields the pinned modules with the hash of each one's content in go.sum, written as cyclonedx-gomod does."""
    go = ensure_go()
    for file in sorted(TOOLCHAIN.glob("*/go.mod")):
        command = [str(go.program), "mod", "edit", "-json", str(file)]
        module = json.loads(subprocess.run(command, env=go.environment, capture_output=True, check=True).stdout)
        replaced = {each["Old"]["Path"]: each["New"] for each in module.get("Replace") or []}
        sums = dict(line.rsplit(" ", 1) for line in file.with_name("go.sum").read_text().splitlines())
        for each in module["Require"]:
            used = replaced.get(each["Path"], each)
            content_hash = base64.b64decode(sums[f"{used['Path']} {used['Version']}"].removeprefix("h1:")).hex()
            yield _component("golang", used["Path"], used["Version"], [content_hash])


def _component(ecosystem: str, name: str, version: str, hashes: list[str]) -> Json:
    purl = PackageURL.from_string(f"pkg:{ecosystem}/{name}@{version}").to_string()
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
        "purl": purl,
    }


if __name__ == "__main__":
    show_messages()
    main(Path(sys.argv[1]))
