"""`make up GATEWAY=...` of a fresh clone: a registry on loopback has programs that stand for the gateways'."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.gateway.images import RELEASES
from tests.e2e.stand_in_programs import answering_proxy, cache_without_gateways, publish_gateway
from tests.support.clone import Clone, fresh_clone, put_packages
from tests.support.pages import block
from tests.support.registry import Registry, registry

pytestmark = pytest.mark.slow

MAKE_UP, MAKE_CHAT, MAKE_DOWN = block("docs/gateway.md", "make up STACK=mistral GATEWAY=kgateway").splitlines()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Registry]:
    with registry() as upstream:
        for api in RELEASES:
            publish_gateway(upstream, api, answering_proxy)
        yield upstream


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        put_packages(clone.folder)
        yield clone


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cache_without_gateways(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def first_up(clone: Clone, cache: Path, upstream: Registry) -> str:
    return make(clone, cache, upstream, MAKE_UP)


def make(clone: Clone, cache: Path, upstream: Registry, command: str) -> str:
    """Returns what a command prints, as somebody would run it in the clone."""
    done = clone.shell(command, XDG_CACHE_HOME=str(cache.parent), GATEWAY_REGISTRY=upstream.url)
    assert done.status == 0, done.printed
    return done.stdout


def test_the_commands_of_the_page_download_a_gateway_and_get_an_answer(
    clone: Clone, cache: Path, upstream: Registry, first_up: str
) -> None:
    kept = (cache / "gateway-digests.txt").read_text()
    release = RELEASES["kgateway"]
    for reference in (release.controller.reference, release.proxy.reference, release.chart):
        assert f"Downloaded {reference}, whose digest is sha256:" in first_up
        assert f"{reference} sha256:" in kept
    assert "The Gateway gloo-system/agentgateway (kgateway) answers at http://127.0.0.1:" in first_up
    assert "Salut le monde" in make(clone, cache, upstream, MAKE_CHAT)


@pytest.mark.usefixtures("first_up")
def test_later_commands_go_on_with_it_and_ask_no_registry(clone: Clone, cache: Path, upstream: Registry) -> None:
    upstream.requests.clear()
    for command in (MAKE_UP, "make up STACK=mistral", "make status"):
        said = make(clone, cache, upstream, command)
        assert "The Gateway gloo-system/agentgateway (kgateway) answers at http://127.0.0.1:" in said
        assert "Starting" not in said
    assert upstream.requests == []


@pytest.mark.usefixtures("first_up")
def test_another_gateway_takes_its_place_and_the_stack_is_told_which_one_it_needs(
    clone: Clone, cache: Path, upstream: Registry
) -> None:
    said = make(clone, cache, upstream, "make up STACK=mistral GATEWAY=agentgateway")
    assert "Stopping the gateway for `api: kgateway`" in said
    assert said.endswith(
        "No gateway runs here for `api: kgateway`, so its requests get no answer. "
        "Get one: `make up STACK=mistral GATEWAY=kgateway`\nNothing changed.\n"
    )
    assert "answers at" in make(clone, cache, upstream, MAKE_UP)
    assert "Salut le monde" in make(clone, cache, upstream, MAKE_CHAT)


@pytest.mark.usefixtures("first_up")
def test_make_down_ends_it_and_the_cache_keeps_it(clone: Clone, cache: Path, upstream: Registry) -> None:
    make(clone, cache, upstream, MAKE_DOWN)
    assert clone.processes() == []
    assert len(list(cache.glob("gateway-kgateway-*/kgateway/proxy"))) == 1
