"""Routes a provider through an existing Gateway, with a key that Pulumi never sees."""

import pulumi
from openai_compatible_llm import OpenAICompatibleLLM
from pulumi_kubernetes.apiextensions import CustomResource

NAME = "llm-key"

config = pulumi.Config()
namespace = config.require("namespace")
external = config.require_object("externalKey")

key = CustomResource(
    NAME,
    api_version="external-secrets.io/v1",
    kind="ExternalSecret",
    metadata={
        "name": NAME,
        "namespace": namespace,
        # `pulumi up` goes on when the operator has created the Secret.
        "annotations": {"pulumi.com/waitFor": "condition=Ready"},
    },
    spec={
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": external["store"]},
        "refreshInterval": "15m0s",
        "target": {"name": NAME},
        # The gateway reads the entry `Authorization` of the Secret.
        "data": [
            {
                "secretKey": "Authorization",
                "remoteRef": {"key": external["key"], "property": external["property"]},
            }
        ],
    },
)

llm = OpenAICompatibleLLM(
    "llm",
    {
        "api": config.require("api"),
        "base_url": config.require("baseUrl"),
        "model": config.require("model"),
        "api_key_secret": {"name": NAME},
        "namespace": namespace,
        "gateway": config.require_object("gateway"),
    },
    opts=pulumi.ResourceOptions(depends_on=[key]),
)
pulumi.export("url", llm.url)
