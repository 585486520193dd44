"""What the four objects are made of, once the arguments have been found good and their defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AuthHeader:
    """The header in which the provider gets the key; None leaves the gateway's default."""

    header_name: str | None
    prefix: str | None


@dataclass(frozen=True)
class Gateway:
    """The route's parent, and the URL by which clients reach it; None where nobody said."""

    name: str
    namespace: str
    section_name: str | None
    url: str | None


@dataclass(frozen=True)
class TLS:
    """How the provider's certificate is checked; without a ConfigMap by the system's certificate authorities."""

    hostname: str
    ca_certificate_configmap: str | None


@dataclass(frozen=True)
class ObjectNames:
    """Names of the four objects, all made of the component's name."""

    component: str
    tls_policy_suffix: str

    @property
    def secret(self) -> str:
        return f"{self.component}-secret"

    @property
    def backend(self) -> str:
        return self.component

    @property
    def tls_policy(self) -> str:
        return f"{self.component}{self.tls_policy_suffix}"

    @property
    def route(self) -> str:
        return self.component


@dataclass(frozen=True)
class Settings:
    """Plain values, and never the API key: whatever is built from here may be shown in a preview.

    Attributes:
        secret_name: Name of the Secret with the key; None where the caller's token is passed on.
        tls: None where requests go to the provider in plain HTTP.
    """

    names: ObjectNames
    namespace: str
    host: str
    port: int
    path: str
    model: str | None
    secret_name: str | None
    auth_header: AuthHeader | None
    gateway: Gateway
    route_path: str
    hostnames: tuple[str, ...]
    rewrite_host: bool
    tls: TLS | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
