"""tests/support/seed.py has the same objects as the walk-throughs."""

from pathlib import Path

import pytest
import yaml

from tests.support import seed

WALK_THROUGHS = Path(__file__).resolve().parents[3] / "shared/seed"


@pytest.mark.parametrize(("name", "manifests"), [("mistral", seed.MISTRAL), ("deepseek", seed.DEEPSEEK)])
def test_the_seed_is_the_walk_throughs(name: str, manifests: dict[str, object]) -> None:
    path = WALK_THROUGHS / f"{name}.yaml"
    if not path.exists():
        pytest.skip("the walk-throughs' objects are not available (../shared/seed)")
    given = {manifest["kind"]: manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest}
    assert given["Secret"].pop("stringData") == {"Authorization": f"${name.upper()}_API_KEY"}
    assert manifests == given
