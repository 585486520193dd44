"""Stands in for the engine over gRPC: answers a program's requests at once, counts them, and creates nothing."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import resource_pb2


def _answer(request: str, content: bytes) -> Any:
    """Answers that a resource has the properties with which it is registered; to most requests, with nothing."""
    if request == "SupportsFeature":
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)
    if request == "RegisterResource":
        asked = resource_pb2.RegisterResourceRequest.FromString(content)
        urn = f"urn:pulumi:bench::bench::{asked.type}::{asked.name}"
        name = asked.name if asked.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=name, object=asked.object)
    # Empty messages of all types are encoded alike.
    return resource_pb2.RegisterResourceResponse()


class _Requests(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        self.count[name] += 1
        return grpc.unary_unary_rpc_method_handler(lambda content, _: _answer(name, content).SerializeToString())


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
