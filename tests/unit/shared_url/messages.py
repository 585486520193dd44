"""Translates Anthropic's Messages API and chat completions into each other, for messages of text alone."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


def chat_request(body: dict[str, Any]) -> dict[str, Any]:
    """Translates a request for a message."""
    system = [{"role": "system", "content": body.pop("system")}] if "system" in body else []
    most_tokens = body.pop("max_tokens")
    return {**body, "messages": system + body["messages"], "max_completion_tokens": most_tokens}


def response(body: bytes) -> bytes:
    """Translates a chat completion."""
    completion = json.loads(body)
    (choice,) = completion["choices"]
    return json.dumps(_message(completion, [{"type": "text", "text": choice["message"]["content"]}])).encode()


def events(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Translates a streamed chat completion, chunk by chunk."""
    is_first = True
    for line in stream:
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line.removeprefix(b"data: "))
        if is_first:
            yield _event("message_start", message=_message(chunk, []))
            yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            is_first = False
        (choice,) = chunk["choices"]
        if text := choice["delta"].get("content"):
            yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    yield _event("content_block_stop", index=0)
    yield _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1})
    yield _event("message_stop")


def _message(completion: dict[str, Any], content: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": completion["id"],
        "type": "message",
        "role": "assistant",
        "model": completion["model"],
        "content": content,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _event(name: str, **content: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **content})}\n\n".encode()
