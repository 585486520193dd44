"""A rate limit service in the test's process: it counts as Envoy's does, and keeps what gateways ask it."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
import yaml

from tests.support.rate_limit_protocol import METHOD, OK, OVER_LIMIT, Descriptor, RateLimitRequest, RateLimitResponse

HOST = "localhost"


@dataclass(frozen=True)
class Question:
    """What a gateway asks at once.

    Attributes:
        hits: How much is to be counted, as each of the descriptors says; None where it says nothing, so one.
    """

    domain: str
    descriptors: tuple[Descriptor, ...]
    hits: tuple[int | None, ...]


@dataclass
class CountingService:
    """Counts without an end of any period.

    Attributes:
        limits: How much there is of each descriptor that has a limit.
        used: How much has been counted of each descriptor.
        asked: What came, in this order.
    """

    port: int = 0
    limits: dict[Descriptor, int] = field(default_factory=dict)
    used: Counter[Descriptor] = field(default_factory=Counter)
    asked: list[Question] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: Any = None

    def configure(self, limits: str) -> None:
        """Takes limits from a configuration of Envoy's service."""
        self.limits = {
            ((client["key"], client["value"]), (limit["key"], limit["value"])): limit["rate_limit"]["requests_per_unit"]
            for client in yaml.safe_load(limits)["descriptors"]
            for limit in client["descriptors"]
        }

    def start(self) -> None:
        """Starts it; at the same port if it has run before."""
        service, _, method = METHOD.removeprefix("/").partition("/")
        handler = grpc.unary_unary_rpc_method_handler(
            self._answer, RateLimitRequest.FromString, RateLimitResponse.SerializeToString
        )
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {method: handler})],
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def _answer(self, request: Any, _: grpc.ServicerContext) -> Any:
        descriptors = [tuple((each.key, each.value) for each in one.entries) for one in request.descriptors]
        hits = [each.hits_addend.value if each.HasField("hits_addend") else None for each in request.descriptors]
        with self._lock:
            self.asked.append(Question(request.domain, tuple(descriptors), tuple(hits)))
            for descriptor, count in zip(descriptors, hits, strict=True):
                self.used[descriptor] += 1 if count is None else count
            codes = [
                OVER_LIMIT if self.used[each] > self.limits.get(each, self.used[each]) else OK for each in descriptors
            ]
        return RateLimitResponse(overall_code=max(codes), statuses=[{"code": code} for code in codes])


@contextmanager
def counting_service() -> Iterator[CountingService]:
    service = CountingService()
    service.start()
    try:
        yield service
    finally:
        service.stop()
