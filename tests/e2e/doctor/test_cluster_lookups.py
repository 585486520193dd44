"""What is said where nothing is broken, and where the cluster can't be checked or tells nothing."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.doctor.conftest import Deploy, SetOutputs, StandInChat
from tests.support.cluster import Cluster
from tests.support.provider_objects import POLICY, SECRET, AcceptedObjects
from tests.support.stand_in_gateway import MODEL, NO_ROUTE, TOKENS, completion, gateways_own, providers

NO_UPSTREAM = gateways_own(503, "upstream call failed")
REFUSED_KEY = providers(401, {"error": {"message": "Unauthorized"}})
TEXT = "".join(TOKENS)


@pytest.mark.usefixtures("objects")
def test_where_nothing_is_broken_the_answer_is_printed_alone(chat: StandInChat) -> None:
    asked = chat.where(completion)
    assert (asked.status, asked.stdout) == (0, f"{TEXT}\n")
    assert "broken" not in asked.stderr


def test_a_missing_secret_is_named_although_a_completion_arrived(objects: AcceptedObjects, chat: StandInChat) -> None:
    objects.delete(SECRET)
    objects.refuse_backend(f"secret {objects.namespace}/mistral-secret not found")
    asked = chat.where(completion)
    assert (asked.status, asked.stdout) == (Hop.SECRET.status, f"{TEXT}\n")
    missing = f"Secret {objects.namespace}/mistral-secret, which the backend names, does not exist"
    assert f"a completion arrived, yet {missing}" in asked.stderr


@pytest.mark.usefixtures("objects")
def test_a_stream_that_breaks_off_is_printed_up_to_there(chat: StandInChat) -> None:
    def cut(handler: Any, _: object) -> None:
        handler.begin_stream()
        handler.token(TOKENS[0])
        handler.break_off()

    asked = chat.where(cut, "--stream")
    assert (asked.status, asked.stdout) == (Hop.STREAM.status, f"{TOKENS[0]}\n")
    assert "broken at the hop stream" in asked.stderr


def test_a_secret_that_may_not_be_read_is_not_blamed(
    objects: AcceptedObjects, chat: StandInChat, kubeconfig_without_secrets: Path
) -> None:
    chat.kubeconfig = kubeconfig_without_secrets
    objects.delete(SECRET)
    asked = chat.where(REFUSED_KEY)
    assert asked.status == Hop.KEY.status
    assert f"  (Could not be read: Secret {objects.namespace}/mistral-secret, 403 Forbidden.)" in asked.stderr


def test_a_missing_policy_is_known_by_the_stacks_outputs_where_the_port_does_not_tell(
    deploy: Deploy, chat: StandInChat, set_outputs: SetOutputs
) -> None:
    objects = deploy(BackendApi.KGATEWAY, port=8443)
    objects.delete(POLICY)
    chat.where(NO_UPSTREAM).broken_at(Hop.PROVIDER)

    names = {"namespace": objects.namespace, "routeName": "mistral", "tlsPolicyName": "mistral-tls"}
    set_outputs({"providers": {"mistral": {"path": objects.path, "model": MODEL, **names}}})
    where = ["--stack", "prod", "--gateway-url", chat.gateway.url, "--kubeconfig", str(chat.kubeconfig)]
    assert main(where) == Hop.TLS.status


def test_what_came_after_the_route_is_not_looked_for_in_another_cluster(chat: StandInChat, cluster: Cluster) -> None:
    context = yaml.safe_load(cluster.kubeconfig.read_text())["current-context"]
    asked = chat.where(REFUSED_KEY)
    assert asked.status == Hop.KEY.status
    assert "was not checked: the request found a route, but there is no HTTPRoute with" in asked.stderr
    assert f"in the cluster of context {context}" in asked.stderr


def test_two_routes_of_one_path_tell_nothing(deploy: Deploy, chat: StandInChat) -> None:
    for _ in range(2):
        deploy(BackendApi.KGATEWAY, route_path="/twice")
    asked = chat.where(NO_ROUTE)
    assert asked.status == Hop.ROUTE.status
    assert "was not checked: there are 2 HTTPRoutes that match the path /twice" in asked.stderr


def test_a_cluster_that_can_not_be_checked_is_said(chat: StandInChat, cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    context = kubeconfig["current-context"]

    def says(arguments: list[str]) -> str:
        asked = chat.where(NO_ROUTE, *arguments)
        assert asked.status == Hop.ROUTE.status
        last = asked.stderr.splitlines()[-1]
        assert last.startswith("  (The cluster was not checked: ")
        return last

    assert "Expected object with name other" in says(["--context", "other"])
    kubeconfig["users"][0]["user"] = {"token": "of-nobody"}
    chat.kubeconfig = tmp_path / "of-nobody"
    chat.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    assert "fails, 401 Unauthorized" in says([])
    chat.kubeconfig = tmp_path / "unreachable"
    kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    chat.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    assert f"the API server of context {context} doesn't respond" in says([])
    chat.kubeconfig.write_text("{")
    assert "the kubeconfig can't be read" in says([])


@pytest.mark.parametrize("api", [BackendApi.KGATEWAY])
@pytest.mark.usefixtures("objects")
def test_a_kubeconfig_that_skips_tls_verification_causes_no_warnings(
    chat: StandInChat, cluster: Cluster, tmp_path: Path
) -> None:
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    insecure = kubeconfig["clusters"][0]["cluster"]
    insecure.pop("certificate-authority-data", None)
    insecure.pop("certificate-authority", None)
    insecure["insecure-skip-tls-verify"] = True
    chat.kubeconfig = tmp_path / "insecure"
    chat.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert "has a key" in chat.where(REFUSED_KEY).broken_at(Hop.KEY)
    assert caught == []
