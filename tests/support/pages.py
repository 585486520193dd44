"""Finds the blocks of code in the project's pages. tests/unit/test_pages.py holds that each of them is tested.

A block of commands has a name here, by which the test that runs it can be found.
"""

import re
from dataclasses import dataclass
from textwrap import dedent

from tests.support.repository import REPOSITORY

PAGES = {
    str(file.relative_to(REPOSITORY)): file.read_text()
    for file in sorted(
        [
            *REPOSITORY.glob("*.md"),
            *REPOSITORY.glob("docs/*.md"),
            *REPOSITORY.glob("examples/**/README.md"),
            *REPOSITORY.glob("templates/*.md"),
            REPOSITORY / "components/README.md",
        ]
    )
}
README = "README.md"
ACCESS = "docs/access-and-limits.md"
ACCESS_CONTROL = "docs/access-control.md"
CONTRIBUTING = "CONTRIBUTING.md"
ENDPOINTS = "docs/endpoints.md"
ENVIRONMENTS = "docs/environments.md"
EXAMPLES = "examples/{}/README.md"
GATEWAY = "docs/gateway.md"
GATEWAY_APIS = "docs/gateway-apis.md"
OTHER_LANGUAGES = "docs/other-languages.md"
POLICIES = "docs/policies.md"
RECIPES = "docs/recipes.md"
REFERENCE = "docs/reference.md"
TEMPLATES = "templates/README.md"
TAKING_OVER = "docs/taking-over.md"
TROUBLESHOOTING = "docs/troubleshooting.md"
UPGRADING = "docs/upgrading.md"

_FENCED = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_HEREDOC = re.compile(r"<<'YAML'\n(.*?)^YAML$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code between ``` and ```; the language is empty where it is output."""

    page: str
    language: str
    text: str


BLOCKS = [
    Block(page, language, dedent(content))
    for page, text in PAGES.items()
    for _, language, content in _FENCED.findall(text)
]


def blocks(language: str, page: str | None = None) -> list[str]:
    """Returns the blocks in this language, of one page or of all, in their order."""
    return [each.text for each in BLOCKS if each.language == language and page in (None, each.page)]


def block_with(text: str, page: str, language: str = "sh") -> str:
    """Returns the page's one block that has this text in it."""
    (found,) = (block for block in blocks(language, page) if text in block)
    return found


def prose(page: str) -> str:
    """Returns the page without its blocks of code."""
    return _FENCED.sub("", PAGES[page])


def manifests(commands: str) -> list[str]:
    """Returns the YAML that commands hand to kubectl."""
    return _HEREDOC.findall(commands)


def symptom(text: str) -> str:
    """Returns a symptom that the page on troubleshooting has a remedy for."""
    assert re.search(rf"^\| [^|]*`{re.escape(text)}`[^|]*\|", PAGES[TROUBLESHOOTING], re.MULTILINE), text
    return text


TRY_IT = block_with("make test\n", README)
IN_BETWEEN = block_with("make up STACK=mistral", README)
NEW_STACK = block_with("pulumi stack init", README)
LIST_GATEWAYS = block_with("kubectl get gateways", README)
SET_KEY = block_with("pulumi config set --secret", README)
ASK = block_with("make chat", README)
INSTALL = block_with("pip install", README)

SHOW_OUTPUTS = block_with("pulumi stack output", REFERENCE)

NEW_ENVIRONMENT = block_with("pulumi stack init prod", ENVIRONMENTS)
CHANGE_SETTINGS = block_with("rewriteHost", ENVIRONMENTS)
USE_ANOTHER_FILE = block_with("--config-file", ENVIRONMENTS)
USE_PASSPHRASE = block_with("--secrets-provider", ENVIRONMENTS)
REMOVE = block_with("'providers.openai'\n", ENVIRONMENTS)
RENAME = block_with("providers.reasoning", ENVIRONMENTS)
MOVE = block_with("pulumi state move", ENVIRONMENTS)
MOVE_NAMESPACE = block_with("config rm --stack prod", ENVIRONMENTS)
SKIP_CHECKPOINTS = block_with("PULUMI_SKIP_CHECKPOINTS", ENVIRONMENTS)

SHOW_CLASSES = block_with("kubectl get gatewayclasses", GATEWAY_APIS)
ADD_SECOND = block_with("providers.mistral-2.apiKey", GATEWAY_APIS)
ASK_SECOND = block_with("make chat", GATEWAY_APIS)
REMOVE_FIRST = block_with("config rm", GATEWAY_APIS)

REMOVE_ANNOTATION = block_with("kubectl annotate", TAKING_OVER)
ADOPT = block_with("pulumi up", TAKING_OVER)
NOTHING_LEFT = block_with("--expect-no-changes", TAKING_OVER)

ADD_CLIENT, SHOW_CLIENT, ADD_CLIENT_KEY, REMOVE_CLIENT = blocks("sh", ACCESS)

CREATE_ROLE = block_with("docs/role.yaml", ACCESS_CONTROL)
APPLY_POLICIES = block_with("--policy-pack", POLICIES)
ADD_PACKAGE = block_with("pulumi package add", OTHER_LANGUAGES)

ASK_BRIEFLY = block_with("make chat", TROUBLESHOOTING)
ASK_INSTALLED = block_with("python -m openai_compatible_llm.doctor", TROUBLESHOOTING)
ALLOW_LARGE_REQUESTS = block_with("maxBufferSize", TROUBLESHOOTING)

USE_LOCAL_GATEWAY = block_with("export GATEWAY_ASSETS", GATEWAY)
GET_PROGRAMS = block_with("docker create", GATEWAY)

COPY_PYTHON, COPY_YAML, COPY_TYPESCRIPT = (
    block_with("cp -r", EXAMPLES.format(language)) for language in ("python", "yaml", "typescript")
)
DEPLOY_PROGRAM = block_with("pulumi up", EXAMPLES.format("python"))
ASK_PROGRAM = block_with("curl", EXAMPLES.format("python"))
DESTROY_PROGRAM = block_with("pulumi destroy", EXAMPLES.format("python"))
COPY_BESIDE_GATEWAY = block_with("cp -r", EXAMPLES.format("existing-gateway"))
FIND_GATEWAY_AND_STORE = block_with("kubectl get clustersecretstores", EXAMPLES.format("existing-gateway"))
COPY_FAILOVER = block_with("cp examples", EXAMPLES.format("failover"))
SET_KEYS = block_with("openssl", EXAMPLES.format("failover"))
ASK_AS_CLIENT = block_with("curl", EXAMPLES.format("failover"))
DEPLOY = block_with("pulumi up", EXAMPLES.format("failover"))
CREATE_CLUSTER = block_with("kind.sh all", EXAMPLES.format("kind"))
DELETE_CLUSTER = block_with("kind.sh delete", EXAMPLES.format("kind"))
INSTALL_GATEWAY = block_with("kind.sh gateway", EXAMPLES.format("kind"))

NEW_PYTHON_PROJECT, NEW_YAML_PROJECT = (
    block_with(f"templates/{language}", TEMPLATES) for language in ("python", "yaml")
)
PREVIEW_PROJECT = block_with("pulumi preview", TEMPLATES)

BEFORE_A_COMMIT = block_with("make lint test\n", CONTRIBUTING)
CI = block_with("test-slow", CONTRIBUTING)

NOT_RUN = {
    "GET_PROGRAMS": "needs Docker, Helm and the projects' registries",
    "CREATE_CLUSTER": "needs Docker; tests/gateway/examples/test_examples.py runs the script's steps that need none",
    "DELETE_CLUSTER": "needs Docker",
    "INSTALL_GATEWAY": "needs Helm and a cluster with pods; tests/unit/test_kind_script.py checks what it runs",
    "FIND_GATEWAY_AND_STORE": "needs the operator's definitions in the cluster",
    "ALLOW_LARGE_REQUESTS": "needs agentgateway; its manifest is held against the CRDs in tests/contract",
    "USE_LOCAL_GATEWAY": "needs the gateways' programs, with which tests/gateway/make_up runs the same targets",
    "BEFORE_A_COMMIT": "runs the tests",
    "CI": "runs the tests, from .ci/run",
}
"""Blocks of commands that no test runs as they stand, and why."""

EXAMPLE_GATEWAY = "http://localhost:8080"
EXAMPLE_OBJECTS = (REPOSITORY / "examples/kind/gateway.yaml").read_text()

CLUSTER_STACK = block_with("kgateway-system", README, "yaml")
SECOND_COMPONENT = block_with("mistral-2", GATEWAY_APIS, "yaml")
UPGRADE = block_with("endpoints: chat", UPGRADING, "yaml")
YAML_PROGRAM = block_with("runtime: yaml", OTHER_LANGUAGES, "yaml")
PROJECT_DEFAULTS = block_with("# Pulumi.yaml\n", ENVIRONMENTS, "yaml")
ESC_ENVIRONMENT = block_with("# llm/prod, in Pulumi ESC", ENVIRONMENTS, "yaml")
STACK_FILES = [block for block in blocks("yaml") if block.startswith("# stacks/Pulumi.")]
