"""Runs the process that the engine starts: a gRPC server on loopback, its port on stdout."""

import asyncio
import inspect
import logging
import os
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from local.kubernetes_provider.errors import NotReadyError, ProviderError
from local.kubernetes_provider.provider import KubernetesProvider


class PlainErrors(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Ends a failed request with the error's message alone: gRPC's own answer names Python's classes."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def answer(request: Any, context: Any) -> Any:
            try:
                response = handler.unary_unary(request, context)
                return await response if inspect.isawaitable(response) else response
            except ProviderError as error:
                await context.abort(grpc.StatusCode.UNKNOWN, str(error), _details(error))
            except NotImplementedError:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not implemented by the Kubernetes stand-in")
            except Exception as error:
                # Without the error's own words: they can quote a secret.
                place = traceback.extract_tb(error.__traceback__)[-1]
                fault = f"a fault in the Kubernetes stand-in: {type(error).__name__} in {place.name}:{place.lineno}"
                await context.abort(grpc.StatusCode.INTERNAL, fault)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


def _details(error: ProviderError) -> tuple[tuple[str, bytes], ...]:
    """Has the engine keep in the state what was written, and update it next time."""
    if not isinstance(error, NotReadyError):
        return ()
    state = PropertyValue.marshal_map(error.state)
    failed = provider_pb2.ErrorResourceInitFailed(id=error.resource_id, properties=state, reasons=[str(error)])
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(failed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def serve(engine_address: str) -> None:
    """Serves until the engine asks to stop, or is gone."""
    engine = os.getppid()
    logging.disable()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(32))
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)

    server = grpc.aio.server(interceptors=[PlainErrors()], options=_GRPC_CHANNEL_OPTIONS)
    servicer = ProviderServicer([], version("pulumi-kubernetes"), KubernetesProvider(), engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()

    while not stopped.is_set() and os.getppid() == engine:
        try:
            await asyncio.wait_for(stopped.wait(), 1)
        except TimeoutError:
            continue
    await server.stop(grace=None)
