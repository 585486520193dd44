"""Shows the objects and outputs of stacks, for `make up` and `make status`."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from local.engine.checkpoints import Checkpoint


def show(console: Console, stacks: Iterable[Checkpoint]) -> None:
    """Print every object of the stacks, and where each provider is reached."""
    objects = Table("Stack", "Kind", "Object", title="Kubernetes objects", title_justify="left")
    providers = Table("Stack", "Provider", "Path", "Host", "Model", title="Outputs", title_justify="left")
    for each in stacks:
        for made in each.objects:
            objects.add_row(each.stack, made.kind, made.id)
        for provider, output in each.outputs.get("providers", {}).items():
            model = output.get("model") or "the request's own"
            providers.add_row(each.stack, provider, output["path"], output["host"], model)
    console.print(objects, providers)
