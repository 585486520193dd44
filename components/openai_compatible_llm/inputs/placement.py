"""Parses where the objects go, and where the route is."""

from typing import Any

from ..args import BackendApi
from ..arguments import Arguments
from ..arguments.validators import (
    PATH_LENGTH,
    namespace,
    object_name,
    route_hostname,
    route_hostnames,
    too_long,
    url_path,
)
from ..backends import DEFAULT_API
from ..client_url import VERSION
from ..settings import MODELS, Gateway, Placement
from . import urls
from .declaration import DECLARATION, GATEWAY_DECLARATION

DEFAULT_NAMESPACE = "gloo-system"
DEFAULT_GATEWAY = "agentgateway"


def parse_placement(arguments: Arguments) -> Placement:
    """Parses where the objects go."""
    own = arguments.read("namespace", check=namespace, default=DEFAULT_NAMESPACE)
    api = BackendApi(arguments.read("api", default=DEFAULT_API))
    return Placement(api=api, namespace=own, gateway=parse_gateway_reference(arguments, own))


def parse_gateway_reference(arguments: Arguments, default_namespace: str = DEFAULT_NAMESPACE) -> Gateway:
    """Parses which Gateway it is."""
    gateway = arguments.within("gateway")
    return Gateway(
        name=gateway.read("name", check=object_name, default=DEFAULT_GATEWAY),
        namespace=gateway.read("namespace", check=namespace, default=default_namespace),
        section_name=gateway.read("section_name", check=object_name),
        url=gateway.read("url", check=urls.gateway_url),
    )


def placement_of(args: dict[Any, Any]) -> Placement | None:
    """Returns where the objects of a component go; None if that isn't valid, whatever its other arguments are."""
    arguments = Arguments(DECLARATION, {name: args.get(name) for name in ("api", "namespace", "gateway")})
    placement = parse_placement(arguments)
    return None if arguments.issues else placement


def gateway_placement_of(args: dict[Any, Any]) -> Placement | None:
    """Returns the same of an OpenAICompatibleGateway, whose objects are beside its Gateway."""
    arguments = Arguments(GATEWAY_DECLARATION, {"gateway": args.get("gateway"), "route_path": "/"})
    gateway = parse_gateway_reference(arguments)
    return None if arguments.issues else Placement(BackendApi.AGENTGATEWAY, gateway.namespace, gateway)


def shared_path_of(args: dict[Any, Any]) -> str | None:
    """Returns the path of an OpenAICompatibleGateway; None if that isn't valid, whatever its other arguments are."""
    arguments = Arguments(GATEWAY_DECLARATION, {"route_path": args.get("route_path")})
    path = parse_shared_path(arguments)
    return None if arguments.issues else path


def parse_shared_path(arguments: Arguments) -> str:
    """Parses the path prefix of a base URL, below which the path of its list must be short enough as well."""
    longest = PATH_LENGTH - len(VERSION + MODELS)

    def check(path: str) -> str | None:
        return url_path(path, "/llm") or too_long(path, longest)

    return str(arguments.read("route_path", check=check, default=""))


def parse_path_prefix(arguments: Arguments, name: str, example: str, default: str = "") -> str:
    """Parses a path prefix at the gateway."""
    return str(arguments.read(name, check=lambda path: url_path(path, example), default=default))


def parse_hostnames(arguments: Arguments) -> tuple[str, ...]:
    """Parses the host names of the route."""
    arguments.read("hostnames", check=route_hostnames)
    hostnames: list[str] = []
    for index, hostname in arguments.read_each("hostnames", check=route_hostname):
        if hostname in hostnames:
            arguments.report(f'"{hostname}" is listed twice', "hostnames", index)
        hostnames.append(hostname)
    return tuple(hostnames)
