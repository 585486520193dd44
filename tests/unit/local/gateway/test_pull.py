"""The download of a gateway, from a registry on loopback that mirrors the projects' own."""

import errno
import itertools
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.errors import LocalError
from local.gateway import registry as client
from local.gateway.assets import Assets
from local.gateway.images import RELEASES
from local.gateway.pull import ARCHITECTURES, ensure_gateway
from local.gateway.registry import Repository
from tests.support.http_server import Request
from tests.support.registry import (
    DEFINITION,
    TOKEN,
    Handler,
    Registry,
    bytes_of_another,
    digest,
    half,
    redirect,
    registry,
    silent,
    tar_gz,
)
from tests.support.repository import REPOSITORY

CONTROLLER, PROXY = b"\x7fELF controller", b"\x7fELF proxy"
AGENTGATEWAY = RELEASES["agentgateway"]
IMAGE = AGENTGATEWAY.controller
BACKENDS = DEFINITION.format("agentgatewaybackends.agentgateway.dev")
# `make up GATEWAY=agentgateway` with a state folder of its own.
UP = """
import pathlib, sys
from local.__main__ import main
from local.folders import StateFolder
StateFolder.of_this_clone = lambda: StateFolder(pathlib.Path(sys.argv[1]))
sys.exit(main(["up", "--gateway", "agentgateway", "mistral"]))
"""


@pytest.fixture
def upstream() -> Iterator[Registry]:
    """A registry that has both gateways."""
    with registry() as upstream:
        for api in RELEASES:
            upstream.publish_gateway(api, CONTROLLER, PROXY, {"backends.yaml": BACKENDS})
        yield upstream


def pull(upstream: Registry, api: str = "agentgateway") -> Assets:
    return Assets(ensure_gateway(api, {client.VARIABLE: upstream.url}) / api)


def fails_with(error: OSError) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def refusal(upstream: Registry) -> str:
    """Returns why the gateway can't be had, after checking that nothing of it was left."""
    with pytest.raises(LocalError) as refused:
        pull(upstream)
    folder = AGENTGATEWAY.folder("agentgateway")
    assert list(folder.iterdir()) == []
    return str(refused.value)


def kept(cache: Path) -> str:
    file = cache / "gateway-digests.txt"
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("api", RELEASES)
def test_the_programs_and_definitions_of_a_gateway_are_taken_from_its_images_and_chart(
    upstream: Registry, api: str
) -> None:
    assets = pull(upstream, api)
    assert assets.missing == []
    assert (assets.controller.read_bytes(), assets.proxy.read_bytes()) == (CONTROLLER, PROXY)
    assert [each["metadata"]["name"] for each in assets.definitions] == ["agentgatewaybackends.agentgateway.dev"]
    assert sorted(each.name for each in assets.folder.iterdir()) == ["controller", "crds", "proxy"]


def test_a_second_time_nobody_is_asked(upstream: Registry) -> None:
    first = pull(upstream)
    upstream.requests.clear()
    assert pull(upstream) == first
    assert upstream.requests == []


def test_only_the_layers_that_are_needed_are_downloaded(upstream: Registry) -> None:
    pull(upstream)
    lowest, program = upstream.layers(IMAGE.reference)
    assert program in upstream.paths()
    assert lowest not in upstream.paths()


def test_the_digests_are_shown_and_kept(upstream: Registry, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    pull(upstream)
    for reference in (IMAGE.reference, AGENTGATEWAY.proxy.reference, AGENTGATEWAY.chart):
        _, body = upstream.contents[upstream.path(reference, "manifests")]
        assert f"{reference} {digest(body)}\n" in kept(cache)
        assert f"Downloaded {reference}, whose digest is {digest(body)}" in caplog.messages


def test_a_tag_that_names_something_else_later_is_refused_until_its_line_is_removed(
    upstream: Registry, cache: Path
) -> None:
    assets = pull(upstream)
    before = kept(cache)
    assets.proxy.unlink()
    upstream.publish(IMAGE.reference, [tar_gz({IMAGE.program: b"another"})])
    _, body = upstream.contents[upstream.path(IMAGE.reference, "manifests")]
    with pytest.raises(LocalError) as refused:
        pull(upstream)
    message = str(refused.value)
    assert message.startswith(f"{IMAGE.reference} has changed since it was first downloaded: ")
    assert f"is {digest(body)} now" in message
    assert f"remove the line of {IMAGE.reference} from {cache}/gateway-digests.txt" in message
    (old,) = (line for line in before.splitlines() if line.startswith(f"{IMAGE.reference} "))
    assert old.split()[1] in message
    assert kept(cache) == before
    (cache / "gateway-digests.txt").write_text(before.replace(f"{old}\n", ""))
    assert pull(upstream).controller.read_bytes() == b"another"


def test_a_token_is_fetched_where_the_registry_asks_for_one(upstream: Registry) -> None:
    upstream.asks_for_token = True
    assert pull(upstream).missing == []
    assert any(path == "/token" for path in upstream.paths())


def test_a_registry_that_wants_credentials_is_named(upstream: Registry) -> None:
    upstream.replies[upstream.path(IMAGE.reference, "manifests")] = lambda handler, _: handler.answer(
        401, b"", www_authenticate='Basic realm="registry"'
    )
    assert "it wants credentials, and gives no token without them." in refusal(upstream)


def test_a_registry_that_refuses_a_token_ends_in_one_message_that_asks_for_no_password(
    upstream: Registry, capfd: pytest.CaptureFixture[str]
) -> None:
    upstream.replies["/denied"] = lambda handler, _: handler.answer(403, b"")
    upstream.replies[upstream.path(IMAGE.reference, "manifests")] = lambda handler, _: handler.answer(
        401, b"", www_authenticate=f'Bearer realm="{upstream.url}/denied"'
    )
    assert "it wants credentials, and gives no token without them." in refusal(upstream)
    assert "password" not in capfd.readouterr().err


def test_credentials_in_the_users_files_are_not_sent(
    upstream: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".docker").mkdir()
    host = upstream.url.removeprefix("http://")
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {host: {"auth": "dXNlcjpwYXNz"}}}))
    (tmp_path / ".netrc").write_text("default login user password pass\n")
    upstream.asks_for_token = True
    with registry() as storage:
        storage.contents = upstream.contents
        upstream.replies[upstream.layers(IMAGE.reference)[-1]] = redirect(storage.url)
        pull(upstream)
        sent = {request.authorization for request in [*upstream.requests, *storage.requests]}
    assert sent == {None, f"Bearer {TOKEN}"}


def test_a_token_does_not_follow_a_redirect_to_the_storage_of_a_layer(upstream: Registry) -> None:
    upstream.asks_for_token = True
    layer = upstream.layers(IMAGE.reference)[-1]
    with registry() as storage:
        storage.contents = upstream.contents
        upstream.replies[layer] = redirect(storage.url)
        assert pull(upstream).controller.read_bytes() == CONTROLLER
        assert [(request.path, request.authorization) for request in storage.requests] == [(layer, None)]


def test_a_host_that_leads_to_another_registry_which_asks_for_a_token_works(upstream: Registry) -> None:
    upstream.asks_for_token = True
    with registry() as vanity:
        vanity.replies = dict.fromkeys(upstream.contents, redirect(upstream.url))
        assert pull(vanity).missing == []


def test_a_layer_with_other_bytes_is_refused(upstream: Registry, cache: Path) -> None:
    upstream.replies[upstream.layers(IMAGE.reference)[-1]] = bytes_of_another
    message = refusal(upstream)
    assert (
        f"gives another layer for {IMAGE.reference} than it should, so it isn't used: the digest is sha256:" in message
    )
    assert upstream.layers(IMAGE.reference)[-1].rpartition("/")[2] in message
    assert kept(cache) == ""


def test_a_manifest_with_another_digest_than_the_index_names_is_refused(upstream: Registry) -> None:
    _, body = upstream.contents[upstream.path(IMAGE.reference, "manifests")]
    for image in json.loads(body)["manifests"]:
        upstream.replies[upstream.path(IMAGE.reference, "manifests", image["digest"])] = bytes_of_another
    assert f"gives another manifest for {IMAGE.reference} than it should" in refusal(upstream)


def test_an_index_with_another_digest_than_its_header_names_is_refused(upstream: Registry, cache: Path) -> None:
    upstream.replies[upstream.path(IMAGE.reference, "manifests")] = bytes_of_another
    assert f"gives another manifest for {IMAGE.reference} than it should" in refusal(upstream)
    assert kept(cache) == ""


@pytest.mark.parametrize(
    "body",
    [
        b"<html>the page of a network</html>",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"layers": [{"digest": "../../etc", "size": 1}]}',
        *(b'{"layers": [{"digest": "sha256:%s", "size": %s}]}' % (b"0" * 64, size) for size in (b"-1", b"9" * 400)),
    ],
)
def test_what_is_no_manifest_is_refused(upstream: Registry, cache: Path, body: bytes) -> None:
    upstream.contents[upstream.path(IMAGE.reference, "manifests")] = ("text/html", body)
    assert refusal(upstream).startswith(f"What the registry gives as manifest of {IMAGE.reference} is none")
    assert kept(cache) == ""


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
def test_a_missing_manifest_or_layer_is_named(upstream: Registry, kind: str) -> None:
    path = upstream.path(IMAGE.reference, "manifests") if kind == "manifests" else upstream.layers(IMAGE.reference)[-1]
    del upstream.contents[path]
    assert " answers 404 for the " in (message := refusal(upstream))
    assert message.endswith(f" of {IMAGE.reference}.")


def test_an_image_without_the_machine_is_refused_with_those_that_it_has(
    upstream: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert refusal(upstream) == (
        f"{IMAGE.reference} has no image for this machine, linux/riscv64. It has images for linux/amd64, linux/arm64."
    )


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_an_image_without_an_index_is_taken_only_on_its_own_machine(
    upstream: Registry, monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    upstream.publish_single(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], "s390x")
    assert refusal(upstream).endswith("It has images for linux/s390x.")
    upstream.publish_single(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], architecture)
    assert pull(upstream).controller.read_bytes() == CONTROLLER


@pytest.mark.parametrize("config", [b"no JSON", b"\xff", b"[]", b"[" * 100_000])
def test_an_image_whose_configuration_cannot_be_read_is_refused(upstream: Registry, config: bytes) -> None:
    upstream.publish_single(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], "amd64", config)
    assert refusal(upstream) == f"The configuration of {IMAGE.reference} can't be read."


def test_an_image_that_does_not_say_its_machine_is_refused(upstream: Registry) -> None:
    upstream.publish_single(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], "amd64", b"{}")
    assert refusal(upstream).endswith(" It has no image that names its machine.")


def test_a_layer_that_is_larger_than_its_manifest_says_is_refused(upstream: Registry) -> None:
    path = upstream.path(IMAGE.reference, "manifests")
    upstream.publish_single(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], ARCHITECTURES[platform.machine()])
    media_type, body = upstream.contents[path]
    manifest = json.loads(body)
    manifest["layers"][0]["size"] -= 1
    upstream.contents[path] = (media_type, json.dumps(manifest).encode())
    assert f"gives another layer for {IMAGE.reference} than it should" in refusal(upstream)


def test_a_cache_without_space_is_named(upstream: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repository, "save", fails_with(OSError(errno.ENOSPC, "No space left on device")))
    assert refusal(upstream).startswith(f"There is no space left in {cache} for the gateway. ")


def test_the_image_of_this_machine_is_chosen(upstream: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    upstream.publish(IMAGE.reference, [tar_gz({IMAGE.program: CONTROLLER})], ["amd64", "arm64"])
    pull(upstream)
    _, body = upstream.contents[upstream.path(IMAGE.reference, "manifests")]
    amd64, arm64, _ = (each["digest"] for each in json.loads(body)["manifests"])
    asked = upstream.paths()
    assert upstream.path(IMAGE.reference, "manifests", arm64) in asked
    assert upstream.path(IMAGE.reference, "manifests", amd64) not in asked


def test_another_system_than_linux_is_refused_with_the_reason(
    upstream: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(LocalError, match="programs for Linux only, and this machine runs Darwin"):
        pull(upstream)
    assert upstream.requests == []


def test_an_image_without_the_program_is_refused(upstream: Registry) -> None:
    upstream.publish(IMAGE.reference, [tar_gz({"usr/local/bin/another": b""})])
    assert refusal(upstream) == f"The image {IMAGE.reference} has no file /usr/local/bin/agentgateway."


def test_a_layer_that_is_no_archive_is_refused(upstream: Registry) -> None:
    upstream.publish(IMAGE.reference, [b"no archive"])
    assert "is no tar archive that can be read" in refusal(upstream)


@pytest.mark.parametrize("reply", [silent, half])
def test_a_registry_that_falls_silent_ends_in_a_message(
    upstream: Registry, monkeypatch: pytest.MonkeyPatch, reply: object
) -> None:
    monkeypatch.setattr(client, "SECONDS_OF_SILENCE", 0.2)
    upstream.replies[upstream.layers(IMAGE.reference)[-1]] = reply  # type: ignore[assignment]
    message = refusal(upstream)
    assert message.startswith(f"Can't get the layer of {IMAGE.reference} from {upstream.url.removeprefix('http://')}: ")
    assert message.endswith(" nothing came for 0 seconds. Try again.")


def test_a_registry_that_is_not_there_is_named_at_once_with_the_ways_without_it() -> None:
    with pytest.raises(LocalError, match=r"^Can't get the manifest of .* from 127\.0\.0\.1:1: .*refused") as refused:
        ensure_gateway("agentgateway", {client.VARIABLE: "http://127.0.0.1:1"})
    assert str(refused.value).endswith(
        ". If this machine can't reach the registry, name a mirror in GATEWAY_REGISTRY, or the folder of the programs "
        "in GATEWAY_ASSETS: docs/gateway.md."
    )


@pytest.mark.parametrize("mirror", ["registry", "https://", "ftp://registry.example.com", "user:secret@registry.test"])
def test_a_mirror_that_is_no_registry_is_refused_without_its_password(mirror: str) -> None:
    with pytest.raises(LocalError, match=r"^GATEWAY_REGISTRY must name a registry\. .* is not valid") as refused:
        ensure_gateway("agentgateway", {client.VARIABLE: mirror})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("mirror", ["registry..example.com", "registry.example.com:99999"])
def test_a_mirror_that_cannot_be_an_address_is_refused_with_the_variable(mirror: str) -> None:
    with pytest.raises(LocalError, match=r"an address isn't valid\. Check GATEWAY_REGISTRY and"):
        ensure_gateway("agentgateway", {client.VARIABLE: mirror})


@pytest.mark.parametrize("proxy", ["http://user:secret@proxy.test:99999", "ftp://user:secret@proxy.test"])
def test_the_password_of_a_proxy_that_is_not_valid_is_not_shown(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    with pytest.raises(LocalError, match="the variables of your proxy") as refused:
        ensure_gateway("agentgateway", {client.VARIABLE: "registry.example.com"})
    assert "secret" not in str(refused.value)


def test_a_mirror_may_have_a_path(upstream: Registry) -> None:
    upstream.contents = {path.replace("/v2/", "/v2/mirror/"): each for path, each in upstream.contents.items()}
    folder = ensure_gateway("agentgateway", {client.VARIABLE: f"{upstream.url}/mirror/"})
    assert Assets(folder / "agentgateway").missing == []


def test_a_gateway_of_another_name_is_refused_with_the_names() -> None:
    with pytest.raises(LocalError) as refused:
        ensure_gateway("x", {})
    assert str(refused.value) == ("`GATEWAY=x` is not a valid gateway. Give one of `kgateway`, `agentgateway`.")


def test_a_gateway_beside_programs_of_ones_own_is_refused() -> None:
    with pytest.raises(LocalError, match=r"^Both GATEWAY=kgateway and GATEWAY_ASSETS=/own are set"):
        ensure_gateway("kgateway", {"GATEWAY_ASSETS": "/own"})


def test_two_at_once_download_once(upstream: Registry) -> None:
    with ThreadPoolExecutor() as threads:
        both = list(threads.map(lambda _: pull(upstream), range(2)))
    assert both[0] == both[1]
    assert both[0].missing == []
    assert upstream.paths().count(upstream.layers(IMAGE.reference)[-1]) == 1


def test_what_a_killed_download_left_does_not_count_and_is_replaced(upstream: Registry) -> None:
    begun = AGENTGATEWAY.folder("agentgateway") / "partial"
    begun.mkdir(parents=True)
    (begun / "controller").write_text("half")
    assert pull(upstream).controller.read_bytes() == CONTROLLER
    assert not begun.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_download_that_is_interrupted_leaves_nothing_that_counts(
    upstream: Registry, cache: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    layer, reached = upstream.layers(IMAGE.reference)[-1], threading.Event()

    def half_and_tell(handler: Handler, request: Request) -> None:
        reached.set()
        half(handler, request)

    upstream.replies[layer] = half_and_tell
    running = subprocess.Popen(
        [sys.executable, "-c", UP, str(tmp_path / "state")],
        cwd=REPOSITORY,
        env={**os.environ, client.VARIABLE: upstream.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reached.wait(60)
    running.send_signal(ending)
    _, errors = running.communicate()
    if ending == signal.SIGINT:
        assert errors == "Interrupted. Run `make up` again to continue.\n"
        assert running.returncode == 130
        assert list(AGENTGATEWAY.folder("agentgateway").iterdir()) == []
    assert kept(cache) == ""
    del upstream.replies[layer]
    assert pull(upstream).controller.read_bytes() == CONTROLLER


def test_kept_digests_that_cannot_be_read_are_refused_with_the_file(upstream: Registry, cache: Path) -> None:
    (cache / "gateway-digests.txt").parent.mkdir(parents=True, exist_ok=True)
    (cache / "gateway-digests.txt").write_bytes(b"\xff\xfe")
    assert refusal(upstream).startswith(
        f"{cache}/gateway-digests.txt, which keeps the digests of what was downloaded, is"
    )


def test_the_digest_of_a_part_is_kept_although_the_rest_failed(upstream: Registry, cache: Path) -> None:
    del upstream.contents[upstream.layers(AGENTGATEWAY.proxy.reference)[-1]]
    refusal(upstream)
    assert list(itertools.chain(*(line.split()[:1] for line in kept(cache).splitlines()))) == [IMAGE.reference]
