"""Says what the demo's stack is, what it needs, and how to ask it."""

import http.client
import json
from collections.abc import Collection, Mapping
from contextlib import closing
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from local.demo import GATEWAY, STACK
from local.engine.project import stack_names
from local.errors import LocalError
from local.gateway.assets import VARIABLE
from local.waiting import wait_until

SECONDS_TO_ANSWER = 30.0
MAKE_DEMO = f"make demo GATEWAY={GATEWAY.api.name}"

_PATH = f"/{STACK}/v1/chat/completions"
_JSON = "content-type: application/json"


def is_among(names: Collection[str]) -> bool:
    """Tells whether one of these stacks is the demo's, and not one of the user's own that has its name."""
    return STACK in names and STACK not in stack_names()


def check(gateway: str | None) -> None:
    """Raises LocalError if the demo can't be made in this clone, or not with the gateway of this name."""
    if STACK in stack_names():
        raise LocalError(
            f"stacks/Pulumi.{STACK}.yaml is a stack of your own, and `make demo` needs its name. Rename yours, or "
            f"deploy it with `make up STACK={STACK}`."
        )
    if gateway not in (None, GATEWAY.api.name):
        raise LocalError(
            f"`make demo` can't use GATEWAY={gateway}: the demo's provider takes no key (`keyless`), which needs "
            f"`api: {GATEWAY.api.name}`. Run `{MAKE_DEMO}`."
        )


def check_gateway(can_run: bool, environment: Mapping[str, str]) -> None:  # noqa: FBT001
    """Raises LocalError if the demo's gateway can't run, with the command that gets it."""
    if not can_run:
        # Beside the user's own programs, a download is refused.
        unset = f"{VARIABLE}= " if environment.get(VARIABLE) else ""
        raise LocalError(
            f"The demo needs a gateway for `api: {GATEWAY.api.name}`, and there is none. Get one: `{unset}{MAKE_DEMO}`"
        )


def stack_file(base_url: str, project: str) -> dict[str, Any]:
    """Returns the content of the stack's file, which leads to the provider at this URL."""
    settings = {
        "api": GATEWAY.api.name,
        "namespace": GATEWAY.namespace,
        "gateway": {"name": GATEWAY.name, "namespace": GATEWAY.namespace},
        "providers": {STACK: {"baseUrl": base_url, "keyless": True, "model": STACK}},
    }
    return {"config": {f"{project}:{name}": value for name, value in settings.items()}}


def wait_for_answer(gateway_url: str) -> None:
    """Waits until the provider answers through the gateway, which reads new objects a moment after they are there.

    Raises:
        LocalError: It does not answer in time.
    """
    if not wait_until(partial(_answers, gateway_url), SECONDS_TO_ANSWER):
        raise LocalError(
            f"The demo does not answer at {gateway_url}{_PATH}. `make chat STACK={STACK}` says which part is broken."
        )


def next_steps(gateway_url: str) -> str:
    """Returns how to ask the provider, and what to do next."""
    question = json.dumps(_question("Hello!"))
    return f"""\
The demo answers. Ask it:
  make chat STACK={STACK}
  curl {gateway_url}{_PATH} --header '{_JSON}' --data '{question}'
Next, use your own provider: docs/gateway.md says how. `make down` stops the demo."""


def _answers(gateway_url: str) -> bool:
    parts = urlsplit(gateway_url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS_TO_ANSWER)) as connection:
        try:
            connection.request("POST", _PATH, json.dumps(_question("Hello!")), dict([_JSON.split(": ")]))
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _question(prompt: str) -> dict[str, Any]:
    return {"model": STACK, "messages": [{"role": "user", "content": prompt}]}
