"""Evaluates CEL expressions as agentgateway does: by the library that its own is forked from, with its functions."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import cel

ERRORS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What the library raises where an expression can't be evaluated."""

_FIELD = re.compile(r"(?<!has\()\bjson\((request\.body)\)\.(\w+)\b(?!\()")
_TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|\bcoalesce\(|[^"]', re.DOTALL)


def evaluate(expression: str, **variables: Any) -> Any:
    """Returns the value, or raises one of `ERRORS`."""

    def coalesce(*arguments: str) -> Any:
        error: Exception | None = None
        for each in arguments:
            try:
                value = evaluate(each, **variables)
            except ERRORS as caught:
                error = caught
            else:
                if value is not None:
                    return value
        if error:
            raise error
        return None

    functions: dict[str, Callable[..., Any]] = {
        "json": _json,
        "jsonField": _json_field,
        "toJson": to_json,
        "coalesce": coalesce,
    }
    optimized = _FIELD.sub(r'jsonField(\1, "\2")', expression)
    return cel.compile(_with_unevaluated_arguments(optimized)).execute(cel.Context(variables, functions))


def evaluate_body(expression: str, **variables: Any) -> str:
    """Returns the body that the proxy makes of the value: text as it is, and anything else as JSON."""
    value = evaluate(expression, **variables)
    return value if isinstance(value, str) else to_json(value)


def request(body: bytes | None, path: str = "/", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Makes the variable `request`; None stands for a body that is too long for the proxy to read."""
    return {"path": path, "headers": dict(headers or {}), **({} if body is None else {"body": body})}


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(text: str | bytes) -> Any:
    """Parses as strictly as the proxy: UTF-8 alone, and no number that JSON lacks."""
    return json.loads(text.decode() if isinstance(text, bytes) else text, parse_constant=_refuse)


def _json_field(text: bytes, name: str) -> Any:
    """Reads what the proxy makes of `json(text).name`: a field of the first object, whatever comes after that."""
    found, _ = json.JSONDecoder(parse_constant=_refuse).raw_decode(text.decode().lstrip(" \t\r\n"))
    return {**found}[name]


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _with_unevaluated_arguments(expression: str) -> str:
    """Quotes the arguments of `coalesce`, which the proxy evaluates one by one, so that their errors don't count."""
    written, arguments, depth = "", [""], 0
    for token in _TOKENS.findall(expression):
        if not depth:
            written += token
            depth, arguments = int(token == "coalesce("), [""]
            continue
        depth += token.endswith(("(", "[", "{")) - (token in ")]}")
        if not depth:
            written += ", ".join(to_json(each) for each in arguments) + ")"
        elif depth == 1 and token == ",":
            arguments.append("")
        else:
            arguments[-1] += token
    return written
