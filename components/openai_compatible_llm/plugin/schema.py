"""Completes the plugin's schema, from which SDKs for other languages and their documentation are generated."""

import json
import re
from collections.abc import Collection, Mapping
from inspect import cleandoc
from typing import Any
from urllib.parse import urlsplit

from .. import __version__
from ..arguments.cases import respell, to_camel_case

DISPLAY_NAME = "OpenAI-compatible LLM"
# By these the Pulumi Registry sorts packages.
REGISTRY_KEYWORDS = ("category/network", "kind/component")
ANY = "pulumi.json#/Any"
# Without this, the SDK in Go lacks the types of plain lists and maps, such as those of clients, and doesn't compile.
GO = {"generateExtraInputTypes": True}
_TYPE = re.compile(r'(?<=:index:)(\w+)Args(?=")')


def finalize_schema(schema: str, project: Mapping[str, Any], secret_fields: Collection[str]) -> dict[str, Any]:
    """Adds to the analyzer's schema what the analyzer can't express, and the `project` table of pyproject.toml.

    Where a secret field is text, the SDKs make it a secret before it leaves the program.
    """
    secret_properties = set(map(to_camel_case, secret_fields))

    def finalize_object(schema_object: dict[str, Any]) -> dict[str, Any]:
        """Completes a component, a type or a property; changes nothing in what maps names to these."""
        if isinstance(description := schema_object.get("description"), str):
            schema_object["description"] = respell(cleandoc(description), to_camel_case)
        if isinstance(schema_object.get("type"), str):
            for each in ("items", "additionalProperties"):
                # The analyzer repeats the description of the whole, and Pulumi drops that.
                schema_object.get(each, {}).pop("description", None)
        if schema_object.get("$ref") == ANY:
            # The analyzer takes Any for a plain value, but it may be an Output.
            schema_object.pop("plain", None)
        for each in ("inputProperties", "properties"):
            for name, declared in schema_object.get(each, {}).items():
                if name in secret_properties and _is_text(declared):
                    declared["secret"] = True
        return schema_object

    # SDKs add `Args` to the names of inputs' types, so that `GatewayArgs` would be `GatewayArgsArgs` there.
    finalized = json.loads(_TYPE.sub(r"\1", schema), object_hook=finalize_object)
    languages = finalized.get("language", {})
    return {
        **finalized,
        "language": {**languages, "go": {**languages.get("go", {}), **GO}},
        "displayName": DISPLAY_NAME,
        "description": project["description"],
        "keywords": [*REGISTRY_KEYWORDS, *project["keywords"]],
        "license": project["license"],
        **_origin(project),
    }


def _is_text(declared: Mapping[str, Any]) -> bool:
    """Tells whether a property is a string or a map of strings."""
    return "string" in (declared.get("type"), declared.get("additionalProperties", {}).get("type"))


def _origin(project: Mapping[str, Any]) -> dict[str, str]:
    """Returns who publishes the package and where it is, if the project says so."""
    urls = project.get("urls", {})
    repository = urls.get("Repository")
    publisher = next((author["name"] for author in project.get("authors", ()) if "name" in author), None)
    origin = {"homepage": urls.get("Homepage", repository), "repository": repository, "publisher": publisher}
    return {field: value for field, value in origin.items() if value is not None} | _downloads(repository or "")


def _downloads(repository: str) -> dict[str, str]:
    """Returns where to get the plugin and the logo.

    The Pulumi Registry lists only packages on GitHub, and installs the archives of their releases. From other hosts
    Pulumi clones the repository.
    """
    address = urlsplit(repository)
    path = address.path.rstrip("/").removesuffix(".git")
    if not path:
        return {}
    if address.netloc != "github.com":
        return {"pluginDownloadURL": f"git://{address.netloc}{path}.git/components"}
    return {
        "pluginDownloadURL": f"github://api.github.com{path}",
        "logoUrl": f"https://raw.githubusercontent.com{path}/v{__version__}/docs/logo.svg",
    }
