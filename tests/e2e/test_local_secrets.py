"""A key that `make up` is given is found where it belongs, and nowhere else."""

import base64
import os
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from local.binaries import find_or_build
from tests.e2e.clone import Clone, Done, Running, fresh_clone
from tests.e2e.cluster import api_key

FIRST = f"sk-canary-{secrets.token_hex(12)}"
SECOND = f"sk-canary-{secrets.token_hex(12)}"


def spellings(key: str) -> list[bytes]:
    """In plain, and as any base64 has it that goes on before and after it."""
    found = [key.encode()]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + key.encode())
        # The characters at both ends hold bits of the neighbours.
        found.append(encoded[(0, 2, 3)[before] : -4])
    return found


NEEDLES = [*spellings(FIRST), *spellings(SECOND)]


def holds_a_key(content: bytes) -> bool:
    return any(needle in content for needle in NEEDLES)


def files_with_a_key(folder: Path, leaving_out: Iterable[Path] = ()) -> list[Path]:
    left_out = tuple(leaving_out)
    files = (file for file in folder.rglob("*") if file.is_file())
    looked_at = (file for file in files if not any(map(file.is_relative_to, left_out)))
    return [file for file in looked_at if holds_a_key(file.read_bytes())]


def watch(running: Running) -> tuple[Done, dict[str, set[bytes]]]:
    """Command lines and environments of all that it starts, by the program's name."""
    seen: dict[str, set[bytes]] = {}
    own = Path("/proc", str(running.process.pid), "cmdline").read_bytes()
    while running.process.poll() is None:
        try:
            children = psutil.Process(running.process.pid).children(recursive=True)
        except psutil.Error:
            break
        for child in children:
            folder = Path("/proc", str(child.pid))
            try:
                command, environment = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
                # Until it has become another program, a child is the command itself, with what the user gave it.
                if command != own:
                    seen.setdefault(child.name(), set()).update((command, environment))
            except (psutil.Error, OSError):
                continue
        time.sleep(0.01)
    return running.end(), seen


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        yield clone


@pytest.fixture(scope="module")
def up(clone: Clone) -> tuple[Done, dict[str, set[bytes]]]:
    done, seen = watch(clone.start("up", "mistral", keys={"MISTRAL_API_KEY": FIRST}))
    assert done.status == 0, done.printed
    return done, seen


@pytest.mark.parametrize("text", ["{}", "x{}", "xy{}", "xyz{}", "Bearer {}\n", '{{"key": "{}"}}'])
def test_the_search_finds_a_key_however_it_is_wrapped(text: str, tmp_path: Path) -> None:
    wrapped = text.format(SECOND).encode()
    assert holds_a_key(wrapped)
    assert holds_a_key(base64.b64encode(wrapped))
    assert not holds_a_key(base64.b64encode(text.format("sk-canary-another").encode()))
    file = tmp_path / "deep/file"
    file.parent.mkdir()
    file.write_bytes(wrapped)
    assert files_with_a_key(tmp_path) == [file]
    assert files_with_a_key(tmp_path, leaving_out=[file.parent]) == []


def test_up_prints_no_key_and_hands_none_to_a_process(up: tuple[Done, dict[str, set[bytes]]]) -> None:
    done, seen = up
    assert not holds_a_key(done.printed.encode())
    # They were looked at: the engine, its provider, and the servers.
    assert {"pulumi", "etcd", "kube-apiserver", "kube-controller-manager"} <= set(seen)
    provider = [told for texts in seen.values() for told in texts if b"kubernetes_provider" in told]
    assert provider or any(b"pulumi-resource-kubernetes" in told for texts in seen.values() for told in texts)
    assert any(b"PULUMI_CONFIG_PASSPHRASE_FILE=" in told for told in seen["pulumi"])
    assert [name for name, texts in seen.items() if any(map(holds_a_key, texts))] == []


def test_a_preview_of_a_new_key_shows_that_it_is_new_and_not_what_it_is(clone: Clone, up: object) -> None:
    assert up
    done = clone.run("preview", "mistral", keys={"MISTRAL_API_KEY": SECOND})
    assert done.status == 0, done.printed
    assert "~ Authorization: [secret] => [secret]" in done.stdout
    assert not holds_a_key(done.printed.encode())


def test_no_file_has_a_key_but_those_of_etcd(clone: Clone, up: object) -> None:
    assert up
    with clone.cluster() as cluster:
        assert api_key(cluster.objects("mistral")) == FIRST
    assert files_with_a_key(clone.state.etcd)
    assert files_with_a_key(clone.folder, leaving_out=[clone.state.etcd]) == []
    assert files_with_a_key(clone.home) == []
    assert files_with_a_key(clone.temporary) == []


def test_the_state_has_the_key_encrypted(clone: Clone, up: object) -> None:
    assert up
    exported = export(clone)
    assert b'"ciphertext":' in exported
    assert not holds_a_key(exported)
    assert holds_a_key(export(clone, "--show-secrets"))


def export(clone: Clone, *options: str) -> bytes:
    environment = os.environ | {
        "PULUMI_BACKEND_URL": clone.state.pulumi_state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(clone.state.pulumi_passphrase),
        "PULUMI_HOME": str(clone.state.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = [str(find_or_build(print).pulumi), "stack", "export", "-s", "mistral", *options]
    return subprocess.run(
        command, cwd=clone.state.pulumi_project, env=environment, capture_output=True, check=True
    ).stdout


def test_the_last_commands_print_no_key(clone: Clone, up: object) -> None:
    assert up
    for command in ("status", "down"):
        done = clone.run(command, keys={"MISTRAL_API_KEY": SECOND})
        assert done.status == 0, done.printed
        assert not holds_a_key(done.printed.encode())
    assert files_with_a_key(clone.folder) == []
    assert files_with_a_key(clone.temporary) == []
