"""Writes commands of the Pulumi CLI for users to run."""

from .arguments import Issue, Path
from .arguments.cases import to_camel_case


def config_command(verb: str, stack: str, path: Path, flags: str = "") -> str:
    """Writes the command that sets (`set`) or removes (`rm`) what stands at a path of a stack's config."""
    quoted = Issue(path, "").location(to_camel_case).replace("'", "'\\''")
    return " ".join(filter(None, ["pulumi config", verb, "-s", stack, flags, f"--path '{quoted}'"]))
