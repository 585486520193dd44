"""Knows what other programs call an argument or a provider, and says what this component calls it.

The words are those of the OpenAI, Azure and Anthropic SDKs, of LiteLLM, Kong, Envoy AI Gateway and kgateway, of
Kubernetes and Terraform.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from ..args import Endpoints, OpenAICompatibleLLMArgs
from ..presets import PRESETS
from .errors import Case, Issue, Key, Path, bare, closest, suggestion

_CHECKED = (
    "the gateway always checks the provider's certificate; give its authority as `tls.ca_certificate_configmap`, or a "
    "`base_url` with http for plain HTTP"
)
_NO_CERTIFICATE = "the gateway shows the provider no certificate of its own, so none can be given"
_BODY = "it is a field of a request's body; give it in `request_defaults` or `request_overrides`"
_NO_HEADERS = "the only header that can be set is the key's; see `auth_header`"
_OTHER_SIGNATURE = "Amazon's and Google's own ways to sign in aren't supported; give an API key as `api_key`"
_IN_ITS_NAMESPACE = "the Secret must be in the component's own `namespace`"

COMPONENT_WORDS = {
    "base_url": "base url uri api_base api_base_url api_url api_endpoint endpoint endpoint_url server_url service_url "
    "openai_api_base openai_base_url azure_endpoint upstream_url provider_url backend_url inference_url",
    "api_key": "key token api_token auth_token access_token bearer_token bearer openai_api_key openai_key "
    "azure_api_key anthropic_api_key master_key secret_key provider_api_key",
    "api_key_secret": "secret secret_ref secret_name secret_key_ref api_key_ref api_key_secret_ref api_key_secret_name "
    "auth_secret existing_secret credentials_secret backend_security_policy",
    "did you mean `api_key`, or `api_key_secret` for an existing Secret?": "auth authentication credentials credential",
    "did you mean `api_key`, the provider's, or `client_api_keys`, the clients'?": "api_keys keys tokens",
    "passthrough": "forward_token forward_auth forward_authorization forward_client_auth auth_passthrough "
    "passthrough_auth",
    "preset": "provider provider_name provider_type llm_provider custom_llm_provider vendor api_type",
    "host": "upstream_host backend_host provider_host address server fqdn",
    "did you mean `host`, the provider's, or `hostnames`, the route's?": "hostname hosts",
    "hostnames": "domain domains virtual_host virtual_hosts host_names",
    "port": "ports upstream_port backend_port",
    "did you mean `route_path`? The provider's own path is `path`.": "prefix path_prefix base_path paths",
    "route_path": "route route_prefix url_prefix mount_path listen_path root_path route_name",
    "path": "api_path upstream_path provider_path chat_path path_override chat_completions_path",
    "model": "model_name model_id default_model deployment deployment_name deployment_id azure_deployment engine",
    "did you mean `model`, which every request gets, or `model_aliases`?": "models model_list",
    "model_aliases": "alias aliases model_alias model_alias_map model_map model_mapping model_group_alias "
    "model_name_override",
    "fallbacks": "fallback backup backups failover priority_groups groups providers default_fallbacks "
    "context_window_fallbacks fallback_models backend_refs",
    "providers are used in order, and not by weight; see `fallbacks`": "weight weights priority load_balancing "
    "load_balancer balancer routing_strategy",
    "request_timeout_seconds": "timeout timeouts timeout_seconds timeout_ms request_timeout request_timeout_ms "
    "read_timeout connect_timeout backend_request_timeout per_try_timeout stream_timeout deadline",
    "retries.attempts": "attempts max_retries num_retries retry_count retry_attempts",
    "retries.status_codes": "status_codes retry_on retriable_status_codes retry_status_codes",
    "retries.backoff_milliseconds": "backoff backoff_milliseconds retry_backoff retry_delay",
    "retries": "retry retry_policy",
    "rate_limits": "rate_limit rate_limiting limit limits quota quotas throttle budget rpm tpm requests_per_minute "
    "tokens_per_minute max_requests",
    _BODY: "max_tokens max_completion_tokens max_output_tokens temperature top_p top_k stop seed n frequency_penalty "
    "presence_penalty response_format reasoning_effort logit_bias tools tool_choice user extra_body body params "
    "parameters generation_config model_params litellm_params options",
    "request_defaults": "defaults default_params default_parameters default_body",
    "request_overrides": "overrides override override_params",
    "only the caller sets this field of a request": "messages stream system_prompt",
    _NO_HEADERS: "headers extra_headers default_headers custom_headers additional_headers request_headers organization "
    "organization_id org project project_id openai_organization",
    "auth_header.header_name": "header header_name auth_header_name api_key_header key_header authorization_header",
    "auth_header.prefix": "auth_prefix auth_scheme token_prefix auth_header_prefix",
    "client_api_keys": "clients client client_keys consumers virtual_keys callers api_key_authentication",
    "client_api_keys_secret": "clients_secret client_keys_secret client_secret client_secret_ref",
    "gateway": "gateway_ref gateway_refs gateways parent parent_ref parent_refs target_refs ingress",
    "gateway.name": "gateway_name gateway_class gateway_class_name",
    "gateway.namespace": "gateway_namespace",
    "gateway.section_name": "section_name listener listener_name section",
    "gateway.url": "gateway_url public_url external_url",
    "namespace": "ns namespace_name kubernetes_namespace target_namespace",
    "tls": "ssl https use_tls use_ssl tls_config ssl_config backend_tls",
    "tls.hostname": "sni server_name tls_hostname tls_server_name ssl_hostname",
    "did you mean `tls.ca_certificate_configmap`? It names a ConfigMap, not a Secret.": "ca ca_cert ca_certs ca_bundle "
    "ca_file ca_path ca_certificate ca_certificates ca_certificate_secret ca_certificate_ref ca_certificate_refs "
    "ca_certificate_configmap ca_config_map ssl_ca_cert ssl_cert_file root_ca",
    _CHECKED: "insecure insecure_skip_verify skip_verify skip_tls_verify verify verify_ssl ssl_verify tls_verify "
    "insecure_skip_tls_verify",
    "did you mean `tls.disabled`, or a `base_url` with http?": "plain_http plaintext disable_tls no_tls http_only "
    "scheme protocol",
    _NO_CERTIFICATE: "cert certificate client_cert client_certificate client_certificate_refs ssl_cert tls_secret mtls",
    "endpoints": "route_type route_types routes capabilities supported_endpoints apis operations",
    "rewrite_host": "auto_host_rewrite host_rewrite rewrite_host_header preserve_host host_header",
    "api": "backend_api gateway_api controller backend_kind",
    "the objects' version follows from `api`; Azure's v1 API takes no version (docs/recipes.md)": "api_version",
    _OTHER_SIGNATURE: "aws_region aws_region_name aws_access_key_id aws_secret_access_key aws_profile vertex_project "
    "vertex_location vertex_credentials service_account azure_ad_token region",
    "wait_for_ready": "wait wait_for wait_until_ready wait_for_rollout await_ready skip_await",
    "ready_timeout_seconds": "ready_timeout wait_timeout create_timeout timeout_for_ready",
    "labels": "tags label common_labels extra_labels",
    "annotations": "annotation common_annotations extra_annotations",
    "did you mean `labels` and `annotations`?": "metadata",
    "a component's name stands before its arguments, not among them": "name resource_name component_name",
}
"""What the component's arguments are called elsewhere, by the argument, or by a sentence."""

_CA = "ca ca_cert ca_certs ca_bundle ca_file ca_certificate ca_certificates ca_certificate_secret ca_certificate_ref "
_CA += "ca_certificate_refs ca_config_map root_ca config_map"

GROUP_WORDS: Mapping[str, Mapping[str, str]] = {
    "fallbacks": {
        "host": "hostname hosts",
        "did you mean `path`?": "prefix path_prefix base_path paths",
        "api_key": "api_keys keys tokens",
        "model": "models model_list",
    },
    "api_key_secret": {
        _IN_ITS_NAMESPACE: "namespace ns secret_namespace",
        "the Secret holds the key under `Authorization`": "key keys field property data_key secret_key api_key",
        "name": "secret secret_name ref secret_ref secret_key_ref",
    },
    "client_api_keys_secret": {
        _IN_ITS_NAMESPACE: "namespace ns secret_namespace",
        "every entry of the Secret is the key of one client": "key keys field property data_key secret_key",
        "name": "secret secret_name ref secret_ref secret_key_ref",
    },
    "auth_header": {
        "header_name": "name header key",
        "prefix": "scheme type value_prefix token_prefix",
        "the key comes from `api_key` or `api_key_secret`, beside `auth_header`": "value token api_key secret "
        "secret_ref",
    },
    "gateway": {
        "section_name": "listener listener_name section port",
        "url": "base_url address host hostname endpoint external_url public_url",
        "name": "gateway_name class class_name gateway_class gateway_class_name",
        "namespace": "ns gateway_namespace",
    },
    "tls": {
        "did you mean `ca_certificate_configmap`? It names a ConfigMap, not a Secret.": _CA,
        "the ConfigMap must be in the component's own `namespace`": "namespace ns",
        "hostname": "host host_name sni server_name verify_hostname san subject_alt_name subject_alt_names",
        "TLS is on, unless `disabled`": "enabled enable mode",
        _CHECKED: "insecure insecure_skip_verify skip_verify verify verify_ssl verify_certificate well_known_ca",
        _NO_CERTIFICATE: "cert certificate certificate_refs client_cert client_certificate client_certificate_refs key "
        "private_key secret secret_name secret_ref",
    },
    "retries": {
        "attempts": "count max max_retries num_retries max_attempts retries limit number",
        "status_codes": "codes status statuses retry_on on retriable_status_codes http_status_codes conditions",
        "backoff_milliseconds": "backoff backoff_ms base_interval interval delay wait",
        "did you mean `request_timeout_seconds`, beside `retries`?": "timeout per_try_timeout timeout_seconds",
    },
    "rate_limits": {
        "requests": "limit max max_requests requests_per_unit request_limit count",
        "tokens": "max_tokens token_limit tokens_per_unit",
        "per": "unit period interval window duration every time_unit fill_interval",
        "burst": "burst_size burst_tokens",
    },
}
"""The same for the groups of arguments. A fallback's words are the component's besides."""

OWN_SERVERS = {
    "everyone runs their own; give its URL as `base_url` (docs/recipes.md)": "ollama vllm litellm tgi lmstudio "
    "llamacpp llamaserver llamafile localai sglang textgenerationinference textgenerationwebui oobabooga xinference "
    "kserve triton tensorrt trtllm mlx gpt4all jan openllm aphrodite tabbyapi koboldcpp kubeai llmd dynamo rayserve "
    "openwebui portkey helicone kong envoy cloudflare gateway proxy local localhost selfhosted internal custom "
    "compatible like",
    "its host is your own resource's; give its URL as `base_url` (docs/recipes.md)": "azure azureopenai azureai aoai "
    "foundry microsoft cognitiveservices",
    "Anthropic's own API isn't OpenAI's; give a server that translates, such as LiteLLM, as `base_url` "
    "(docs/recipes.md)": "anthropic claude opus sonnet haiku",
    "its host depends on your region; give https://bedrock-runtime.<region>.amazonaws.com/openai/v1 as "
    "`base_url`": "bedrock aws amazon amazonbedrock sagemaker",
    "Vertex AI takes tokens that expire, not an API key; give its URL as `base_url`, and `passthrough`": "vertex "
    "vertexai googlevertex",
}
"""Who else answers, by what to do. Such a word anywhere in a name outweighs a preset's."""

_SEVERAL = "several providers serve this model; give the preset of one, or the `base_url` of a server"

FAMILIES = {
    "openai": "gpt chatgpt o1 o3 o4 o5 codex davinci dalle",
    "gemini": "google googleai googleaistudio aistudio gemma palm bard",
    "xai": "grok",
    "moonshot": "kimi moonshotai",
    "dashscope": "qwen qwq qvq alibaba aliyun tongyi bailian modelstudio qwencloud",
    "zai": "glm zhipu zhipuai chatglm",
    "mistral": "mistralai codestral magistral ministral pixtral devstral voxtral mixtral",
    "cohere": "command commandr commanda aya",
    "perplexity": "sonar pplx perplexityai",
    "nvidia": "nim nemotron nvidianim",
    "huggingface": "hf huggingfacehub",
    "together": "togetherai togethercomputer",
    "fireworks": "fireworksai",
    "groq": "groqcloud",
    "sambanova": "sambacloud",
    "venice": "veniceai",
    _SEVERAL: "gptoss llama codellama meta metaai metallama phi falcon granite olmo dbrx starcoder vicuna hermes "
    "smollm",
}
"""Names of companies, products and models, by the preset of the company that they belong to, or by a sentence."""


SHORT = 4
"""Length up to which a name of a product is too short to have been misspelt: `llm` is no `vllm`."""


def _index(words: Mapping[str, str]) -> dict[str, str]:
    return {bare(word): advice for advice, line in words.items() for word in line.split()}


_COMPONENT_INDEX = _index(COMPONENT_WORDS)
_GROUP_INDEX = {group: _index(words) for group, words in GROUP_WORDS.items()}
_OWN_SERVERS_INDEX = _index(OWN_SERVERS)
_FAMILY_INDEX = _index(FAMILIES)


def unknown_argument(path: Path, name: str, value: object, known: Iterable[str]) -> Issue:
    """Makes the issue for a name that no argument has.

    Args:
        path: Where it stands.
        name: The name, as it was given.
        value: Its value, which no message shows.
        known: The names that the place has.
    """
    names = list(known)
    group = next((str(part) for part in reversed(path) if isinstance(part, str)), None)
    if bare(name) == "endpoint" and value in list(Endpoints):
        advice: str | None = "endpoints"
    else:
        advice = argument_advice(name) if group is None else _group_advice(group, name, names)
    return Issue(
        (*path, Key(name)),
        lambda case: (
            "unknown argument; "
            + (advice_text(advice, case) if advice else suggestion(name, map(case, names), "arguments"))
        ),
    )


def argument_advice(name: str) -> str | None:
    """Returns the component's argument that was meant, such as `tls.hostname`, or a sentence; None if none is close."""
    return closest(name, OpenAICompatibleLLMArgs.__annotations__, _COMPONENT_INDEX)


def preset_advice(name: str) -> str | None:
    """Returns a preset or a sentence where this is the name of a product, a model or a company; else None.

    A preset is returned only where the name is of its company alone.
    """
    words = list(_words(name))
    for word in words:
        if word in _OWN_SERVERS_INDEX:
            return _OWN_SERVERS_INDEX[word]
    named = {word for word in words if word in PRESETS}
    if named:
        return named.pop() if len(named) == 1 else "it has the names of several presets; give one of them"
    family = next((_FAMILY_INDEX[word] for word in words if word in _FAMILY_INDEX), None)
    if family or len(bare(name)) <= SHORT:
        return family
    near = closest(name, PRESETS, {**_FAMILY_INDEX, **_OWN_SERVERS_INDEX})
    return None if near == closest(name, PRESETS) else near  # A preset that is misspelt is the caller's to suggest.


def advice_text(advice: str, case: Case) -> str:
    """Writes an argument or a sentence as the end of a message."""
    text = advice if " " in advice else f"did you mean `{advice}`?"
    return re.sub("`([a-z_.<>]+)`", lambda match: f"`{case(match[1])}`", text)


def _group_advice(group: str, name: str, names: list[str]) -> str | None:
    index = _GROUP_INDEX.get(group, {})
    if group == "fallbacks":
        index = {**{word: _of_component(advice, names) for word, advice in _COMPONENT_INDEX.items()}, **index}
    of_component = {bare(each): each for each in OpenAICompatibleLLMArgs.__annotations__ if each not in names}
    index = {
        **{word: f"`{each}` is an argument of the component, not of `{group}`" for word, each in of_component.items()},
        **index,
    }
    return closest(name, names, index)


def _of_component(advice: str, names: list[str]) -> str:
    is_there = " " in advice or advice.partition(".")[0] in names
    return advice if is_there else f"did you mean the component's `{advice}`?"


def _words(name: str) -> Iterator[str]:
    """Yields what a name may be of, the longest first: `gptoss120b`, `gptoss`, `gpt` and `oss` for `gpt-oss-120b`."""
    parts = re.findall("[a-z0-9]+", name.lower())
    for word in (*("".join(parts[:count]) for count in range(len(parts), 0, -1)), *parts[1:]):
        yield word
        yield re.split("[0-9]", word, maxsplit=1)[0]
