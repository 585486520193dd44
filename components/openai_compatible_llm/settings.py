"""What the four objects are made of, once the arguments have been found good and their defaults filled in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AuthHeader:
    """The header in which the provider gets the key; None leaves the gateway's default."""

    header_name: str | None
    prefix: str | None


@dataclass(frozen=True)
class ObjectNames:
    """Names of the four objects, all made of the component's name."""

    component: str

    @property
    def secret(self) -> str:
        return f"{self.component}-secret"

    @property
    def backend(self) -> str:
        return self.component

    @property
    def tls_policy(self) -> str:
        return f"{self.component}-tls"

    @property
    def route(self) -> str:
        return self.component


@dataclass(frozen=True)
class Settings:
    """Plain values, and never the API key: whatever is built from here may be shown in a preview."""

    names: ObjectNames
    namespace: str
    host: str
    port: int
    path: str
    model: str | None
    auth_header: AuthHeader | None
    gateway_name: str
    gateway_namespace: str
    route_path: str
    rewrite_host: bool
