"""Says where files are kept: state in a folder of the clone, and built programs in a cache outside of it."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class StateFolder:
    """Everything that one control plane and its stacks keep on disk, readable by its owner alone."""

    root: Path

    @classmethod
    def of_this_clone(cls) -> "StateFolder":
        return cls(REPOSITORY / ".local")

    def create(self) -> None:
        """Create the folders that several parts write to."""
        for folder in (self.root, self.certificates, self.etcd, self.logs, self.processes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        return self.root / "processes"

    @property
    def ports(self) -> Path:
        """The ports of the control plane's programs."""
        return self.root / "ports.json"

    @property
    def gateway_ports(self) -> Path:
        """The ports of the gateways' programs."""
        return self.root / "gateway-ports.json"

    @property
    def gateways(self) -> Path:
        """Where the last `make up` found the gateways' programs, and which API each Gateway has."""
        return self.root / "gateways.json"

    @property
    def lock(self) -> Path:
        """Lies beside the folder, so that a command can wait for it while another removes the folder."""
        return self.root.with_name(self.root.name + ".lock")

    @property
    def pulumi_project(self) -> Path:
        """Holds a copy of Pulumi.yaml and of stack files, to which the engine may write."""
        return self.root / "project"

    @property
    def pulumi_home(self) -> Path:
        return self.root / "pulumi"

    @property
    def pulumi_state(self) -> Path:
        return self.root / "state"

    @property
    def pulumi_passphrase(self) -> Path:
        return self.root / "passphrase"


def cache_folder() -> Path:
    """Return the folder for what all clones share: `$XDG_CACHE_HOME/openai-compatible-llm`, or below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base and Path(base).is_absolute() else Path.home() / ".cache") / "openai-compatible-llm"


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone can read. It is replaced in one step, so that nobody reads half of it."""
    descriptor, partial = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(text)
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
