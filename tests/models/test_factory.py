"""From a name to a client: which one, with which key and address, and what is said otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

import koderz.models
from koderz.config.settings import KoderzSettings, ProviderSettings, Settings
from koderz.errors import ConfigError, MissingAPIKeyError, UnknownModelError
from koderz.models import ModelFactory, OpenAIClient
from koderz.models.registry import get_provider, get_tier


def test_the_lines_that_were_promised_hold() -> None:
    factory = ModelFactory(anthropic_api_key="test", openai_api_key="test")
    assert type(factory.get_client("gpt-4o-mini")).__name__ == "OpenAIClient"
    assert type(factory.get_client("claude-opus-4-5")).__name__ == "FrontierClient"
    assert type(factory.get_client("codellama:70b")).__name__ == "OllamaClient"
    assert isinstance(factory.get_client("gpt-4o-mini"), OpenAIClient)
    assert get_tier("codellama:70b") == "local"
    assert get_provider("codellama:70b") == "ollama"


@pytest.mark.parametrize(
    ("model", "provider", "kind"),
    [
        ("gemini-2.5-flash", "google", "GeminiClient"),
        ("groq/llama-3.3-70b-versatile", "groq", "OpenAIClient"),
        ("deepseek-chat", "deepseek", "OpenAIClient"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter", "OpenAIClient"),
        ("ft:gpt-4o-mini:acme::1", "openai", "OpenAIClient"),
        ("lmstudio/some-model", "lmstudio", "OpenAIClient"),
        ("vllm/some-model", "vllm", "OpenAIClient"),
        ("llamacpp/some-model", "llamacpp-server", "OpenAIClient"),
    ],
)
def test_every_kind_of_name_finds_its_client(model: str, provider: str, kind: str) -> None:
    names = ("OPENAI", "GEMINI", "GROQ", "DEEPSEEK", "OPENROUTER")
    factory = ModelFactory(environ={f"{name}_API_KEY": "k" * 20 for name in names})
    client = factory.get_client(model)
    assert (client.provider.id, type(client).__name__) == (provider, kind)


def test_models_of_one_provider_share_a_client() -> None:
    factory = ModelFactory(openai_api_key="test")
    assert factory.get_client("gpt-4o") is factory.get_client("openai/gpt-4o-mini")
    assert factory.get_client("gpt-4o") is factory.get_provider_client("openai")


def test_a_missing_key_names_its_variable() -> None:
    factory = ModelFactory(environ={"OPENAI_API_KEY": "  "})
    for model, variable in (
        ("gpt-4o", "OPENAI_API_KEY"),
        ("claude-opus-4-5", "ANTHROPIC_API_KEY"),
        ("gemini-2.5-pro", "GEMINI_API_KEY"),
    ):
        with pytest.raises(MissingAPIKeyError, match=variable) as caught:
            factory.get_client(model)
        assert caught.value.env_var == variable
        assert isinstance(caught.value, ValueError)


def test_an_unknown_model_names_close_ones() -> None:
    factory = ModelFactory(environ={})
    with pytest.raises(UnknownModelError, match="gpt-4o-mini") as caught:
        factory.get_client("gpt4o-mini")
    assert "gpt-4o-mini" in caught.value.matches
    with pytest.raises(UnknownModelError, match="koderz models"):
        factory.get_client("zzzzzzzzzzzzzz")


def test_keys_are_known_by_name_alone() -> None:
    factory = ModelFactory(
        google_api_key="test", environ={"GROQ_API_KEY": "x", "ANTHROPIC_API_KEY": ""}
    )
    expected = {"google": True, "groq": True, "anthropic": False, "ollama": True, "vllm": True}
    assert {name: factory.has_key(name) for name in expected} == expected
    assert not factory.has_key("nobody")


def test_a_second_variable_may_hold_the_key() -> None:
    client = ModelFactory(environ={"GOOGLE_API_KEY": "x"}).get_client("gemini-2.5-pro")
    assert client.provider.id == "google"


@pytest.mark.parametrize("key", ["two words", "new\nline", "\x1b[0m", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ModelFactory(environ={"OPENAI_API_KEY": key}).get_client("gpt-4o")
    assert "OPENAI_API_KEY" in str(caught.value)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "model", "address"),
    [
        ("", "", "phi:2.7b", "http://localhost:11434"),
        ("OLLAMA_HOST", "box.local", "phi:2.7b", "http://box.local:11434"),
        ("OLLAMA_HOST", "0.0.0.0", "phi:2.7b", "http://127.0.0.1:11434"),
        ("OLLAMA_HOST", ":8080", "phi:2.7b", "http://127.0.0.1:8080"),
        ("OLLAMA_HOST", "https://box.example/ollama/", "phi:2.7b", "https://box.example/ollama"),
        ("", "", "gpt-4o", "https://api.openai.com/v1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/", "gpt-4o", "http://127.0.0.1:9/v1"),
        ("OPENAI_BASE_URL", "", "gpt-4o", "https://api.openai.com/v1"),
    ],
)
def test_an_address_may_be_set_by_variable(
    variable: str, value: str, model: str, address: str
) -> None:
    factory = ModelFactory(openai_api_key="test", environ={variable: value})
    assert factory.get_client(model).provider.base_url == address


@pytest.mark.parametrize("address", ["localhost", "ftp://host", "http://", "https://host:no/v1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    factory = ModelFactory(openai_api_key="test", environ={"OPENAI_BASE_URL": address})
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        factory.get_client("gpt-4o")


def test_hosts_of_your_own_are_found_in_the_settings() -> None:
    own = ProviderSettings(base_url="https://models.example/v1", key_var="EXAMPLE_KEY")
    moved = ProviderSettings(base_url="http://127.0.0.1:1234/v1")
    settings = Settings(koderz=KoderzSettings(providers={"example": own, "openai": moved}))
    factory = ModelFactory(
        openai_api_key="test",
        settings=settings,
        environ={"EXAMPLE_KEY": "x", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"},
    )
    client = factory.get_client("example/some-model")
    assert isinstance(client, OpenAIClient)
    assert client.provider.base_url == "https://models.example/v1"
    assert factory.get_client("gpt-4o").provider.base_url == "http://127.0.0.1:1234/v1"
    with pytest.raises(MissingAPIKeyError, match="EXAMPLE_KEY"):
        ModelFactory(settings=settings, environ={}).get_client("example/some-model")


async def test_closing_an_unused_factory_is_nothing() -> None:
    async with ModelFactory(environ={}) as factory:
        factory.get_client("phi:2.7b")
    await factory.close()


def test_public_names_are_sorted_and_there() -> None:
    names = koderz.models.__all__
    assert names == sorted(names)
    assert all(hasattr(koderz.models, name) for name in names)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = koderz.models.Nothing


def test_making_a_factory_imports_nothing_heavy() -> None:
    script = (
        "import sys; from koderz.models import ModelFactory;"
        "ModelFactory(openai_api_key='test').get_client('gpt-4o');"
        "print(sorted({'aiohttp', 'stamina', 'genai_prices', 'splintr'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
