"""Builds what a release has beside the wheel and the sdist: `make dist`.

Of a package on GitHub, Pulumi gets the plugin as an archive of the release, named after the machine's platform. The
plugin is in Python, so the archives of all platforms are the same. The templates get the package from a clone; those of
a release get the released one.
"""

import gzip
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from components.openai_compatible_llm import __version__
from tools.schema import REPOSITORY, read_project

PLUGIN = "components"
LOCKED = "requirements.txt"
PLATFORMS = ("darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64")
CLONE = "../openai-compatible-llm/components"
COMMENTS = ("  # The package comes from a clone beside this project.\n", "# From a clone beside this project.\n")


def main(repository: Path, build: Path) -> None:
    """Writes the plugin's archives and the templates into the folder `build`."""
    name = read_project(repository)["name"]
    build.mkdir(parents=True, exist_ok=True)
    archive = plugin_archive(repository)
    for platform in PLATFORMS:
        (build / f"pulumi-resource-{name}-v{__version__}-{platform}.tar.gz").write_bytes(archive)
    write_templates(repository, build / "templates", name)


def plugin_archive(repository: Path) -> bytes:
    """Returns the plugin's folder as a compressed archive. The same files give the same bytes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository / PLUGIN, capture_output=True, text=True, check=True
    )
    contents = {
        file: (repository / PLUGIN / file).read_bytes() for file in sorted(filter(None, listed.stdout.split("\0")))
    }
    # In a clone, the plugin's file refers to the repository's, which isn't in the archive.
    contents[LOCKED] = (repository / LOCKED).read_bytes()
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for file, content in contents.items():
            member = tarfile.TarInfo(file)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write_templates(repository: Path, place: Path, name: str) -> None:
    """Copies the templates, and has them take the released package instead of a clone beside the project."""
    shutil.rmtree(place, ignore_errors=True)
    for manifest in sorted((repository / "templates").glob("*/Pulumi.yaml")):
        folder = place / manifest.parent.name
        shutil.copytree(manifest.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (folder / "Pulumi.yaml", folder / "requirements.txt"):
            if file.exists():
                released = f"{name}@{__version__}" if file.suffix == ".yaml" else f"{name}=={__version__}"
                text = file.read_text().replace(CLONE, released)
                for comment in COMMENTS:
                    text = text.replace(comment, "")
                file.write_text(text)


if __name__ == "__main__":
    main(REPOSITORY, Path(sys.argv[1]))
