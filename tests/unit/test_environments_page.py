"""Checks what docs/environments.md says of two environments at one Gateway, and of the order of a deletion."""

from typing import Any

import pytest
import yaml

from tests.support.pages import PAGES, block
from tests.support.recording import PROJECT, Recording, record_program

KEY = "sk-for-the-page"


def providers(environment: str) -> dict[str, Any]:
    config = yaml.safe_load(block("docs/environments.md", f"llm-{environment}\n", "yaml"))["config"]
    gateway: dict[str, Any] = config[f"{PROJECT}:gateway"]
    assert gateway == {"name": "agentgateway", "namespace": "gloo-system"}
    found: dict[str, Any] = config[f"{PROJECT}:providers"]
    return found


def record_both(prod: dict[str, Any]) -> Recording:
    """Records one stack with the providers of both environments, in which conflicts of their routes are found."""
    as_prod = {
        f"prod-{name}": {"preset": name, "routePath": f"/{name}", "apiKey": KEY, **settings}
        for name, settings in prod.items()
    }
    as_staging = {name: {**settings, "apiKey": KEY} for name, settings in providers("staging").items()}
    return record_program({"api": "agentgateway", "providers": {**as_prod, **as_staging}})


def with_hostname() -> dict[str, Any]:
    prod = providers("prod")
    prod["mistral"]["hostnames"] = ["llm.example.com"]
    assert "`hostnames: [llm.example.com]`" in PAGES["docs/environments.md"]
    return prod


def test_two_environments_share_a_gateway_by_host_names_and_paths_of_their_own() -> None:
    recording = record_both(with_hostname())
    routes = recording.all(":HTTPRoute")
    assert {each.name for each in routes} == {"prod-mistral", "prod-deepseek", "prod-openai", "mistral", "deepseek"}


def test_without_host_names_of_their_own_both_would_have_one_route() -> None:
    with pytest.raises(Exception, match="is already the route of provider prod-mistral"):
        record_both(providers("prod"))


def test_without_a_path_of_its_own_a_provider_would_have_the_others_route() -> None:
    prod = with_hostname()
    prod["deepseek"]["routePath"] = providers("staging")["deepseek"]["routePath"]
    with pytest.raises(Exception, match="is already the route of provider prod-deepseek"):
        record_both(prod)


@pytest.mark.parametrize("has_clients", [False, True])
def test_a_route_is_removed_before_its_backend_and_with_clients_after_it(has_clients: bool) -> None:
    clients = {"clients": {"web": {"apiKeySha256": "0" * 64}}} if has_clients else {}
    mistral = {"mistral": {"apiKey": KEY}}
    created = record_program({"api": "agentgateway", "providers": mistral, **clients}).kinds()
    first_deleted = created[-1]
    assert first_deleted == ("AgentgatewayBackend" if has_clients else "HTTPRoute")
