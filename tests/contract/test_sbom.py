"""The bill of materials is valid CycloneDX, and complete."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from components.openai_compatible_llm import __version__
from local.toolchain.go import TOOLCHAIN
from tests.support.repository import REPOSITORY
from tools import sbom

PINNED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sbom") / "build/sbom.cdx.json"
    sbom.main(file)
    return file


@pytest.fixture(scope="module")
def bill(file: Path) -> dict[str, Any]:
    bill: dict[str, Any] = json.loads(file.read_text())
    return bill


def named(bill: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [each for each in bill["components"] if each["name"] == name]


def hashes(component: dict[str, Any]) -> set[str]:
    return {each["content"] for each in component["hashes"] if each["alg"] == "SHA-256"}


def test_it_is_valid_cyclonedx(file: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) is None


def test_the_same_pins_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    sbom.main(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_it_is_of_the_version_that_is_released(bill: dict[str, Any]) -> None:
    described = bill["metadata"]["component"]
    assert (described["name"], described["version"]) == ("openai-compatible-llm", __version__)


def test_it_names_the_licences_that_packages_declare(bill: dict[str, Any]) -> None:
    declared = [bill["metadata"]["component"], *named(bill, "pulumi"), *named(bill, "pulumi-kubernetes")]
    assert [each["licenses"][0]["license"]["id"] for each in declared] == ["Apache-2.0"] * 3
    required = [each for each in bill["components"] if each["scope"] == "required"]
    # The metadata of protobuf names none.
    assert [each["name"] for each in required if "licenses" not in each] == ["protobuf"]


def test_it_has_every_required_package_with_the_hashes_that_pip_checks(bill: dict[str, Any]) -> None:
    requirements = (REPOSITORY / "requirements.txt").read_text()
    pinned = {(name.lower(), version) for name, version in PINNED.findall(requirements)}
    required = [each for each in bill["components"] if each["scope"] == "required"]
    assert {(each["name"], each["version"]) for each in required} == pinned
    assert {f"pkg:pypi/{name}@{version}" for name, version in pinned} == {each["purl"] for each in required}
    assert set.union(*map(hashes, required)) == set(re.findall(r"--hash=sha256:(\w+)", requirements))
    assert all(map(hashes, required))


def test_it_has_the_dependencies_between_packages(bill: dict[str, Any]) -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    (pulumi,), (kubernetes,) = named(bill, "pulumi"), named(bill, "pulumi-kubernetes")
    assert sorted(needs[bill["metadata"]["component"]["bom-ref"]]) == sorted([pulumi["bom-ref"], kubernetes["bom-ref"]])
    assert pulumi["bom-ref"] in needs[kubernetes["bom-ref"]]

    reached, ahead = set(), [bill["metadata"]["component"]["bom-ref"]]
    while ahead:
        reached.add(here := ahead.pop())
        ahead += set(needs[here]) - reached
    assert reached >= {each["bom-ref"] for each in bill["components"] if each["scope"] == "required"}


def test_it_has_the_go_modules_of_the_local_control_plane_and_no_replaced_ones(
    bill: dict[str, Any],
) -> None:
    modules = {(each["name"], each["version"]): each for each in bill["components"] if "pkg:golang/" in each["purl"]}
    assert {each["scope"] for each in modules.values()} == {"excluded"}
    for name in (
        "k8s.io/kubernetes",
        "go.etcd.io/etcd/server/v3",
        "sigs.k8s.io/gateway-api",
        "github.com/pulumi/pulumi/pkg/v3",
        "github.com/pulumi/pulumi-kubernetes/provider/v4",
    ):
        assert [each for each in modules if each[0] == name], name
    # Pinned by a replacement: go.mod asks for v0.0.0 of the one, and for another module than the other.
    assert {version for name, version in modules if name == "k8s.io/apiserver"} == {"v0.35.0"}
    assert [name for name, _ in modules if name == "github.com/tgummerer/clipboard"]

    lines = [line for file in TOOLCHAIN.glob("*/go.sum") for line in file.read_text().splitlines()]
    content = {tuple(line.split()[:2]) for line in lines}
    assert set(modules) < content
    assert all(len(hashes(each)) == 1 for each in modules.values())


def test_it_has_the_policy_packs_packages_and_no_developers_ones(bill: dict[str, Any]) -> None:
    (policies,) = named(bill, "pulumi-policy")
    assert policies["scope"] == "optional"
    assert {each["scope"] for each in named(bill, "protobuf")} == {"required", "optional"}
    assert named(bill, "pytest") == []
