"""A preview of a change between fields that exclude one another fails until the backend has changed once.

Pulumi's provider creates an object under one field manager and changes it under another, and only a real change moves
the fields to the second one. So a preview sends the new fields while the API server still keeps the old ones. If this
test fails, the provider no longer does that, and the pages need no `--skip-preview` any more.
"""

from typing import Any

import pytest

from tests.gateway.deployment import KEY, Deployment
from tests.support.pages import symptom

FALLBACK = {"name": "other", "host": "other.example.com", "model": "m", "apiKey": KEY}
PREVIEW = ("preview", "--stack", "test")


@pytest.mark.parametrize("api", ["agentgateway"], indirect=True)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoints": "chat"}, "path and pathPrefix are mutually exclusive"),
        ({"fallbacks": [FALLBACK]}, "exactly one of the fields in [provider groups] must be set"),
    ],
    ids=["endpoints", "fallbacks"],
)
def test_a_preview_that_fails_is_skipped_once(deployment: Deployment, change: dict[str, Any], message: str) -> None:
    deployment.up()
    deployment.write({"mistral": deployment.config(**change)})
    refused = deployment.project.fails(*PREVIEW)
    assert symptom(message) in refused
    assert KEY not in refused
    assert "1 updated" in deployment.project.up()

    deployment.write({"mistral": deployment.config()})
    assert "1 to update" in deployment.project(*PREVIEW)
