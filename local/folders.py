"""Where the local control plane keeps its things: state inside the clone, what was built outside of it."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class StateFolder:
    """What one control plane and its stacks leave on disk. Readable by the owner alone; `make down` removes it."""

    root: Path

    @classmethod
    def of_this_clone(cls) -> "StateFolder":
        return cls(REPOSITORY / ".local")

    def create(self) -> None:
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
    def gateways(self) -> Path:
        """What the last `make up` knew of gateways: where their programs are, and the API of each Gateway."""
        return self.root / "gateways.json"

    @property
    def lock(self) -> Path:
        """Beside the folder, so that it outlives the folder's removal while someone waits for it."""
        return self.root.with_name(self.root.name + ".lock")

    @property
    def pulumi_project(self) -> Path:
        """A copy of the project's Pulumi.yaml and stack files, to which the engine may write."""
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
    """What is built once for all clones: `$XDG_CACHE_HOME/openai-compatible-llm`, or below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base and Path(base).is_absolute() else Path.home() / ".cache") / "openai-compatible-llm"


def write_private(file: Path, text: str) -> None:
    """Write the file in one step, so that nobody reads half of it, for its owner alone."""
    descriptor, partial = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as output:
            output.write(text)
        Path(partial).replace(file)
    except BaseException:
        Path(partial).unlink()
        raise
