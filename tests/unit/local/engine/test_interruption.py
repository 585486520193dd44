import os
import signal

import pytest

from local.engine.interruption import Interruption


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_told_once_and_comes_after_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    with Interruption() as interruption:
        press_ctrl_c()
        press_ctrl_c()
    assert caplog.messages == [
        "Interrupted: the engine is finishing what it has begun. Press Ctrl-C again to stop it at once."
    ]
    with pytest.raises(KeyboardInterrupt):
        interruption.raise_if_interrupted()


def test_without_ctrl_c_nothing_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with Interruption() as interruption:
        pass
    interruption.raise_if_interrupted()
    assert caplog.messages == []


def test_before_and_after_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match=r"^of the engine$"), Interruption():
        raise ValueError("of the engine")
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
