"""How the names of arguments are spelled in texts."""

import pytest

from components.openai_compatible_llm.arguments.cases import respell, to_camel_case


@pytest.mark.parametrize(
    ("python", "camel_case"),
    [
        ("give `base_url` or `host`", "give `baseUrl` or `host`"),
        ("`tls.ca_certificate_configmap` of `gateway`", "`tls.caCertificateConfigmap` of `gateway`"),
        ("`rewrite_host: false`, not `rewrite_host`: `true`", "`rewriteHost: false`, not `rewriteHost`: `true`"),
        ("`api: my_api` is not base_url", "`api: my_api` is not base_url"),
        ('"`base_url` and route_path" is not `base_url`', '"`base_url` and route_path" is not `baseUrl`'),
        ("a Secret `<name>-clients`, `/v1/chat/completions`", "a Secret `<name>-clients`, `/v1/chat/completions`"),
        ("by lines:\n`route_path`\n\n`model_aliases`", "by lines:\n`routePath`\n\n`modelAliases`"),
    ],
)
def test_arguments_in_backticks_are_respelled_and_nothing_else(python: str, camel_case: str) -> None:
    assert respell(python, to_camel_case) == camel_case
    assert respell(python, str) == python
