"""A fresh clone of the project, in which `python -m local` runs as `make` runs it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from local.control_plane.custom_resource_definitions import custom_resource_definitions
from local.folders import StateFolder, cache_folder
from local.toolchain.binaries import find_or_build
from tests.support.cluster import Cluster
from tests.support.repository import REPOSITORY

SECONDS_FOR_A_COMMAND = 150
SECONDS_FOR_A_MAKE = 500
DETACHED = ("etcd", "kube-apiserver", "kube-controller-manager")


@dataclass(frozen=True)
class Done:
    status: int
    stdout: str
    stderr: str

    @property
    def printed(self) -> str:
        return self.stdout + self.stderr


@dataclass
class Running:
    """A command with a process group of its own, as a terminal gives it one."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def wait_for(self, text: str) -> None:
        """Reads on until a line has this text."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return
        raise AssertionError(f"ended without saying {text!r}:\n{''.join(self.said)}")

    def descendants(self) -> list[psutil.Process]:
        """Without the servers, which are to outlive the command."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if _name(child) not in DETACHED]

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def interrupt(self, moment: str, command: str) -> None:
        """Presses Ctrl-C when a line has this text. The command ends in one line, which says to run it again."""
        self.wait_for(moment)
        self.press_ctrl_c()
        done = self.end()
        assert done.status == 130, done.printed
        assert "Traceback" not in done.printed
        assert done.stderr.endswith(f"Interrupted. Run `{command}` again to continue.\n")

    def kill_all(self) -> None:
        for process in (psutil.Process(self.process.pid), *self.descendants()):
            with _gone_already():
                process.kill()
        self.process.communicate()

    def end(self, seconds: float = SECONDS_FOR_A_COMMAND) -> Done:
        stdout, stderr = self.process.communicate(timeout=seconds)
        return Done(self.process.returncode, "".join(self.said) + stdout, stderr)


@dataclass(frozen=True)
class Clone:
    """Beside a user's home that has a kubeconfig and a Pulumi login, neither of which is any of its business."""

    folder: Path
    home: Path
    temporary: Path

    @classmethod
    def make(cls, place: Path) -> "Clone":
        clone = cls(place / "clone", place / "home", place / "tmp")
        copy_repository(clone.folder)
        for file in (clone.home / ".kube/config", clone.home / ".pulumi/credentials.json"):
            file.parent.mkdir(parents=True)
            file.write_text("not to be read")
        clone.temporary.mkdir()
        return clone

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder / ".local")

    @property
    def environment(self) -> dict[str, str]:
        own = ("_API_KEY", "GATEWAY_ASSETS", "SSL_CERT_FILE")
        kept = {name: value for name, value in os.environ.items() if not name.endswith(own)}
        return kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(cache_folder().parent),
            "KUBECONFIG": str(self.home / ".kube/config"),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "PULUMI_ACCESS_TOKEN": "not to be used",
            "PULUMI_BACKEND_URL": (self.home / "nowhere").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "not to be used",
            "PULUMI_HOME": str(self.home / ".pulumi"),
            "PULUMI_K8S_KUBECONFIG": str(self.home / ".kube/config"),
            "PULUMI_STACK": "not-to-be-used",
        }

    def start(self, command: str, *arguments: str, keys: Mapping[str, str] | None = None) -> Running:
        return Running(
            subprocess.Popen(
                [sys.executable, "-m", "local", command, *arguments],
                cwd=self.folder,
                env={**self.environment, **(keys or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )

    def run(self, command: str, *arguments: str, keys: Mapping[str, str] | None = None) -> Done:
        running = self.start(command, *arguments, keys=keys)
        try:
            return running.end()
        except BaseException:
            running.kill_all()
            raise

    def shell(self, command: str, **variables: str) -> Done:
        """Runs a command as its user does: no `make` around it."""
        own = {name: value for name, value in self.environment.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**own, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_MAKE,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def up(self, *stacks: str, **keys: str) -> str:
        """What a run prints that goes well."""
        done = self.run("up", *stacks, keys=keys)
        assert done.status == 0, done.printed
        return done.stdout

    def failure(self, command: str, *arguments: str, **keys: str) -> str:
        """What a run prints that does not."""
        done = self.run(command, *arguments, keys=keys)
        assert done.status == 1, done.printed
        assert "Traceback" not in done.printed
        assert "error: " in done.stderr
        return done.printed

    def stack_file(self, name: str) -> Path:
        return self.folder / "stacks" / f"Pulumi.{name}.yaml"

    @contextmanager
    def cluster(self) -> Iterator[Cluster]:
        with closing(Cluster(self.state.kubeconfig)) as cluster:
            yield cluster

    def processes(self) -> list[psutil.Process]:
        """All that work for this clone: they name its folder in their command line or environment."""
        mine = []
        for process in psutil.process_iter():
            with _gone_already():
                told = [*process.cmdline(), *process.environ().values()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.state.root) in text for text in told):
                    mine.append(process)
        return mine

    def server(self, name: str) -> psutil.Process:
        return next(process for process in self.processes() if _name(process) == name)

    def kill(self, name: str) -> None:
        process = self.server(name)
        process.kill()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)

    def clear_away(self) -> None:
        """Whatever a test has left. What `make down` does has tests of its own."""
        for process in self.processes():
            with _gone_already():
                process.kill()


def copy_repository(folder: Path) -> None:
    """Copies all files that a commit would have."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)


def put_packages(project: Path) -> None:
    """Those that this Python has, as `make` would install them."""
    environment = project / ".venv"
    environment.mkdir(exist_ok=True)
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed" and not (environment / entry.name).exists():
            (environment / entry.name).symlink_to(entry)
    (environment / ".installed").touch()


def put_policy_packages(pack: Path) -> None:
    """Those of the policy pack, which `make` installs once."""
    make = ["make", "--silent", f"PYTHON={sys.executable}", "policy/.venv/.installed"]
    subprocess.run(make, cwd=REPOSITORY, check=True)
    (pack / ".venv").symlink_to(REPOSITORY / "policy/.venv")


@contextmanager
def fresh_clone(factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """What there is to build is built before, with this user's own home."""
    find_or_build()
    list(custom_resource_definitions())
    clone = Clone.make(factory.mktemp("fresh"))
    try:
        yield clone
    finally:
        clone.clear_away()


@contextmanager
def _gone_already() -> Iterator[None]:
    with suppress(psutil.Error, OSError):
        yield


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
