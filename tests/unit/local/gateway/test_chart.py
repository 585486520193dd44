"""The definitions in a Helm chart."""

from pathlib import Path

import pytest
import yaml

from local.errors import LocalError
from local.gateway.chart import extract_definitions
from tests.support.registry import DEFINITION, tar_gz

CHART = "registry.test/charts/crds:v1"
BACKENDS = DEFINITION.format("backends.example.com")
# As in kgateway's newer charts.
ANNOTATED = BACKENDS.replace(
    "metadata:\n",
    "metadata:\n  annotations:\n    {{- with .Values.annotations }}\n    {{- toYaml . | nindent 4 }}\n"
    "    {{- end }}\n    a: b\n",
)


def definitions(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Returns the files that are taken from a chart."""
    (folder / "chart").write_bytes(tar_gz({f"crds-chart/{name}": text.encode() for name, text in files.items()}))
    extract_definitions(CHART, folder / "chart", folder / "crds")
    return {each.name: each.read_text() for each in (folder / "crds").iterdir()}


def test_the_definitions_in_crds_and_templates_are_taken_as_they_are(tmp_path: Path) -> None:
    files = {
        "Chart.yaml": "name: crds",
        "crds/backends.yaml": BACKENDS,
        "templates/policies.yml": BACKENDS,
        "templates/NOTES.txt": "{{ .Chart.Name }}",
        "charts/other/templates/more.yaml": BACKENDS,
        "templates/account.yaml": "kind: ServiceAccount",
    }
    assert definitions(tmp_path, files) == {"crds-backends.yaml": BACKENDS, "templates-policies.yml": BACKENDS}


@pytest.mark.parametrize("values", ["annotations: {}\n", "# nothing\n"])
def test_a_value_that_the_chart_leaves_empty_adds_nothing(tmp_path: Path, values: str) -> None:
    (taken,) = definitions(tmp_path, {"values.yaml": values, "templates/backends.yaml": ANNOTATED}).values()
    expected = {**yaml.safe_load(BACKENDS)["metadata"], "annotations": {"a": "b"}}
    assert yaml.safe_load(taken)["metadata"] == expected


@pytest.mark.parametrize(
    "files",
    [
        {"values.yaml": "annotations: {c: d}", "templates/backends.yaml": ANNOTATED},
        {"templates/backends.yaml": BACKENDS + "  labels: {{ .Values.labels }}\n"},
        {"templates/backends.yaml": "{{- if .Values.backends }}\n" + BACKENDS + "{{- end }}\n"},
    ],
)
def test_other_directives_are_refused(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(LocalError) as refused:
        definitions(tmp_path, files)
    assert str(refused.value).startswith(
        f"templates/backends.yaml in the chart {CHART} has directives that need Helm, and nothing here renders them."
    )


def test_a_chart_without_definitions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"has no CustomResourceDefinitions\.$"):
        definitions(tmp_path, {"templates/account.yaml": "kind: ServiceAccount"})


def test_a_chart_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chart").write_bytes(b"no archive")
    with pytest.raises(LocalError, match=f"^The chart {CHART} can't be read: "):
        extract_definitions(CHART, tmp_path / "chart", tmp_path / "crds")


def test_an_archive_that_begins_with_its_own_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "chart").write_bytes(tar_gz({"./": "", "./crds-chart/crds/backends.yaml": BACKENDS.encode()}))
    extract_definitions(CHART, tmp_path / "chart", tmp_path / "crds")
    assert (tmp_path / "crds/crds-backends.yaml").read_text() == BACKENDS


def test_a_definition_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=f"^The chart {CHART} has a definition that is not valid YAML: "):
        definitions(tmp_path, {"crds/backends.yaml": "kind: CustomResourceDefinition\n  a: : [\n"})
