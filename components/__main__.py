"""The plugin's entry: Pulumi runs this folder, as PulumiPlugin.yaml says, for programs in other languages."""

import tomllib
from pathlib import Path

# The folder that runs is the first on the path.
from openai_compatible_llm.plugin import serve  # type: ignore[import-not-found]

if __name__ == "__main__":
    serve(tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text())["project"])
