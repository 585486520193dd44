"""Checks the numbers of docs/failover.md against its own examples."""

import re

import yaml

from tests.support.pages import PAGES, blocks
from tests.support.recording import PROJECT

PAGE = re.sub(r"\s+", " ", PAGES["docs/failover.md"])
EXAMPLES = [each for each in blocks("yaml", "docs/failover.md") if "requestTimeoutSeconds" in each]


def longest_seconds(example: str) -> int:
    """Returns how long a client waits at most for all attempts of an example's provider, without pauses."""
    (provider,) = yaml.safe_load(example)["config"][f"{PROJECT}:providers"].values()
    attempts = provider.get("retries", {}).get("attempts", len(provider.get("fallbacks", ())))
    return int(provider["requestTimeoutSeconds"] * (attempts + 1))


def test_the_clients_timeouts_are_those_of_the_examples() -> None:
    first, with_retries = map(longest_seconds, EXAMPLES)
    assert f"here more than {first} seconds" in PAGE
    assert f"In this example, that is 30 × (2 + 1) = {with_retries} seconds" in PAGE  # noqa: RUF001
