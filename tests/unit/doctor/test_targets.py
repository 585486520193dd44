"""Targets of requests, from a stack's outputs and from options, and the messages when they are missing or invalid."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.openai_compatible_llm.doctor.__main__ import main
from components.openai_compatible_llm.doctor.hops import Hop
from components.openai_compatible_llm.doctor.printing import LEGEND
from tests.support.chat_run import run_chat
from tests.support.repository import REPOSITORY
from tests.support.stand_in_gateway import MODEL, StandInGateway, completion, gateways_own, providers
from tests.unit.doctor.conftest import Stack

NO_MODEL = "Provider deepseek of stack prod has no model of its own: give one with --model."
MISTRAL = {"path": "/mistral", "host": "api.mistral.ai", "model": MODEL}


def test_path_model_and_url_come_from_the_stack(stack: Stack, gateway: StandInGateway) -> None:
    stack.set_outputs({"providers": {"mistral": {**MISTRAL, "url": f"{gateway.url}/mistral/v1"}}})
    assert stack.chat().status == 0
    assert stack.cli_arguments.read_text().split()[:5] == ["stack", "output", "--json", "--stack", "prod"]
    assert gateway.requests[0].path == "/mistral/v1/chat/completions"
    assert gateway.requests[0].json["model"] == MODEL


def test_the_cluster_is_that_of_the_stacks_context_unless_another_is_named(
    stack: Stack, gateway: StandInGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": []}
    contexts = [{"name": name, "context": {"cluster": "c", "user": ""}} for name in ("current", "of-the-stack")]
    kubeconfig = stack.cli.with_name("kubeconfig")
    kubeconfig.write_text(json.dumps({**cluster, "contexts": contexts, "current-context": "current"}))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    gateway.replies_with(providers(500, {}))

    def looked_at(*arguments: str) -> str:
        run = run_chat("mistral", ["--stack", "prod", "--gateway-url", gateway.url, *arguments], capsys)
        (context,) = re.findall(r"the API server of context (\S+) doesn't respond", run.stderr)
        return str(context)

    stack.set_outputs({"providers": {"mistral": MISTRAL}})
    assert looked_at() == "current"
    stack.set_outputs({"providers": {"mistral": MISTRAL}}, config="echo of-the-stack")
    assert looked_at() == "of-the-stack"
    assert looked_at("--context", "current") == "current"
    assert looked_at("--kubeconfig", str(kubeconfig)) == "current"


def test_a_given_gateway_url_takes_precedence_over_the_stacks(stack: Stack, gateway: StandInGateway) -> None:
    stack.set_outputs({"providers": {"mistral": {**MISTRAL, "url": "https://llm.example.com/mistral/v1"}}})
    assert stack.chat("--gateway-url", f"{gateway.url}/").status == 0
    assert gateway.requests[0].path == "/mistral/v1/chat/completions"


def test_one_of_several_providers_is_chosen_by_its_name(stack: Stack, gateway: StandInGateway) -> None:
    gateway.replies["/llm/deepseek"] = completion
    deepseek = {"path": "/llm/deepseek", "host": "api.deepseek.com"}
    stack.set_outputs({"providers": {"mistral": MISTRAL, "deepseek": deepseek}})
    where = ("--gateway-url", gateway.url)
    assert stack.chat(*where, "--provider", "deepseek", "--model", "deepseek-flash").status == 0
    assert gateway.requests[0].path == "/llm/deepseek/v1/chat/completions"
    assert gateway.requests[0].json["model"] == "deepseek-flash"
    assert "prod has the providers deepseek, mistral: choose one with --provider, or --all" in stack.usage_error(*where)
    assert "no provider deepsek; did you mean `deepseek`?" in stack.usage_error(*where, "--provider", "deepsek")
    assert stack.usage_error(*where, "--provider", "deepseek") == NO_MODEL


def test_all_reports_a_provider_without_a_model_and_sends_requests_to_the_others(
    stack: Stack, gateway: StandInGateway
) -> None:
    stack.set_outputs({"providers": {"deepseek": {"path": "/deepseek"}, "mistral": MISTRAL}})
    run = stack.chat("--all", "--gateway-url", gateway.url)
    assert (run.status, run.stderr) == (1, f"{NO_MODEL}\n{LEGEND}\n")
    rows = [line.split() for line in run.stdout.splitlines()[1:]]
    assert rows[0] == ["deepseek", "no", "model:", "give", "--model", "-", "-", "-", "-", "-"]
    assert (rows[1][0], rows[1][1], rows[1][4]) == ("mistral", MODEL, "14")
    assert [request.path for request in gateway.requests] == ["/mistral/v1/chat/completions", "/mistral/v1/models"]

    gateway.replies_with(providers(429, {}))
    assert stack.chat("--all", "--gateway-url", gateway.url).status == Hop.LIMIT.status


def test_all_prints_a_table_and_exits_with_the_status_of_the_first_broken_provider(
    stack: Stack, gateway: StandInGateway
) -> None:
    gateway.replies["/limited"] = providers(429, {"message": "Too many requests"})
    gateway.replies["/tls"] = gateways_own(503, "upstream call failed")
    paths = {"mistral": "/mistral", "limited": "/limited", "tls": "/tls", "lost": "/lost", "last": "/mistral"}
    stack.set_outputs({"providers": {name: {**MISTRAL, "path": path} for name, path in paths.items()}})
    run = stack.chat("--all", "--gateway-url", gateway.url)
    assert run.status == Hop.LIMIT.status
    rows = [line.split() for line in run.stdout.splitlines()]
    assert rows[0] == ["PROVIDER", "MODEL", "FIRST", "TOKEN", "(s)", "TOTAL", "(s)", "TOKENS", "MODELS", "DOCUMENTED"]
    assert [row[0] for row in rows[1:]] == list(paths)
    for row in (rows[1], rows[5]):
        _, model, first, total, tokens, *_ = row
        assert (model, tokens) == (MODEL, "14")
        assert 0 < float(first) <= float(total)
    assert [row[1:] for row in rows[2:5]] == [
        ["broken:", hop, "-", "-", "-", "-", "-"] for hop in ("limit", "tls", "route")
    ]
    for provider, hop in (("limited", Hop.LIMIT), ("tls", Hop.TLS), ("lost", Hop.ROUTE)):
        assert f"{provider}: broken at the hop {hop.label}: {hop.meaning}.\n" in run.stderr


def test_a_stack_without_a_gateway_url(stack: Stack) -> None:
    stack.set_outputs({"providers": {"mistral": MISTRAL}})
    assert stack.usage_error() == (
        "Stack prod has no URL of the gateway of provider mistral: give --gateway-url (with make: GATEWAY_URL=...), or "
        "set `gateway.url` in the stack's config."
    )


@pytest.mark.parametrize(
    "outputs",
    [{}, {"providers": {}}, {"providers": "[secret]"}, {"providers": {"mistral": "[secret]"}}, {"path": "/m"}],
)
def test_a_stack_without_providers_in_its_outputs(stack: Stack, outputs: dict[str, Any]) -> None:
    stack.set_outputs(outputs)
    assert stack.usage_error() == ("Stack prod has no output `providers`: deploy it first, with `pulumi up -s prod`.")


def test_a_provider_without_a_path(stack: Stack) -> None:
    stack.set_outputs({"providers": {"mistral": {"model": MODEL}}})
    assert "has no path for mistral" in stack.usage_error("--gateway-url", "http://localhost")


def test_an_invalid_url_in_the_stacks_outputs(stack: Stack) -> None:
    stack.set_outputs({"providers": {"mistral": {**MISTRAL, "url": "llm.example.com/mistral/v1"}}})
    assert stack.usage_error().startswith("The output `providers` of stack prod, url of mistral: ")


def test_an_error_of_the_cli_is_passed_on_in_one_line(stack: Stack) -> None:
    stack.set_failure("warning: new version\nerror: no stack named prod found")
    assert stack.usage_error() == "Can't read the outputs of stack prod: no stack named prod found"


def test_without_the_cli_on_the_path(stack: Stack) -> None:
    assert stack.usage_error() == "The Pulumi CLI is not on the PATH. It is needed to read the outputs of stack prod."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            (
                "No stack given: choose the one whose provider gets the request, with --stack (with make: STACK=...). "
                "Without a stack, give --path, --gateway-url and --model."
            ),
        ),
        (
            ["--path", "/m", "--model", "m"],
            "To reach the path /m, give the gateway's URL: --gateway-url (with make: GATEWAY_URL=...).",
        ),
        (["--path", "/m", "--gateway-url", "http://x"], "To send a request to /m, give a model: --model."),
        (
            ["--path", "m", "--gateway-url", "http://x", "--model", "m"],
            'The path "m" doesn\'t start with a slash: give one such as /mistral.',
        ),
        (
            ["--path", "/m", "--gateway-url", "localhost:8080", "--model", "m"],
            '--gateway-url (with make: GATEWAY_URL=...): "localhost:8080" is not a URL; give one such as https://llm.example.com.',
        ),
    ],
)
def test_a_missing_or_invalid_option_is_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err == f"{message}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timeout", "0"], "0 is not a number of seconds"),
        (["--timeout", "nan"], "nan is not a number of seconds"),
        (["--timeout", "soon"], "soon is not a number of seconds"),
        (["--stream", "--json"], "not allowed with argument"),
        (["--stack", "prod", "--path", "/m"], "not allowed with argument"),
        (["--all", "--provider", "mistral"], "not allowed with argument"),
        (["--stack", "prod", "--all", "--json"], "because it prints a table"),
        (["--stack", "prod", "--all", "--models"], "its table has the number of models"),
        (["--models", "--embeddings", "a", "--model", "m"], "not allowed with argument"),
        (["--models", "--stream"], "which come in one piece"),
        (["--embeddings", "a"], "give the embedding model too: --model"),
        (["--path", "/m", "--provider", "mistral"], "because it names one provider"),
        (["--tokn"], "--tokn"),
    ],
)
def test_options_that_contradict_each_other_are_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_help_lists_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for hop in Hop:
        assert f" {hop.status}  {hop.label}: {hop.meaning}\n" in printed


def test_the_component_does_not_import_the_extras_packages(tmp_path: Path) -> None:
    loaded = "import sys, openai_compatible_llm; print(*{'openai', 'httpx2', 'kubernetes'} & set(sys.modules))"
    command = [sys.executable, "-c", loaded]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "components")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_the_extra_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "openai" else name)
    assert main(["--stack", "prod"]) == 1
    assert capsys.readouterr().err == "Not installed: openai. Run: pip install 'openai-compatible-llm[chat]'\n"
