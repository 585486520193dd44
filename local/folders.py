"""Says where files are kept: state in a folder of the clone, and built programs in a cache outside of it."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent


class StateFolder:
    """Everything that one control plane and its stacks keep on disk, readable by its owner alone.

    Attributes:
        ports: The ports of the programs that run.
        gateways: Where the last `make up` found the gateways' programs, and which API each Gateway has.
        lock: Lies beside the folder, so that a command can wait for it while another removes the folder.
        pulumi_project: Holds a copy of Pulumi.yaml and of stack files, to which the engine may write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kubeconfig = root / "kubeconfig"
        self.certificates = root / "certificates"
        self.etcd = root / "etcd"
        self.logs = root / "logs"
        self.ports = root / "ports.json"
        self.gateways = root / "gateways.json"
        self.lock = root.with_name(f"{root.name}.lock")
        self.pulumi_project = root / "project"
        self.pulumi_home = root / "pulumi"
        self.pulumi_state = root / "state"
        self.pulumi_passphrase = root / "passphrase"

    @classmethod
    def of_this_clone(cls) -> "StateFolder":
        return cls(REPOSITORY / ".local")

    def create(self) -> None:
        """Creates the folders that several parts write to."""
        for folder in (self.root, self.etcd, self.logs, self.pulumi_project, self.pulumi_state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def cache_folder() -> Path:
    """Returns the folder for what all clones share: `$XDG_CACHE_HOME/openai-compatible-llm`, or below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base and Path(base).is_absolute() else Path.home() / ".cache") / "openai-compatible-llm"


def write_private(file: Path, text: str) -> None:
    """Writes a file that its owner alone can read. It is replaced in one step, so that nobody reads half of it."""
    descriptor, partial = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(text)
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def read_json(file: Path) -> dict[str, Any]:
    """Returns the object in a file; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
