"""Asks a rate limit service over gRPC, in Envoy's protocol `envoy.service.ratelimit.v3`."""

from collections.abc import Iterable
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import descriptor_pb2, json_format, message_factory, wrappers_pb2  # type: ignore[import-untyped]

METHOD = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
OK, OVER_LIMIT = 1, 2
SECONDS_TO_ANSWER = 10

Descriptor = tuple[tuple[str, str], ...]
"""Names and values of a descriptor's entries."""


class RefusedError(Exception):
    """The service answers with an error."""


def over_limit(
    channel: grpc.Channel, domain: str, descriptors: Iterable[Descriptor], hits: int | None = None
) -> list[Descriptor]:
    """Counts hits for each descriptor, one unless others are given, and returns those whose limit is exceeded.

    Raises:
        RefusedError: The service can't tell.
    """
    asked = list(descriptors)
    request = RateLimitRequest(domain=domain)
    for entries in asked:
        descriptor = request.descriptors.add()
        for key, value in entries:
            descriptor.entries.add(key=key, value=value)
        if hits is not None:
            descriptor.hits_addend.value = hits
    call = channel.unary_unary(METHOD, RateLimitRequest.SerializeToString, RateLimitResponse.FromString)
    try:
        response = call(request, timeout=SECONDS_TO_ANSWER)
    except grpc.RpcError as error:
        raise RefusedError(error) from None
    exceeded = [entries for entries, status in zip(asked, response.statuses, strict=True) if status.code == OVER_LIMIT]
    assert (response.overall_code == OVER_LIMIT) == bool(exceeded)
    return exceeded


def _field(number: int, kind: str, *, repeated: bool = False) -> dict[str, Any]:
    """Describes a field: of a type of the protocol's, or of another message."""
    label = "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL"
    named = {"type": "TYPE_MESSAGE", "typeName": kind} if kind.startswith(".") else {"type": f"TYPE_{kind}"}
    return {"number": number, "label": label, **named}


# What is asked and read here; further fields of the protocol are passed over.
_MESSAGES = {
    "Entry": {"key": _field(1, "STRING"), "value": _field(2, "STRING")},
    "Descriptor": {
        "entries": _field(1, ".limits.Entry", repeated=True),
        "hits_addend": _field(3, ".google.protobuf.UInt64Value"),
    },
    "RateLimitRequest": {
        "domain": _field(1, "STRING"),
        "descriptors": _field(2, ".limits.Descriptor", repeated=True),
    },
    "Status": {"code": _field(1, "INT32")},
    "RateLimitResponse": {
        "overall_code": _field(1, "INT32"),
        "statuses": _field(2, ".limits.Status", repeated=True),
    },
}
_FILE = {
    "name": "limits.proto",
    "package": "limits",
    "syntax": "proto3",
    "dependency": [wrappers_pb2.DESCRIPTOR.name],
    "messageType": [
        {"name": name, "field": [{"name": field, **described} for field, described in fields.items()]}
        for name, fields in _MESSAGES.items()
    ],
}
_pool = wrappers_pb2.DESCRIPTOR.pool
_pool.Add(json_format.ParseDict(_FILE, descriptor_pb2.FileDescriptorProto()))
RateLimitRequest, RateLimitResponse = (
    message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"limits.{name}"))
    for name in ("RateLimitRequest", "RateLimitResponse")
)
