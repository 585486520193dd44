"""Changes of what shares one URL under load: providers, models, lists and components; others lose no request."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from local.waiting import wait_until
from tests.gateway.one_url import PATH, SECONDS, OneUrl, asked_for, error_of
from tests.gateway.openai_provider import OpenAIProvider
from tests.support.cluster import Cluster

AROUND = 60


@contextmanager
def load_on(one_url: OneUrl, *models: str) -> Iterator[Callable[[], None]]:
    """Sends requests for each model, of which none may be lost, and yields what waits until more have been answered."""
    with ExitStack() as stack:
        loads = [stack.enter_context(one_url.load_on(model)) for model in models]

        def wait() -> None:
            for load in loads:
                load.wait_for(AROUND)

        wait()
        yield wait
        wait()
    assert {model: load.lost for model, load in zip(models, loads, strict=True)} == {model: {} for model in models}


def test_providers_come_and_go_and_change_their_own_objects_and_the_list_alone(
    one_url: OneUrl, other_provider: OpenAIProvider, cluster: Cluster
) -> None:
    one = {"one": one_url.config(models=["gpt-5", "gpt-5-mini"])}
    both = {**one, "two": one_url.config(other_provider, models=["mistral-*", "codestral-2"])}
    one_url.deploy(one)
    one_url.until_served("gpt-5")
    before = cluster.everything_in(one_url.namespace)
    with load_on(one_url, "gpt-5", "gpt-5-mini") as wait:
        for _ in range(2):
            assert "1 updated" in one_url.deploy(both)
            one_url.until(200, body={"model": "mistral-small"})
            one_url.until_listed("codestral-2", "gpt-5", "gpt-5-mini")
            wait()
            assert "1 updated" in one_url.deploy(one)
            one_url.until(404, body={"model": "mistral-small"})
            one_url.until_listed("gpt-5", "gpt-5-mini")
            wait()
    assert set(asked_for(one_url.provider)) == {"gpt-5", "gpt-5-mini"}
    assert set(asked_for(other_provider)) == {"mistral-small"}
    after = cluster.everything_in(one_url.namespace)
    assert after.keys() == before.keys()
    assert {key: each["spec"] for key, each in after.items() if "spec" in each} == {
        key: each["spec"] for key, each in before.items() if "spec" in each
    }


def test_the_models_of_a_provider_change_and_requests_for_all_others_are_answered(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    def deploy(*models: str, **aliases: str) -> str:
        two = one_url.config(other_provider, models=["mistral-*", *models], modelAliases=aliases or None)
        return one_url.deploy({"one": one_url.config(models=["gpt-5"]), "two": two})

    deploy("old")
    one_url.until_served("gpt-5", "mistral-small", "old")
    with load_on(one_url, "gpt-5", "mistral-small") as wait:
        # The route and the list.
        assert "2 updated" in deploy("new", "a.b+c(d)")
        one_url.until(200, body={"model": "new"})
        one_url.until(404, body={"model": "old"})
        one_url.until_listed("a.b+c(d)", "gpt-5", "new")
        wait()
        # And the backend, which has the alias, and the policy: embeddings are governed now.
        deploy("new", fast="mistral-tiny")
        one_url.until(200, body={"model": "fast"})
        one_url.until_listed("fast", "gpt-5", "new")
        wait()
        deploy("old")
        one_url.until(200, body={"model": "old"})
        one_url.until(404, body={"model": "fast"})
    assert "mistral-tiny" in asked_for(other_provider)
    assert set(asked_for(one_url.provider)) == {"gpt-5"}
    assert "unchanged" in one_url.project("preview", "--stack", "test", "--expect-no-changes")


def test_the_list_takes_models_of_other_stacks_in_and_out(one_url: OneUrl) -> None:
    providers = {"one": one_url.config(models=["gpt-5"])}
    one_url.deploy(providers)
    one_url.until_served("gpt-5")
    with load_on(one_url, "gpt-5"):
        assert "1 updated" in one_url.deploy(providers, models={"elsewhere": ["b-1", "c-*"]})
        one_url.until_listed("b-1", "gpt-5")
        assert "1 updated" in one_url.deploy(providers)
        one_url.until_listed("gpt-5")


def without_shared(one_url: OneUrl, providers: dict[str, Any]) -> str:
    """Deploys the providers of a stack whose URL another stack has."""
    one_url.write(providers)
    return one_url.project.up()


def test_providers_of_one_stack_share_the_url_of_another(one_url: OneUrl, other_provider: OpenAIProvider) -> None:
    gateway = one_url.another_stack("gateway")
    gateway.deploy({}, models={"one": ["gpt-5"], "two": ["mistral-*", "codestral-2"]})
    one_url.until_listed("codestral-2", "gpt-5")
    assert wait_until(lambda: error_of(one_url.ask(body={"model": "gpt-5"})), SECONDS)

    one = {"one": one_url.config(models=["gpt-5"], sharedRoutePath=PATH)}
    two = {"two": one_url.config(other_provider, models=["mistral-*", "codestral-2"], sharedRoutePath=PATH)}
    without_shared(one_url, one)
    one_url.until_served("gpt-5")
    with load_on(one_url, "gpt-5"):
        team = one_url.another_stack("team")
        without_shared(team, two)
        one_url.until_served("mistral-small", "codestral-2")
        gateway.deploy({}, models={"one": ["gpt-5"], "two": ["codestral-2", "mistral-9"]})
        one_url.until_listed("codestral-2", "gpt-5", "mistral-9")
        team.destroy()
        one_url.until(404, body={"model": "mistral-small"})
    assert set(asked_for(one_url.provider)) == {"gpt-5"}
    assert set(asked_for(other_provider)) == {"mistral-small", "codestral-2"}

    assert "unchanged" in gateway.project("preview", "--stack", "gateway", "--expect-no-changes")
    gateway.destroy()
    # Without the policy, no request names a model any more.
    one_url.until(404, body={"model": "gpt-5"})


def test_of_two_stacks_with_one_model_the_route_that_comes_first_in_the_alphabet_serves_it(
    one_url: OneUrl, other_provider: OpenAIProvider
) -> None:
    one_url.deploy({"b": one_url.config(models=["gpt-5"])})
    one_url.until_served("gpt-5")
    newer = {"a": one_url.config(other_provider, models=["gpt-5"], sharedRoutePath=PATH)}
    without_shared(one_url.another_stack("team"), newer)

    def is_served_by_the_newer() -> bool:
        assert one_url.ask(body={"model": "gpt-5"}).status == 200
        return bool(other_provider.requests)

    assert wait_until(is_served_by_the_newer, SECONDS)
    one_url.provider.requests.clear()
    assert one_url.ask(body={"model": "gpt-5"}).status == 200
    assert one_url.provider.requests == []


def test_further_components_come_to_the_gateway_and_go(one_url: OneUrl) -> None:
    one_url.deploy({"one": one_url.config(models=["gpt-5"])})
    one_url.until_served("gpt-5")
    other, second = one_url.another_stack("other"), "/second"
    with load_on(one_url, "gpt-5") as wait:
        for _ in range(2):
            other.deploy({}, name="second", routePath=second, models={"elsewhere": ["b-1"]})
            assert wait_until(lambda: other.listed(f"{second}/v1/models") == [("b-1", "elsewhere")], SECONDS)
            wait()
            other.destroy()
            assert wait_until(lambda: other.listed(f"{second}/v1/models") is None, SECONDS)
            wait()
    one_url.until_listed("gpt-5")


def test_the_url_moves_from_one_stack_to_another(one_url: OneUrl) -> None:
    providers = {"one": one_url.config(models=["gpt-5"], sharedRoutePath=PATH)}
    one_url.deploy(providers)
    one_url.until_served("gpt-5")
    other = one_url.another_stack("other")
    with load_on(one_url, "gpt-5") as wait:
        other.deploy({}, name="second", models={"one": ["gpt-5"], "elsewhere": ["b-1"]})
        wait()
        without_shared(one_url, providers)
        one_url.until_listed("b-1", "gpt-5")
        wait()
    one_url.until_served("gpt-5")
