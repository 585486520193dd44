"""Finds why TLS between the gateway and the provider fails."""

from collections.abc import Iterator

from ..presets import HTTPS_PORT
from .evidence import Evidence
from .hops import Finding, Hop
from .redaction import sanitize
from .request_path import Lookup, policy_conditions, unmet_conditions

RESTORE = "`pulumi up --refresh`"


def check_tls(evidence: Evidence) -> Iterator[Finding]:
    """Yields why TLS to the provider fails."""
    path = evidence.path
    if path.api is None or not path.backend.found:
        return
    check = _check_tls_policies if path.api.definition.has_tls_policy else _check_tls_of_backend
    yield from check(evidence, path.backend.name)


def _check_tls_policies(evidence: Evidence, backend: str) -> Iterator[Finding]:
    path, policy_name = evidence.path, evidence.target.tls_policy_name
    (provider,) = path.providers
    if path.policies == () and (policy_name or provider.port == HTTPS_PORT):
        missing = f" ({policy_name} is missing)" if policy_name else ""
        plain = f"so the gateway speaks plain HTTP to {provider.endpoint}"
        yield _tls(f"no BackendTLSPolicy targets {backend}{missing}, {plain}", RESTORE)
    for policy in path.policies or ():
        name = f"BackendTLSPolicy {policy['metadata']['namespace']}/{policy['metadata']['name']}"
        reported = policy_conditions(policy, backend.partition(" ")[0])
        if any("sectionName" in each for each in policy["spec"]["targetRefs"]):
            yield _tls(f"{name} has a `sectionName`, so the gateway ignores it", "remove the `sectionName`")
        yield from check_authorities(path.authorities, name)
        for problem in unmet_conditions(reported, "Accepted", "ResolvedRefs", "Attached"):
            yield _tls(f"{name} is not accepted: {sanitize(problem)}", "fix what the message names")
        hostname = policy["spec"]["validation"].get("hostname")
        yield from _check_certificate(evidence, name, [f"{provider.endpoint} to have a certificate for {hostname}"])
        if not reported:
            yield _tls(f"no controller has reported on {name}", "check that the gateway's controller runs")


def _check_tls_of_backend(evidence: Evidence, backend: str) -> Iterator[Finding]:
    providers = evidence.path.providers
    for each in providers:
        if each.tls is None and each.port == HTTPS_PORT:
            yield _tls(f"{backend} has no TLS settings, so the gateway speaks plain HTTP to {each.endpoint}", RESTORE)
    yield from check_authorities(evidence.path.authorities, backend)
    expected = [f"{each.endpoint} to have a certificate for {each.tls.get('sni')}" for each in providers if each.tls]
    yield from _check_certificate(evidence, backend, expected)


def _check_certificate(evidence: Evidence, owner: str, expected: list[str]) -> Iterator[Finding]:
    if expected and is_tls_error(evidence.text):
        yield tls_finding(evidence.text, f"{owner} expects {', and '.join(dict.fromkeys(expected))}")


def check_authorities(authorities: Lookup, owner: str) -> Iterator[Finding]:
    """Yields why the gateway doesn't have the certificate authorities that the owner names."""
    remedy = "put the certificate authorities into it under `ca.crt`, in PEM"
    if authorities.is_missing:
        yield _tls(f"{authorities.name}, which {owner} names, does not exist", remedy)
    elif authorities.found and not authorities.found["data"].get("ca.crt", "").strip():
        yield _tls(f"{authorities.name}, which {owner} names, has no `ca.crt`", remedy)


_TLS_REMEDIES = (
    (("valid for",), "set `host` to a name that the certificate is valid for, or `tls.hostname`"),
    (("unknownissuer", "unknown issuer"), "give the authority that signed it as `tls.caCertificateConfigmap`"),
    (("expired", "notvalidyet", "not valid yet"), "the provider has to renew its certificate"),
    (("certificate",), "fix the certificate, or how it is validated (`tls`)"),
    (("corrupt message", "invalidcontenttype"), "the provider seems to speak plain HTTP: see `tls.disabled`"),
)


def is_tls_error(gateway_message: str) -> bool:
    """Tells whether the gateway's message is about a certificate, or about a peer that doesn't speak TLS."""
    return any(word in gateway_message.lower() for words, _ in _TLS_REMEDIES for word in words)


def tls_finding(gateway_message: str, evidence: str) -> Finding:
    """Makes a finding whose remedy follows from the gateway's message alone."""
    message = gateway_message.lower()
    remedies = [remedy for words, remedy in _TLS_REMEDIES if any(word in message for word in words)]
    fallback = (
        "check that a BackendTLSPolicy targets the Backend and is accepted, or that the AgentgatewayBackend has "
        f"`policies.tls`: {RESTORE}"
    )
    return _tls(evidence, next(iter(remedies), fallback))


def _tls(evidence: str, remedy: str) -> Finding:
    return Finding(Hop.TLS, evidence, remedy)
