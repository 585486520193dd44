"""The manifests for kubectl in pages and examples, against the CRDs with unknown fields refused."""

import copy
from typing import Any

import pytest
import yaml

from tests.contract.schemas import StrictSchemas
from tests.support.agentgateway_source import deployed_for, parameters_definition
from tests.support.external_secret import DEFINITION
from tests.support.pages import EXAMPLE_OBJECTS, block, blocks, manifests
from tests.support.repository import REPOSITORY

ALLOW_LARGE_REQUESTS = block("docs/troubleshooting.md", "maxBufferSize")

(ALLOWING,) = map(yaml.safe_load, manifests(ALLOW_LARGE_REQUESTS))
WITH_A_LISTENER_FOR_LLMS = yaml.safe_load(block("docs/one-url.md", "# gateway.yaml\n", "yaml"))
WITH_HASHES_OF_KEYS = yaml.safe_load(block("docs/clients.md", "kind: ExternalSecret", "yaml"))
_NAMESPACE, GATEWAY = yaml.safe_load_all(EXAMPLE_OBJECTS)
PRODUCTION, WITH_HTTPS = yaml.safe_load_all(block("docs/gateway.md", "# production-gateway.yaml\n", "yaml"))
GATEWAY_CLIENTS = yaml.safe_load(block("docs/gateway.md", "# gateway-clients.yaml\n", "yaml"))
INTERNAL = list(yaml.safe_load_all(block("docs/gateway.md", "# internal-gateway.yaml\n", "yaml")))
KIND = REPOSITORY / "examples/kind"
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


def test_no_manifest_is_left_out() -> None:
    assert [block for block in blocks("sh") if manifests(block)] == [ALLOW_LARGE_REQUESTS]


@pytest.mark.parametrize(
    "manifest",
    [GATEWAY, WITH_A_LISTENER_FOR_LLMS, WITH_HTTPS, ALLOWING],
    ids=["Gateway", "Gateway with a listener for LLMs", "Gateway with HTTPS", "AgentgatewayPolicy"],
)
def test_a_manifest_is_what_the_api_server_takes(manifest: dict[str, Any], schemas: StrictSchemas) -> None:
    assert schemas.problems(manifest) == []


def parameters_schemas() -> StrictSchemas:
    """Returns the schema of the objects that say how agentgateway's controller deploys a Gateway."""
    return StrictSchemas([parameters_definition()])


def test_a_gateway_that_only_the_cluster_reaches_has_fields_that_the_controller_knows(schemas: StrictSchemas) -> None:
    parameters, gateway = INTERNAL
    assert schemas.problems(gateway) == []
    assert parameters_schemas().problems(parameters) == []
    assert_names(gateway, parameters)
    # The controller patches the Service with this part, which its definition leaves open.
    assert parameters["spec"] == {"service": {"spec": {"type": "ClusterIP"}}}
    misspelt = {**parameters, "spec": {"services": parameters["spec"]["service"]}}
    assert parameters_schemas().problems(misspelt) == ["spec.services: no such field; did you mean service?"]


def assert_names(gateway: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Checks that the controller deploys the Gateway with these parameters, which must be in its namespace."""
    assert gateway["spec"]["infrastructure"]["parametersRef"] == {
        "group": parameters["apiVersion"].partition("/")[0],
        "kind": parameters["kind"],
        "name": parameters["metadata"]["name"],
    }
    assert gateway["metadata"]["namespace"] == parameters["metadata"]["namespace"]


def test_a_gateway_for_production_names_its_parameters() -> None:
    assert parameters_schemas().problems(PRODUCTION) == []
    assert_names(WITH_HTTPS, PRODUCTION)
    # The controller adds what an autoscaler scales, as the page says.
    assert deployed_for("hpa-overlay", "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_a_gateway_for_production_admits_the_routes_of_its_stack_and_of_a_shared_url() -> None:
    (listener,) = WITH_HTTPS["spec"]["listeners"]
    (expression,) = listener["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == ("kubernetes.io/metadata.name", "In")
    (stack,) = (each for each in blocks("yaml", "docs/gateway.md") if each.startswith("# stacks/"))
    config = {key.partition(":")[2]: each for key, each in yaml.safe_load(stack)["config"].items()}
    assert {config["namespace"], config["gateway"]["namespace"]} == set(expression["values"])
    assert config["gateway"] == {
        **WITH_HTTPS["metadata"],
        "sectionName": listener["name"],
        "url": f"https://{listener['hostname']}",
    }


def test_the_network_policy_selects_the_pods_of_the_gateways_proxies() -> None:
    template = deployed_for("replicas", "Deployment")["spec"]["template"]
    (label,) = GATEWAY_CLIENTS["spec"]["podSelector"]["matchLabels"].items()
    # In the controller's own tests, the Gateway is called gw.
    assert label == (GATEWAY_NAME, GATEWAY["metadata"]["name"])
    assert template["metadata"]["labels"][GATEWAY_NAME] == "gw"
    (metrics,) = template["spec"]["containers"][0]["ports"]
    listeners = {each["port"] for each in INTERNAL[-1]["spec"]["listeners"]}
    ports = [each["port"] for rule in GATEWAY_CLIENTS["spec"]["ingress"] for each in rule["ports"]]
    assert ports == [*listeners, metrics["containerPort"]]
    assert GATEWAY_CLIENTS["metadata"]["namespace"] == GATEWAY["metadata"]["namespace"]


def test_the_page_has_the_internal_gateway_that_the_script_creates() -> None:
    _namespace, *created = yaml.safe_load_all((KIND / "internal-agentgateway.yaml").read_text())
    assert created == INTERNAL


def test_the_internal_gateway_of_kgateway_names_its_parameters(schemas: StrictSchemas) -> None:
    _namespace, parameters, gateway = yaml.safe_load_all((KIND / "internal-kgateway.yaml").read_text())
    assert schemas.problems(gateway) == []
    assert_names(gateway, parameters)
    # kgateway's definitions are in no Go module; these fields were compared with those of 2.1 by hand.
    assert parameters["spec"] == {"kube": {"service": {"type": "ClusterIP"}}}


def test_the_external_secret_has_fields_that_the_operator_knows() -> None:
    schemas = StrictSchemas([DEFINITION])
    assert schemas.problems(WITH_HASHES_OF_KEYS) == []
    misspelt = copy.deepcopy(WITH_HASHES_OF_KEYS)
    misspelt["spec"]["target"]["templates"] = misspelt["spec"]["target"].pop("template")
    assert schemas.problems(misspelt) == ["spec.target.templates: no such field; did you mean template?"]


def test_a_misspelt_field_would_be_found(schemas: StrictSchemas) -> None:
    manifest = copy.deepcopy(ALLOWING)
    manifest["spec"]["frontend"]["http"]["maxBuffer"] = 1
    assert schemas.problems(manifest) != []
