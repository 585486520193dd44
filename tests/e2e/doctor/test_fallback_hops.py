"""What `make chat` reads of a backend with fallbacks: the Secret and the TLS of each provider, and who answered."""

from typing import Any

from components.openai_compatible_llm.args import BackendApi
from components.openai_compatible_llm.backends import READERS
from components.openai_compatible_llm.doctor.hops import Hop
from tests.e2e.doctor.conftest import Deploy, StandInChat
from tests.support.broken_hops import REFUSED_KEY, UNKNOWN_ISSUER, WRONG_NAME
from tests.support.provider_objects import API_KEY
from tests.support.stand_in_gateway import MODEL, completion

API = BackendApi.AGENTGATEWAY
FALLBACK = {"name": "eu", "host": "eu.example.com", "port": 8443, "model": "of-eu"}
MADE: dict[str, Any] = {"fallbacks": [{**FALLBACK, "api_key": API_KEY}]}
SHARED: dict[str, Any] = {"fallbacks": [{**FALLBACK, "api_key_secret": {"name": "mistral-secret"}}]}


def test_a_fallback_without_its_secret_is_found_although_a_completion_arrived(
    chat: StandInChat, deploy: Deploy
) -> None:
    objects = deploy(API, **MADE)
    asked = chat.where(completion)
    assert asked.status == Hop.SECRET.status
    missing = f"Secret {objects.namespace}/mistral-eu-secret, which the backend names, does not exist"
    assert f"a completion arrived, yet {missing}" in asked.stderr


def test_the_secret_of_each_provider_is_named_after_a_refused_key(chat: StandInChat, deploy: Deploy) -> None:
    objects = deploy(API, **SHARED)
    report = chat.where(REFUSED_KEY).broken_at(Hop.KEY)
    assert f"Secret {objects.namespace}/mistral-secret has a key" in report


def test_a_wrong_certificate_is_looked_for_at_every_provider(chat: StandInChat, deploy: Deploy) -> None:
    deploy(API, **SHARED)
    report = chat.where(WRONG_NAME).broken_at(Hop.TLS)
    assert (
        "expects api.mistral.ai:443 to have a certificate for api.mistral.ai, "
        "and eu.example.com:8443 to have a certificate for eu.example.com"
    ) in report


def test_the_authorities_of_a_fallback_are_looked_for(chat: StandInChat, deploy: Deploy) -> None:
    (fallback,) = SHARED["fallbacks"]
    objects = deploy(API, fallbacks=[{**fallback, "tls": {"ca_certificate_configmap": "house-ca"}}])
    report = chat.where(UNKNOWN_ISSUER).broken_at(Hop.TLS)
    missing = f"ConfigMap {objects.namespace}/house-ca, which AgentgatewayBackend {objects.namespace}/mistral names"
    assert f"{missing}, does not exist" in report


def test_a_backend_with_fallbacks_is_read_as_it_was_written(chat: StandInChat, deploy: Deploy) -> None:
    objects = deploy(API, **SHARED)

    def read(spec: Any) -> None:
        assert [(each.endpoint, each.tls) for each in READERS[API].read_providers({"spec": spec})] == [
            ("api.mistral.ai:443", {"sni": "api.mistral.ai"}),
            ("eu.example.com:8443", {"sni": "eu.example.com"}),
        ]
        for each in READERS[API].read_providers({"spec": spec}):
            assert (each.secret_name, each.gets_callers_token) == ("mistral-secret", False)

    objects.change(objects.backend, read)
    asked = chat.where(completion)
    assert asked.status == 0
    # The model of the answer tells which provider gave it.
    assert MODEL in asked.stderr
