import base64
from pathlib import Path

import pytest

from tests.support.canary import Canaries

KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("text", ["{}", "x{}", "xy{}", "xyz{}", "Bearer {}\n", '{{"key": "{}"}}'])
def test_the_search_finds_a_key_however_it_is_wrapped(text: str, tmp_path: Path) -> None:
    canaries = Canaries("sk-canary-of-somebody-else", KEY)
    wrapped = text.format(KEY).encode()
    assert canaries.are_in(wrapped)
    assert canaries.are_in(base64.b64encode(wrapped))
    assert not canaries.are_in(base64.b64encode(text.format("sk-canary-another").encode()))
    file = tmp_path / "deep/file"
    file.parent.mkdir()
    file.write_bytes(wrapped)
    assert canaries.files(tmp_path) == [file]
    assert canaries.files(tmp_path, leaving_out=[file.parent]) == []
