import json
from pathlib import Path
from typing import Any

import pytest

from local.engine.checkpoints import SIGNATURE, Checkpoint, checkpoints
from local.errors import LocalError

SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


def write(backend: Path, latest: dict[str, Any] | None, stack: str = "dev") -> None:
    file = backend / f".pulumi/stacks/routes/{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": stack, "latest": latest}}))
    file.with_suffix(".json.bak").write_text("no checkpoint")


def resource(kind: str, api_version: str, name: str) -> dict[str, Any]:
    inputs = {"apiVersion": api_version, "kind": kind}
    return {"type": f"kubernetes:{api_version}:{kind}", "id": name, "inputs": inputs}


def only(backend: Path) -> Checkpoint:
    [checkpoint] = checkpoints(backend)
    return checkpoint


def test_objects_and_plain_outputs_are_what_the_engine_wrote(tmp_path: Path) -> None:
    outputs = {"plain": {"path": "/a"}, "secret": SECRET, "holds": {"one": [SECRET]}}
    stack = {"type": "pulumi:pulumi:Stack", "outputs": outputs}
    backend = resource("Backend", "gateway.kgateway.dev/v1alpha1", "gloo-system/a")
    chart = {"type": "kubernetes:helm.sh/v4:Chart", "inputs": {"chart": "c"}}
    provider = {"type": "pulumi:providers:kubernetes", "id": "b", "inputs": {}}
    write(tmp_path, {"resources": [stack, provider, backend, resource("Namespace", "v1", "n"), chart]})
    checkpoint = only(tmp_path)
    assert checkpoint.stack == "dev"
    assert [(each.api_version, str(each), each.id) for each in checkpoint.objects] == [
        ("gateway.kgateway.dev/v1alpha1", "Backend gloo-system/a", "gloo-system/a"),
        ("v1", "Namespace n", "n"),
    ]
    assert checkpoint.outputs == {"plain": {"path": "/a"}}
    assert not checkpoint.has_pending_operations


@pytest.mark.parametrize("latest", [None, {}, {"resources": None}, {"resources": [{"type": "pulumi:pulumi:Stack"}]}])
def test_a_stack_in_which_nothing_is_has_nothing(latest: dict[str, Any] | None, tmp_path: Path) -> None:
    write(tmp_path, latest)
    checkpoint = only(tmp_path)
    assert (checkpoint.objects, checkpoint.outputs, checkpoint.has_pending_operations) == ([], {}, False)


def test_an_operation_that_was_cut_off_is_seen(tmp_path: Path) -> None:
    write(tmp_path, {"pending_operations": [{"type": "creating"}]})
    assert only(tmp_path).has_pending_operations


def test_stacks_are_found_in_order_and_none_where_there_is_no_backend(tmp_path: Path) -> None:
    for stack in ("prod", "dev"):
        write(tmp_path, {}, stack)
    assert [each.stack for each in checkpoints(tmp_path)] == ["dev", "prod"]
    assert checkpoints(tmp_path / "nowhere") == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"checkpoint": null}', "\x00\x00"])
def test_a_damaged_checkpoint_asks_for_down(content: str, tmp_path: Path) -> None:
    write(tmp_path, {})
    checkpoint = only(tmp_path)
    checkpoint.file.write_text(content)
    with pytest.raises(LocalError, match=r"can't be read\. Run `make down` to remove everything"):
        _ = checkpoint.objects


@pytest.mark.parametrize("half", ["", '{"version": 3, "checkpoint": {"sta', "null"])
def test_what_the_engine_had_no_room_to_write_is_as_in_its_backup(tmp_path: Path, half: str) -> None:
    write(tmp_path, {"resources": [resource("Namespace", "v1", "a")]})
    file = only(tmp_path).file
    file.with_name(f"{file.name}.bak").write_text(file.read_text())
    assert not only(tmp_path).repair()
    file.write_text(half)
    assert only(tmp_path).repair()
    assert [str(each) for each in only(tmp_path).objects] == ["Namespace a"]


def test_without_a_whole_backup_nothing_is_put_in_place(tmp_path: Path) -> None:
    write(tmp_path, None)
    file = only(tmp_path).file
    file.write_text("")
    assert not only(tmp_path).repair()
    assert file.read_text() == ""
