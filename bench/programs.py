"""Programs that create the same objects with the component, and by hand without it."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

MODEL = "example-model"
HOST = "api.example.com"

Program = Callable[[], None]


def keys(count: int, *, rotated: bool) -> dict[str, str]:
    """Returns a key for each provider; `rotated` changes the first one's."""
    found = {f"provider{number:03}": f"sk-of-{number:03}" for number in range(count)}
    return found | ({"provider000": "sk-rotated"} if rotated else {})


def manifests(namespace: str, api_keys: Mapping[str, str], api: str = "kgateway") -> list[dict[str, Any]]:
    """Returns the objects of each provider, each after those that it refers to."""
    file = Path(__file__).with_name("objects") / f"{api}.yaml"
    text = json.dumps([*yaml.safe_load_all(file.read_text())]).replace('"bench"', json.dumps(namespace))
    texts = (text.replace("provider000", name).replace("sk-of-000", key) for name, key in api_keys.items())
    return [manifest for each in texts for manifest in json.loads(each)]


def component(namespace: str, api_keys: Mapping[str, str], **more: Any) -> Program:
    def program() -> None:
        # Imported here, so that the flat program doesn't pay for it.
        from components import OpenAICompatibleLLM

        for name, key in api_keys.items():
            secret = pulumi.Output.secret(key)
            args: Any = {"host": HOST, "model": MODEL, "namespace": namespace, "api_key": secret, **more}
            OpenAICompatibleLLM(name, args)

    return program


def flat(
    namespace: str, api_keys: Mapping[str, str], api: str = "kgateway", *, empty_components: bool = False
) -> Program:
    """Returns a program as one would write it by hand, which creates each object after those that it refers to.

    With an empty component for each provider, it takes the least that a program with components can take.
    """
    objects = manifests(namespace, api_keys, api)

    def program() -> None:
        for name in api_keys if empty_components else ():
            pulumi.ComponentResource("bench:index:EmptyComponent", name).register_outputs({})
        created: list[pulumi.Resource] = []
        for manifest in objects:
            metadata = manifest["metadata"]
            if manifest["kind"] == "Secret":
                key = {"Authorization": pulumi.Output.secret(manifest["stringData"]["Authorization"])}
                created = [Secret(metadata["name"], metadata=metadata, type=manifest["type"], string_data=key)]
            else:
                version, kind, spec = manifest["apiVersion"], manifest["kind"], manifest["spec"]
                # The backend is created after the Secret, and all others after the backend and each other.
                options = pulumi.ResourceOptions(depends_on=created[1:] or created)
                created.append(
                    CustomResource(metadata["name"], version, kind, metadata=metadata, spec=spec, opts=options)
                )

    return program


FALLBACK = {"name": "other", "host": "api.example.org", "model": MODEL, "api_key": "sk-of-the-fallback"}
CHECKPOINTS = "checkpoints"
ONE_CLIENT, TWENTY_CLIENTS = "one-client", "twenty-clients"
MOST_LIMITED = 16
"""Clients of a route that may have a limit of their own without a rate limit service."""


def clients(count: int) -> dict[str, dict[str, Any]]:
    """Returns clients, each with a key, models and, if the gateway can count for so many, a limit."""
    limits = {"rate_limits": [{"tokens": 200000, "per": "hour"}]}
    return {
        f"client{number:02}": {
            "api_key": f"of-the-client-0123456789-{number:02}",
            "models": [MODEL, f"{MODEL}-*"],
            **(limits if number < MOST_LIMITED else {}),
        }
        for number in range(count)
    }


PROGRAMS: Mapping[str, Callable[[str, Mapping[str, str]], Program]] = {
    "component": component,
    CHECKPOINTS: component,
    "flat": flat,
    "baseline": partial(flat, empty_components=True),
    "agentgateway": partial(component, api="agentgateway"),
    "agentgateway baseline": partial(flat, api="agentgateway", empty_components=True),
    "fallback": partial(component, api="agentgateway", fallbacks=[FALLBACK]),
    ONE_CLIENT: partial(component, api="agentgateway", clients=clients(1)),
    TWENTY_CLIENTS: partial(component, api="agentgateway", clients=clients(20)),
}

# The same programs with one more client in all of their components.
ONE_MORE_CLIENT: Mapping[str, Callable[[str, Mapping[str, str]], Program]] = {
    ONE_CLIENT: partial(component, api="agentgateway", clients=clients(2)),
    TWENTY_CLIENTS: partial(component, api="agentgateway", clients=clients(21)),
}

# By API, the program with the component, and the one that is compared with it.
PAIRS = {"kgateway": ("component", "baseline"), "agentgateway": ("agentgateway", "agentgateway baseline")}
