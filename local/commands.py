"""Implements `make up`, `preview`, `down` and `status`."""

import logging
import shutil
from collections.abc import Iterable
from functools import cached_property

from rich.console import Console
from rich.table import Table

from local.control_plane import PROGRAMS
from local.control_plane.api_server import Manifest, namespace_objects
from local.control_plane.control_plane import ControlPlane
from local.demo import GATEWAY as DEMO_GATEWAY
from local.demo import STACK as DEMO
from local.demo import demo
from local.demo.provider import DemoProvider
from local.engine.checkpoints import Checkpoint, checkpoints
from local.engine.interruption import wait_for_orphans
from local.engine.project import copy_project, project_name, read_settings, refuse_unknown, write_stack
from local.engine.stacks import Stacks
from local.environment import Environment
from local.errors import LocalError
from local.folders import StateFolder
from local.gateway.api import DEFAULT_GATEWAY, gateway_objects
from local.gateway.attachments import Attachment, attachments
from local.gateway.gateways import Gateways
from local.processes import DetachedProcesses
from local.stack_files import Settings, read_key_variables, read_placements
from local.toolchain.binaries import Binaries, find_or_build
from local.toolchain.tools import KUBERNETES_PROVIDER

logger = logging.getLogger(__name__)


class Commands:
    """Runs commands on one state folder. The caller holds its lock."""

    def __init__(self, state: StateFolder, environment: Environment, console: Console) -> None:
        self._state = state
        self._environment = environment
        self._console = console
        self._gateways = Gateways(state, environment.shared)
        self._demo_provider = DemoProvider(state)

    def up(self, names: list[str], gateway: str | None = None) -> None:
        """Starts what doesn't run, deploys the stacks, and shows what they created.

        Args:
            names: The stacks' names.
            gateway: Name of the gateway to run. It is downloaded unless the cache has it. None runs the same as before.
        """
        self._use(gateway)
        stacks = self._prepare(names)
        if demo.is_among(names):
            self._demo_provider.start()
        gateways, definitions = self._gateways.prepare(self._attached(names))
        objects = self._namespaces(names)
        for each in gateways or [DEFAULT_GATEWAY]:
            objects += gateway_objects(each)
        self._control_plane.start(objects, definitions)
        self._gateways.stop_unusable()
        self._gateways.start(gateways)
        changed = [stacks.up(name) for name in names]
        self._show(checkpoints(self._state.pulumi_state, names))
        self._report_gateways()
        self._warn_of_open_gateways(names)
        if not any(changed):
            logger.info("Nothing changed.")

    def demo(self, gateway: str | None = None) -> None:
        """Deploys the demo's stack as `up` does, if a gateway can run here, and says how to ask its provider."""
        demo.check(gateway)
        self._use(gateway)
        demo.check_gateway(self._gateways.can_run(DEMO_GATEWAY), self._environment.shared)
        self.up([DEMO])
        if not (running := self._gateways.running(DEMO_GATEWAY)):
            raise LocalError("The demo's gateway does not run; see the message above.")
        demo.wait_for_answer(running.url)
        logger.info(demo.next_steps(running.url))

    def preview(self, names: list[str]) -> None:
        """Shows what `up` would change in the stacks. Gateways stay as they are."""
        stacks = self._prepare(names)
        _, definitions = self._gateways.prepare(self._attached(names))
        self._control_plane.start(self._namespaces(names), definitions)
        for name in names:
            stacks.preview(name)

    def down(self) -> None:
        """Destroys the stacks, and stops and removes everything even if that fails."""
        processes = DetachedProcesses(self._state)
        if not self._state.root.exists() and not processes.names():
            logger.info("Nothing is running.")
            return
        try:
            wait_for_orphans(self._state)
            destroyed = self._destroy()
        finally:
            processes.stop_all(last=PROGRAMS)
        if self._state.root.exists():
            shutil.rmtree(self._state.root)
        logger.info(f"{'Destroyed the stacks' if destroyed else 'Removed everything'} and stopped the control plane.")

    def status(self) -> None:
        """Shows what runs and what is deployed."""
        if not self._state.root.exists():
            logger.info("The control plane is not running.")
            return
        logger.info(f"The control plane is {'running' if self._control_plane.running else 'not running'}.")
        self._show(checkpoints(self._state.pulumi_state))
        self._report_gateways()
        if demo.is_among([each.stack for each in checkpoints(self._state.pulumi_state)]):
            logger.info(self._demo_provider.report())

    def _use(self, gateway: str | None) -> None:
        if gateway:
            # Importing it takes long, and few commands download.
            from local.gateway.pull import ensure_gateway

            self._gateways.use(ensure_gateway(gateway, self._environment.shared))

    def _prepare(self, names: list[str]) -> Stacks:
        """Returns the stacks, ready to run, after those of these names were copied."""
        of_clone = [name for name in names if name != DEMO] if demo.is_among(names) else names
        refuse_unknown(of_clone)
        self._state.create()
        wait_for_orphans(self._state)
        copy_project(self._state.pulumi_project, of_clone)
        if of_clone != names:
            name = project_name(self._state.pulumi_project)
            write_stack(self._state.pulumi_project, DEMO, demo.stack_file(self._demo_provider.base_url, name))
        return self._stacks()

    def _stacks(self) -> Stacks:
        pulumi, provider = self._binaries.pulumi, self._binaries.kubernetes_provider
        KUBERNETES_PROVIDER.install(self._state.pulumi_home, provider)
        if provider == KUBERNETES_PROVIDER.built:
            own, newer = KUBERNETES_PROVIDER.version, KUBERNETES_PROVIDER.published_version
            logger.info(
                f"The Kubernetes provider is the official one, {own}, built from its Go module. The engine warns that "
                f"it is older than {newer}; a newer one on PATH is used instead."
            )
        return Stacks(self._state, self._environment, pulumi, "always" if self._console.is_terminal else "never")

    def _destroy(self) -> bool:
        """Destroys the stacks, and tells whether that succeeded. Without a running control plane none has objects."""
        try:
            if not self._state.pulumi_state.exists() or not self._control_plane.running:
                return False
            copy_project(self._state.pulumi_project, [])
            self._stacks().destroy_all()
        except (LocalError, OSError) as error:
            logger.warning(f"Can't destroy the stacks, so the control plane is removed with everything in it. {error}")
            return False
        return True

    def _attached(self, names: Iterable[str] = ()) -> list[Attachment]:
        """Returns what deployed stacks and those of these names attach to Gateways."""
        names = list(names)
        deployed = [each.stack for each in checkpoints(self._state.pulumi_state) if each.stack not in names]
        return attachments({name: read_placements(self._settings(name)) for name in [*deployed, *names]})

    def _namespaces(self, names: Iterable[str]) -> list[Manifest]:
        placements = [each for name in names for each in read_placements(self._settings(name)).values()]
        return namespace_objects(sorted({each.namespace for each in placements}))

    def _settings(self, name: str) -> Settings:
        return read_settings(self._state.pulumi_project, name)

    def _show(self, stacks: Iterable[Checkpoint]) -> None:
        objects = Table("Stack", "Kind", "Object", title="Kubernetes objects", title_justify="left")
        providers = Table("Stack", "Provider", "Path", "Host", "Model", title="Outputs", title_justify="left")
        for each in stacks:
            for created in each.objects:
                objects.add_row(each.stack, created.kind, created.id)
            for provider, output in each.outputs.get("providers", {}).items():
                model = output.get("model") or "the request's own"
                providers.add_row(each.stack, provider, output["path"], output["host"], model)
            if shared := each.outputs.get("shared"):
                providers.add_row(each.stack, "shared", shared["path"], "the model's provider", "the request's own")
        self._console.print(objects, providers)

    def _report_gateways(self) -> None:
        for line in self._gateways.report(self._attached()):
            logger.info(line)

    def _warn_of_open_gateways(self, names: Iterable[str]) -> None:
        wanted = [each for name in names for each in read_key_variables(self._settings(name))]
        used = dict.fromkeys(filter(None, map(self._environment.key_variable, wanted)))
        if used and any(self._gateways.running(each.gateway) for each in self._attached()):
            logger.warning(
                "The gateway listens on all addresses of this machine: anyone who can reach its port can use your "
                f"{' and '.join(used)}."
            )

    @cached_property
    def _binaries(self) -> Binaries:
        return find_or_build()

    @cached_property
    def _control_plane(self) -> ControlPlane:
        return ControlPlane(self._state, self._binaries)
