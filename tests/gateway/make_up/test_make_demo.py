"""`make demo` and `make chat` with agentgateway's programs. It takes their fixed ports, so it runs by itself."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import openai
import pytest

from local.gateway.assets import VARIABLE
from tests.support.clone import Clone, fresh_clone, put_packages

QUESTION = "Who is there?"
ANSWER = "This is the demo provider. You said: "
PROGRAMS = ["controller", "etcd", "kube-apiserver", "kube-controller-manager", "proxy"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    with fresh_clone(tmp_path_factory) as clone:
        put_packages(clone.folder)
        yield clone


@pytest.fixture(scope="module")
def first_demo(clone: Clone) -> str:
    """What the first `make demo` prints."""
    done = clone.shell("make demo", **{VARIABLE: os.environ[VARIABLE]})
    assert done.status == 0, done.printed
    return done.stdout


def chat(clone: Clone, arguments: str = "") -> str:
    done = clone.shell(f"make chat STACK=demo {arguments}")
    assert done.status == 0, done.printed
    return done.stdout


def gateway_url(said: str) -> str:
    found = re.search(r"The Gateway demo/demo \(agentgateway\) answers at (http://127\.0\.0\.1:\d+)\. ", said)
    assert found, said
    return found[1]


def test_make_demo_and_make_chat_of_a_fresh_clone_bring_the_providers_answer(clone: Clone, first_demo: str) -> None:
    assert "The demo answers. Ask it:" in first_demo
    assert "listens on all addresses" not in first_demo
    assert chat(clone, f"PROMPT='{QUESTION}'") == f"{ANSWER}{QUESTION}\n"
    assert chat(clone).startswith(ANSWER)
    names = sorted(each.name() for each in clone.processes())
    assert [name for name in names if not name.startswith("python")] == PROGRAMS
    assert len(names) == len(PROGRAMS) + 1


def test_a_streamed_request_arrives_in_pieces_with_its_tokens(clone: Clone, first_demo: str) -> None:
    assert chat(clone, f"OPTIONS=--stream PROMPT='{QUESTION}'") == f"{ANSWER}{QUESTION}\n"
    with openai.OpenAI(base_url=f"{gateway_url(first_demo)}/demo/v1", api_key="any", max_retries=0) as client:
        chunks = list(
            client.chat.completions.create(
                model="demo",
                messages=[{"role": "user", "content": QUESTION}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(pieces) == f"{ANSWER}{QUESTION}"
    assert len(pieces) > 1
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [13]


def test_models_and_embeddings_reach_the_provider(first_demo: str) -> None:
    with openai.OpenAI(base_url=f"{gateway_url(first_demo)}/demo/v1", api_key="any", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["demo"]
        assert len(client.embeddings.create(model="demo", input="some text").data[0].embedding) == 8


def test_the_line_for_curl_brings_an_answer(first_demo: str) -> None:
    (line,) = (line for line in first_demo.splitlines() if line.startswith("  curl "))
    done = subprocess.run(["bash", "-c", f"{line.strip()} --silent --noproxy '*'"], capture_output=True, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == f"{ANSWER}Hello!"


def test_a_second_make_demo_changes_nothing_and_a_killed_provider_comes_back(clone: Clone, first_demo: str) -> None:
    assert first_demo
    before = {each.pid for each in clone.processes()}
    said = clone.shell("make demo").stdout
    assert "Nothing changed.\n" in said
    assert "Starting" not in said
    assert {each.pid for each in clone.processes()} == before

    (provider,) = (each for each in clone.processes() if "provider.py" in " ".join(each.cmdline()))
    provider.kill()
    provider.wait(10)
    said = clone.shell("make demo").stdout
    assert "Starting demo-provider\n" in said
    assert "Nothing changed.\n" in said
    assert chat(clone, f"PROMPT='{QUESTION}'") == f"{ANSWER}{QUESTION}\n"


def test_make_down_leaves_no_process_and_no_file(clone: Clone, first_demo: str) -> None:
    assert first_demo
    assert clone.shell("make down").status == 0
    assert clone.processes() == []
    assert not clone.state.root.exists()
