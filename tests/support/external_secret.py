"""The definition of the External Secrets Operator's ExternalSecret, as far as examples and pages use it."""

from typing import Any

GROUP, VERSION, KIND = "external-secrets.io", "v1", "ExternalSecret"
PLURAL = "externalsecrets"

Schema = dict[str, Any]


def _map(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_STRING: Schema = {"type": "string"}
# As the operator's own definition of version 2.9.0 has them. The API server drops other fields.
_SPEC = _map(
    secretStoreRef=_map(kind={"type": "string", "enum": ["SecretStore", "ClusterSecretStore"]}, name=_STRING),
    refreshInterval=_STRING,
    target=_map(
        name=_STRING,
        template=_map(data={"type": "object", "additionalProperties": _STRING}),
    ),
    data=_list(
        {
            **_map(secretKey=_STRING, remoteRef={**_map(key=_STRING, property=_STRING), "required": ["key"]}),
            "required": ["secretKey", "remoteRef"],
        }
    ),
)
_CONDITIONS = _list(_map(**dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), _STRING)))
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"kind": KIND, "plural": PLURAL, "singular": KIND.lower()},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": _map(spec=_SPEC, status=_map(conditions=_CONDITIONS))},
            }
        ],
    },
}
