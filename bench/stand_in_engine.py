"""Stands in for the engine over gRPC: answers a program's requests at once, counts them, and creates nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import resource_pb2


def _register(request: bytes) -> bytes:
    """Answers that the resource has the properties with which it is registered."""
    asked = resource_pb2.RegisterResourceRequest.FromString(request)
    urn = f"urn:pulumi:bench::bench::{asked.type}::{asked.name}"
    return _bytes(
        resource_pb2.RegisterResourceResponse(urn=urn, id=asked.name if asked.custom else "", object=asked.object)
    )


def _support(_: bytes) -> bytes:
    return _bytes(resource_pb2.SupportsFeatureResponse(hasSupport=True))


def _bytes(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded


def _empty(_: bytes) -> bytes:
    return b""


ANSWERS: Mapping[str, Callable[[bytes], bytes]] = {
    "RegisterResource": _register,
    "RegisterResourceOutputs": _empty,
    "SupportsFeature": _support,
    "SetRootResource": _empty,
    "SignalAndWaitForShutdown": _empty,
    "Log": _empty,
}


class _Requests(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        self.count[name] += 1
        answer = ANSWERS.get(name)
        return answer and grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))


@contextmanager
def stand_in_engine() -> Iterator[tuple[str, Counter[str]]]:
    """Yields the address, and how often each request has come."""
    requests = _Requests()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[requests])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield address, requests.count
    finally:
        server.stop(grace=None).wait()
