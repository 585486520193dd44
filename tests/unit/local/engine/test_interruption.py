import os
import signal

import pytest

from local.engine.interruption import delayed_interruption


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_told_once_and_comes_after_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    ended = False
    with pytest.raises(KeyboardInterrupt), delayed_interruption():
        press_ctrl_c()
        press_ctrl_c()
        ended = True
    assert ended
    assert caplog.messages == [
        "Interrupted: the engine is finishing what it has begun. Press Ctrl-C again to stop it at once."
    ]


def test_without_ctrl_c_nothing_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with delayed_interruption():
        pass
    assert caplog.messages == []


def test_before_and_after_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match=r"^of the engine$"), delayed_interruption():
        raise ValueError("of the engine")
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
