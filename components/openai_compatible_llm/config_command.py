"""Writes commands of the Pulumi CLI for users to run."""

from .arguments import Issue, Path
from .arguments.cases import to_camel_case


def config_command(verb: str, stack: str, path: Path, flags: str = "") -> str:
    """Writes the command that sets or removes what stands at a path of a stack's config.

    Args:
        verb: `set` or `rm`.
        stack: The stack's name.
        path: Where it stands: names of arguments in Python's spelling, and `Key`s for those that users choose.
        flags: More options.
    """
    quoted = Issue(path, "").location(to_camel_case).replace("'", "'\\''")
    return " ".join(filter(None, ["pulumi config", verb, "-s", stack, flags, f"--path '{quoted}'"]))
