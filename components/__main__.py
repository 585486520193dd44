"""Runs the plugin. Pulumi starts this folder for programs in other languages, as PulumiPlugin.yaml says."""

import tomllib
from pathlib import Path

# Python puts the folder that it runs first on the path.
from openai_compatible_llm.plugin import serve  # type: ignore[import-not-found]

if __name__ == "__main__":
    serve(tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text())["project"])
