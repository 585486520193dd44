import pytest

from local.waiting import wait_until


def test_waiting_ends_with_what_happens_or_with_the_time() -> None:
    answers = iter([False, None, 0, "yes"])
    assert wait_until(lambda: next(answers), timeout=10) is True
    assert wait_until(lambda: False, timeout=0.1) is False


def test_without_any_time_it_looks_once() -> None:
    assert wait_until(lambda: True, timeout=0)


def test_what_goes_wrong_ends_the_waiting() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 // 0, timeout=10)
