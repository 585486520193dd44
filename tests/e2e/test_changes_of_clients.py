"""What a change of a stack's clients touches, always in place, and that nothing changes otherwise."""

import copy
import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from local.control_plane.control_plane import ControlPlane
from tests.e2e.pulumi_cli import PulumiCli, cli_in_a_copy, succeeded
from tests.support.cluster import Cluster, Objects, changes
from tests.support.recording import PROJECT

pytestmark = pytest.mark.slow

Config = dict[str, Any]
PROVIDERS = {"mistral": ["mistral-*", "codestral-latest"], "deepseek": ["deepseek-*"]}
WEB = "the-key-of-the-client-web"
LOCALLY, BY_SERVICE = "locally", "by_service"


def config(counted: str, providers: str, gateways: str) -> Config:
    limits = [{"tokens": 5, "per": "hour"}] if counted == LOCALLY else [{"tokens": 5, "per": "day"}]
    service = {} if counted == LOCALLY else {"rateLimitService": {"host": "ratelimit.llm"}}
    return {
        "api": "agentgateway",
        "namespace": providers,
        "gateway": {"namespace": gateways},
        "shared": {"routePath": "/llm"},
        "clients": {
            "web": {"apiKey": WEB, "models": ["mistral-*"], "rateLimits": limits},
            "cron": {"apiKey": "the-key-of-the-client-cron"},
        },
        **service,
        "providers": {name: {"apiKey": f"key-of-{name}", "models": models} for name, models in PROVIDERS.items()},
    }


@dataclass(frozen=True)
class Deployment:
    """A stack with clients, and the namespaces of its providers and of its Gateway."""

    cli: PulumiCli
    cluster: Cluster
    config: Config
    providers: str
    gateways: str

    def write(self, changed: Config) -> None:
        settings = {f"{PROJECT}:{name}": value for name, value in changed.items()}
        (self.cli.project / "stacks/Pulumi.test.yaml").write_text(yaml.safe_dump({"config": settings}))

    def up(self, changed: Config) -> str:
        self.write(changed)
        return succeeded(self.cli("up", "--skip-preview"))

    def live(self) -> Objects:
        return self.cluster.everything_in_all(self.providers, self.gateways)

    def objects(self, *names: str) -> set[tuple[str, str, str]]:
        """Returns the keys of objects that are written as `kind/name`."""
        split = (name.split("/") for name in names)
        return {(self.gateways if name.startswith("llm") else self.providers, kind, name) for kind, name in split}


@contextmanager
def deployed(counted: str, control_plane: ControlPlane, folders: pytest.TempPathFactory) -> Iterator[Deployment]:
    kubeconfig = control_plane.state.kubeconfig
    cli = cli_in_a_copy(folders.mktemp("clients")).with_environment(KUBECONFIG=str(kubeconfig))
    own = uuid.uuid4().hex[:8]
    with (
        closing(Cluster(kubeconfig)) as cluster,
        cluster.new_namespace(f"providers-{own}") as providers,
        cluster.new_namespace(f"gateways-{own}") as gateways,
    ):
        deployment = Deployment(cli, cluster, config(counted, providers, gateways), providers, gateways)
        succeeded(cli("stack", "init", "test"))
        deployment.up(deployment.config)
        yield deployment
        succeeded(cli("destroy", "--skip-preview"))
        assert deployment.live() == {}


@pytest.fixture(scope="module")
def locally(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(LOCALLY, control_plane, tmp_path_factory) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def by_service(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(BY_SERVICE, control_plane, tmp_path_factory) as deployment:
        yield deployment


@pytest.fixture
def deployment(counted: str, request: pytest.FixtureRequest) -> Deployment:
    found: Deployment = request.getfixturevalue(counted)
    return found


@pytest.mark.parametrize("counted", [LOCALLY, BY_SERVICE])
def test_a_second_preview_changes_nothing(deployment: Deployment) -> None:
    deployment.write(deployment.config)
    succeeded(deployment.cli("preview", "--expect-no-changes"))
    succeeded(deployment.cli("preview", "--refresh", "--expect-no-changes"))
    before = deployment.live()
    deployment.up(deployment.config)
    assert changes(before, deployment.live()) == (set(), set(), set())


SECRETS = ("Secret/mistral-clients", "Secret/deepseek-clients", "Secret/llm-clients")
POLICIES = ("AgentgatewayPolicy/mistral", "AgentgatewayPolicy/deepseek")
OF_LIST = ("AgentgatewayPolicy/llm-models", "AgentgatewayPolicy/llm-unknown")
LIMITS = ("ConfigMap/llm-rate-limits",)
BACKENDS = tuple(f"AgentgatewayBackend/{name}-rate-limits" for name in ("mistral", "deepseek", "llm"))


def rotate(stack: Config) -> None:
    stack["clients"]["web"]["apiKey"] = "another-key-of-the-client-web"


def give_the_hash(stack: Config) -> None:
    del stack["clients"]["web"]["apiKey"]
    stack["clients"]["web"]["apiKeySha256"] = hashlib.sha256(WEB.encode()).hexdigest()


def add(stack: Config) -> None:
    stack["clients"]["batch"] = {"apiKey": "the-key-of-the-client-batch", "models": ["deepseek-*"]}


def add_with_limit(stack: Config) -> None:
    stack["clients"]["batch"] = {
        "apiKey": "the-key-of-the-client-batch",
        "rateLimits": [{"requests": 1, "per": "hour"}],
    }


def remove(stack: Config) -> None:
    del stack["clients"]["cron"]


def remove_with_limit(stack: Config) -> None:
    del stack["clients"]["web"]


def change_models(stack: Config) -> None:
    stack["clients"]["web"]["models"] = ["codestral-latest"]


def change_limit(stack: Config) -> None:
    stack["clients"]["web"]["rateLimits"][0]["tokens"] = 6


def remove_limit(stack: Config) -> None:
    del stack["clients"]["web"]["rateLimits"]


def change_header(stack: Config) -> None:
    stack["clientAuthHeader"] = {"headerName": "x-api-key"}


def change_service(stack: Config) -> None:
    stack["rateLimitService"]["port"] = 9090


def change_failure(stack: Config) -> None:
    stack["rateLimitService"]["failOpen"] = True


def change_domain(stack: Config) -> None:
    stack["rateLimitService"]["domain"] = "other"


Change = Callable[[Config], None]

# What each change touches where each proxy counts, and where the service does.
CHANGES: list[tuple[Change, tuple[str, ...] | None, tuple[str, ...]]] = [
    (rotate, SECRETS, SECRETS),
    (give_the_hash, (), ()),
    (add, SECRETS, SECRETS),
    (add_with_limit, (*SECRETS, *POLICIES), (*SECRETS, *LIMITS)),
    (remove, SECRETS, SECRETS),
    (remove_with_limit, (*SECRETS, *POLICIES), (*SECRETS, *LIMITS)),
    (change_models, SECRETS, SECRETS),
    (change_limit, POLICIES, LIMITS),
    (remove_limit, POLICIES, LIMITS),
    (change_header, (*POLICIES, *OF_LIST), (*POLICIES, *OF_LIST)),
    (change_service, None, BACKENDS),
    (change_failure, None, (*POLICIES, *OF_LIST)),
    (change_domain, None, (*POLICIES, *OF_LIST, *LIMITS)),
]


CASES = [
    pytest.param(counted, change, touched, id=f"{change.__name__} {counted}")
    for change, *both in CHANGES
    for counted, touched in zip((LOCALLY, BY_SERVICE), both, strict=True)
    if touched is not None
]


@pytest.mark.parametrize(("counted", "change", "touched"), CASES)
def test_a_change_touches_these_objects_alone_and_in_place_and_so_does_the_way_back(
    deployment: Deployment, change: Change, touched: tuple[str, ...]
) -> None:
    changed = copy.deepcopy(deployment.config)
    change(changed)
    for target in (changed, deployment.config):
        before = deployment.live()
        printed = deployment.up(target)
        assert changes(before, deployment.live()) == (set(), deployment.objects(*touched), set())
        assert "replaced" not in printed


@pytest.mark.parametrize("counted", [LOCALLY, BY_SERVICE])
def test_the_first_client_and_the_last_one_come_and_go_with_their_objects(deployment: Deployment) -> None:
    of_service = {"ConfigMap/llm-rate-limits", *BACKENDS} if "rateLimitService" in deployment.config else set()
    none = {name: value for name, value in deployment.config.items() if name not in ("clients", "rateLimitService")}
    before = deployment.live()
    deployment.up(none)
    created, changed, deleted = changes(before, deployment.live())
    assert (created, deleted) == (set(), deployment.objects(*SECRETS, *of_service))
    backends = {f"AgentgatewayBackend/{name}" for name in PROVIDERS}
    assert deployment.objects(*POLICIES, *OF_LIST) <= changed <= deployment.objects(*POLICIES, *OF_LIST, *backends)
    without = deployment.live()
    deployment.up(deployment.config)
    created, _, deleted = changes(without, deployment.live())
    assert (created, deleted) == (deployment.objects(*SECRETS, *of_service), set())
