import signal
from collections.abc import Iterator

import pytest

from tests.support.stand_in_gateway import StandInGateway, stand_in_gateway

# A run started in the background ignores Ctrl-C, and so would every program that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

BUILDS = "e2e/doctor/test_broken_hops.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with a file that has the programs built where they aren't yet.

    Meanwhile, the other processes run the tests that need none: the build can't keep all processors busy.
    """
    items.sort(key=lambda item: not item.path.match(BUILDS))


@pytest.fixture
def gateway() -> Iterator[StandInGateway]:
    with stand_in_gateway() as gateway:
        yield gateway
