"""Downloads programs that their projects publish."""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import closing

from local.folders import REPOSITORY, cache_folder
from local.lock import exclusive
from local.toolchain.jobs import Job, run
from local.toolchain.tools import ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBERNETES_PROVIDER, PULUMI, Tool

logger = logging.getLogger(__name__)

SECONDS_TO_DOWNLOAD = 180

# What `local.toolchain.published` downloads at the version of one program, and where it leaves each program.
PUBLISHED: dict[tuple[str, Tool], dict[Tool, str]] = {
    ("envtest", KUBE_APISERVER): {ETCD: "k8s/*/etcd", KUBE_APISERVER: "k8s/*/kube-apiserver"},
    ("kubernetes", KUBE_CONTROLLER_MANAGER): {KUBE_CONTROLLER_MANAGER: "kube-controller-manager"},
    ("pulumi", PULUMI): {PULUMI: "bin/pulumi"},
    ("kubernetes-provider", KUBERNETES_PROVIDER): {KUBERNETES_PROVIDER: KUBERNETES_PROVIDER.name},
}


def download(tools: Sequence[Tool]) -> None:
    """Download programs that are not in the cache yet, side by side. Report which can't be had, and why.

    Raises:
        LocalError: Another process has been downloading or building for too long.
    """
    with exclusive(cache_folder() / "build.lock"):
        missing = [tool for tool in tools if not tool.cached.exists()]
        jobs = [
            _job(project, version_of.published_version, wanted)
            for (project, version_of), published in PUBLISHED.items()
            if (wanted := {tool: pattern for tool, pattern in published.items() if tool in missing})
        ]
        if not jobs:
            return
        names = ", ".join(tool.name for tool in missing)
        title = f"Downloading {names}; this takes {SECONDS_TO_DOWNLOAD // 60} minutes at most"
        with closing(run(jobs, title)) as ended:
            for job, failure in ended:
                if failure:
                    logger.warning(f"Can't download {job.names}: {failure}")
        for tool in missing:
            program = tool.downloaded
            if program.exists() and (reason := tool.refusal(program)):
                logger.warning(f"The downloaded {tool.name} is of no use: {reason}")
                program.unlink()


def _job(project: str, version: str, wanted: dict[Tool, str]) -> Job:
    places = {pattern: tool.downloaded for tool, pattern in wanted.items()}
    folder = next(iter(places.values())).parent / f"partial-{project}"
    return Job(
        folder=folder,
        programs=places,
        command=[sys.executable, "-m", "local.toolchain.published", project, version, str(folder)],
        working_folder=REPOSITORY,
        environment=os.environ,
        log=cache_folder() / "logs" / f"download-{project}.log",
        seconds=SECONDS_TO_DOWNLOAD,
    )
