import signal
from collections.abc import Iterator

import pytest

from tests.support.stand_in_gateway import StandInGateway, stand_in_gateway

# A run started in the background ignores Ctrl-C, and so would every program that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def gateway() -> Iterator[StandInGateway]:
    with stand_in_gateway() as gateway:
        yield gateway
