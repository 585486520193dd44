"""The policies of docs/usage.md against the gateway's own definition, which has fields that ours leaves out."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.schemas import StrictSchemas
from tests.support.pages import block

REAL = Path(__file__).resolve().parents[3] / "shared/real/gateways/agentgateway/crds"
TRACING = yaml.safe_load(block("docs/usage.md", "# tracing.yaml\n", "yaml"))
CLIENT_LABEL = yaml.safe_load(block("docs/usage.md", "# client-label.yaml\n", "yaml"))


@pytest.fixture(scope="module")
def real_schemas() -> StrictSchemas:
    if not REAL.exists():
        pytest.skip("the real CRDs are not at hand (../shared/real)")
    return StrictSchemas([yaml.safe_load((REAL / "agentgateway.dev_agentgatewaypolicies.yaml").read_text())])


@pytest.mark.parametrize("policy", [TRACING, CLIENT_LABEL], ids=["traces", "the label client"])
def test_a_policy_is_what_the_api_server_takes(policy: dict[str, Any], real_schemas: StrictSchemas) -> None:
    assert real_schemas.problems(policy) == []


def test_a_misspelt_field_would_be_found(real_schemas: StrictSchemas) -> None:
    misspelt: dict[str, Any] = copy.deepcopy(TRACING)
    misspelt["spec"]["frontend"]["tracing"]["sampling"] = misspelt["spec"]["frontend"]["tracing"].pop("randomSampling")
    assert real_schemas.problems(misspelt) != []
