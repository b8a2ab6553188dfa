"""Names mean providers and tiers, in a fixed order, for every string there is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.config.settings import KoderzSettings, ProviderSettings, Settings
from koderz.models import names
from koderz.models.catalogue import get_default_catalogue
from koderz.models.registry import (
    get_close_matches,
    get_model_info,
    get_provider,
    get_provider_info,
    get_small_sibling,
    get_tier,
    list_models,
    list_providers,
)
from koderz.types import ModelInfo, Tier

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("name", "provider", "tier", "api_name"),
    [
        # Names of the catalogue.
        ("gpt-4o-mini", "openai", "small_frontier", "gpt-4o-mini"),
        ("gpt-4o", "openai", "frontier", "gpt-4o"),
        ("claude-opus-4-5", "anthropic", "frontier", "claude-opus-4-5"),
        ("claude-sonnet-5-5", "anthropic", "frontier", "claude-sonnet-5-5"),
        ("claude-haiku-4-5", "anthropic", "small_frontier", "claude-haiku-4-5"),
        ("gemini-2.5-flash", "google", "small_frontier", "gemini-2.5-flash"),
        ("deepseek-v4-pro", "deepseek", "frontier", "deepseek-v4-pro"),
        ("mistral-small", "mistral", "small_frontier", "mistral-small-latest"),
        ("  GPT-4o ", "openai", "frontier", "gpt-4o"),
        # Aliases are the provider's model; dated and latest forms are asked for as they stand.
        ("claude-sonnet-4", "anthropic", "frontier", "claude-sonnet-4-0"),
        ("gpt-4o-2024-08-06", "openai", "frontier", "gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-20241022", "anthropic", "frontier", "claude-3-5-sonnet-20241022"),
        ("claude-3-5-haiku-latest", "anthropic", "small_frontier", "claude-3-5-haiku-latest"),
        ("claude-haiku-4-5-20251001", "anthropic", "small_frontier", "claude-haiku-4-5-20251001"),
        ("gemini-2.0-flash-001", "google", "small_frontier", "gemini-2.0-flash-001"),
        ("gpt-4-1106-preview", "openai", "frontier", "gpt-4-1106-preview"),
        # A provider before the name.
        ("openai/gpt-4o", "openai", "frontier", "gpt-4o"),
        ("OpenAI/gpt-4o-mini-2024-07-18", "openai", "small_frontier", "gpt-4o-mini-2024-07-18"),
        ("anthropic/claude-opus-9", "anthropic", "frontier", "claude-opus-9"),
        ("google/gemini-9-flash", "google", "small_frontier", "gemini-9-flash"),
        ("gemini/gemini-2.5-pro", "google", "frontier", "gemini-2.5-pro"),
        ("ollama/mistral-7b", "ollama", "local", "mistral-7b"),
        ("groq/openai/gpt-oss-20b", "groq", "small_frontier", "openai/gpt-oss-20b"),
        ("groq/llama-3.1-8b-instant", "groq", "small_frontier", "llama-3.1-8b-instant"),
        ("deepseek/deepseek-flash", "deepseek", "small_frontier", "deepseek-flash"),
        ("openrouter/x/y-mini:free", "openrouter", "small_frontier", "x/y-mini:free"),
        ("together/zai-org/GLM-5.3", "together", "frontier", "zai-org/GLM-5.3"),
        ("lmstudio/qwen3", "lmstudio", "local", "qwen3"),
        ("vllm/meta-llama/Llama-4", "vllm", "local", "meta-llama/Llama-4"),
        ("llamacpp/gpt-oss", "llamacpp-server", "local", "gpt-oss"),
        ("llama.cpp/gpt-oss", "llamacpp-server", "local", "gpt-oss"),
        # A fine-tuned model has the tier of its base.
        ("ft:gpt-4o-mini-2024-07-18:acme::x1", "openai", "small_frontier", None),
        ("ft:gpt-4o:acme::x1", "openai", "frontier", None),
        ("openai/ft:gpt-4.1-mini:acme", "openai", "small_frontier", "ft:gpt-4.1-mini:acme"),
        # Any other name with a colon is local.
        ("qwen2.5-coder:32b", "ollama", "local", "qwen2.5-coder:32b"),
        ("codellama:70b", "ollama", "local", "codellama:70b"),
        ("phi:2.7b", "ollama", "local", "phi:2.7b"),
        ("hf.co/someone/model-GGUF:Q4_K_M", "ollama", "local", "hf.co/someone/model-GGUF:Q4_K_M"),
    ],
)
def test_a_name_means_its_provider_and_tier(
    name: str, provider: str, tier: str, api_name: str | None
) -> None:
    info = get_model_info(name)
    assert info is not None
    assert (info.name, info.provider, info.tier) == (name.strip(), provider, Tier(tier))
    assert info.api_name == (api_name or name)
    assert (get_provider(name), get_tier(name)) == (provider, Tier(tier))


@pytest.mark.parametrize("name", ["", " ", "/", "gpt-7", "nobody/model", "openai/", "mistral-7b"])
def test_what_cannot_be_told_is_unknown(name: str) -> None:
    assert get_provider(name) == "unknown"
    assert get_tier(name) is None
    assert get_model_info(name) is None


@given(st.text() | st.from_regex(r"(openai|ft|ollama|a)?[:/]{0,3}[a-z0-9:/.-]*", fullmatch=True))
def test_every_string_is_answered(name: str) -> None:
    info = get_model_info(name)
    assert get_provider(name) == (info.provider if info else "unknown")
    assert get_tier(name) == (info.tier if info else None)
    assert len(get_close_matches(name)) <= 3
    if info:
        assert get_provider_info(info.provider) is not None


@pytest.mark.parametrize("name", ["ft:", "ft::", "ft:ft:ft:", "FT:gpt-4o-mini:a"])
def test_a_fine_tune_with_no_base_is_still_answered(name: str) -> None:
    assert get_provider(name) == "openai"


def test_reasoning_models_refuse_what_they_refuse() -> None:
    for name in ("gpt-6-luna", "o3", "gpt-5", "openai/gpt-9"):
        info = get_model_info(name)
        assert info is not None
        takes = info.capabilities
        assert (takes.temperature, takes.top_p, takes.stop) == (False, False, False)
        assert takes.max_tokens_field == "max_completion_tokens"
        assert takes.system_role == "developer"
        assert "high" in takes.reasoning_efforts


def test_a_makers_next_model_takes_what_its_last_one_takes() -> None:
    new, last = get_model_info("anthropic/claude-opus-9"), get_model_info("claude-fable-5-2")
    assert new is not None
    assert last is not None
    assert not new.is_known
    assert new.capabilities == last.capabilities
    variant, base = get_model_info("openai/gpt-4o-mini-tuned"), get_model_info("gpt-4o-mini")
    assert variant is not None
    assert base is not None
    assert variant.capabilities == base.capabilities


def test_claude_keeps_prompts_and_takes_no_seed() -> None:
    info = get_model_info("claude-sonnet-4-5")
    assert info is not None
    assert info.capabilities.prompt_cache
    assert not info.capabilities.seed
    assert not info.capabilities.top_p


def test_every_row_is_found_by_its_names_and_has_a_host() -> None:
    catalogue = get_default_catalogue()
    for model in list_models(with_retired=True):
        assert get_model_info(model.name) == model
        assert model.provider in catalogue.providers
        assert names.is_for_text(model.api_name)
        prefixed = get_model_info(f"{model.provider}/{model.api_name}")
        assert prefixed is not None
        assert (prefixed.api_name, prefixed.tier) == (model.api_name, model.tier)
    assert len({model.name for model in catalogue.models}) == len(catalogue.models)


def test_every_host_has_an_address_and_a_main_model_of_its_own() -> None:
    for provider in list_providers():
        assert provider.base_url.startswith("https://") or provider.is_local
        assert provider.is_local or provider.key_vars
        if provider.default_model:
            main = get_model_info(provider.default_model)
            assert main is not None
            assert (main.provider, main.tier) == (provider.id, Tier.FRONTIER)


def test_local_hosts_are_listed_last() -> None:
    places = [provider.is_local for provider in list_providers()]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("gpt4o-mini", "gpt-4o-mini"),
        ("claude-sonet-5-5", "claude-sonnet-5-5"),
        ("Gemini-2.5-Flsh", "gemini-2.5-flash"),
    ],
)
def test_close_names_are_offered(name: str, match: str) -> None:
    assert get_close_matches(name)[0] == match
    assert get_close_matches("zzzzzz") == ()


@pytest.mark.parametrize(
    ("main", "sibling"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o-2024-08-06", "gpt-4o-mini"),
        ("gpt-4.1", "gpt-4.1-mini"),
        ("gpt-5", "gpt-5-mini"),
        ("gpt-6.1-sol", "gpt-6-luna"),
        ("o3", "gpt-6-luna"),
        ("claude-sonnet-5-5", "claude-haiku-5-5"),
        ("claude-opus-4-5", "claude-haiku-4-5"),
        ("claude-3-5-sonnet-20241022", "claude-haiku-5-5"),
        ("gemini-2.5-pro", "gemini-2.5-flash"),
        ("gemini-4-argon", "gemini-3.8-flash"),
        ("deepseek-v4-pro", "deepseek-flash"),
        ("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b"),
        ("openrouter/anthropic/claude-opus-5.5", "openrouter/anthropic/claude-haiku-5.5"),
        # Not in the catalogue: released tomorrow, or known from the prices alone.
        ("anthropic/claude-opus-9", "claude-haiku-5-5"),
        ("openai/gpt-9", "gpt-6-luna"),
        ("google/gemini-9-pro", "gemini-3.8-flash"),
        ("openrouter/qwen/qwen3.7-max", "openrouter/qwen/qwen3.7-flash"),
        ("ft:gpt-4o:acme::x1", "gpt-4o-mini"),
        # Small already, or without one.
        ("gpt-4o-mini", None),
        ("claude-haiku-5-5", None),
        ("ollama/phi", None),
        ("vllm/big", None),
        ("together/moonshotai/Kimi-K3", None),
    ],
)
def test_a_main_model_has_its_small_sibling(main: str, sibling: str | None) -> None:
    info = get_model_info(main)
    assert info is not None
    found = get_small_sibling(info)
    assert (found.name if found else None) == sibling


def test_siblings_are_small_current_and_of_the_same_provider() -> None:
    current = {model.name for model in list_models()}
    for main in list_models():
        found = get_small_sibling(main)
        if found:
            assert found.tier is Tier.SMALL_FRONTIER
            assert found.provider == main.provider
            assert found.name in current or not found.is_known


@pytest.mark.parametrize(
    ("main", "installed", "sibling"),
    [
        ("llama3.3:70b", {"llama3.3:70b": 40 * GB, "phi:2.7b": 2 * GB, "qwen:7b": 5 * GB}, "phi"),
        ("ollama/mistral", {"mistral:latest": 4 * GB, "phi:2.7b": 2 * GB}, "phi"),
        ("mistral:7b", {"mistral:7b": 4 * GB, "nomic-embed-text:latest": GB}, None),
        ("mistral:7b", {"mistral:7b": 4 * GB, "bge-m3:567m": GB, "phi:2.7b": 2 * GB}, "phi"),
        ("phi:2.7b", {"phi:2.7b": 2 * GB, "mistral:7b": 4 * GB}, None),
        # The main model is not installed: the sizes in the names decide.
        ("llama3.3:70b", {"phi:2.7b": 2 * GB, "qwen:72b": 45 * GB}, "phi"),
        ("phi:2.7b", {"mistral:7b": 4 * GB}, None),
        ("llama3.3:70b", {}, None),
    ],
)
def test_a_local_model_gets_the_smallest_installed_one(
    main: str, installed: dict[str, int], sibling: str | None
) -> None:
    info = get_model_info(main)
    assert info is not None
    found = get_small_sibling(info, installed)
    assert (found.api_name if found else None) == (sibling and "phi:2.7b")
    assert found is None or found.tier is Tier.LOCAL


def test_a_sibling_that_is_not_cheaper_is_not_offered() -> None:
    dear = ModelInfo(
        name="openai/gpt-oss-20b",
        api_name="gpt-oss-20b",
        provider="openai",
        tier=Tier.FRONTIER,
        family="gpt",
    )
    assert get_small_sibling(dear) is None


def test_own_hosts_are_known_with_the_settings() -> None:
    hosts = {
        "here": ProviderSettings(base_url="http://127.0.0.1:9000/v1"),
        "there": ProviderSettings(base_url="https://llm.example/v1", key_var="THERE_KEY"),
        "openai": ProviderSettings(base_url="https://proxy.example/v1"),
    }
    settings = Settings(koderz=KoderzSettings(providers=hosts))
    assert get_tier("here/qwen", settings) is Tier.LOCAL
    assert get_tier("there/big", settings) is Tier.FRONTIER
    assert get_tier("there/big-mini", settings) is Tier.SMALL_FRONTIER
    there, openai = get_provider_info("there", settings), get_provider_info("openai", settings)
    assert there is not None
    assert (there.wire, there.key_vars, there.is_local) == ("openai", ("THERE_KEY",), False)
    assert openai is not None
    assert (openai.base_url, openai.key_vars) == ("https://proxy.example/v1", ("OPENAI_API_KEY",))
    assert get_provider_info("there") is None
    assert get_provider("there/big") == "unknown"


def test_nothing_is_read_at_import() -> None:
    code = (
        "import sys, koderz.models.registry, koderz.models.prices as p;"
        "from koderz.models.catalogue import get_default_catalogue as g;"
        "assert g.cache_info().currsize == 0; assert 'genai_prices' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "family", "generation"),
    [
        ("claude-opus-4-5-20251101", "claude", ("4", "5")),
        ("gpt-4o-mini", "gpt", ("4o",)),
        ("gpt-4.1", "gpt", ("4", "1")),
        ("gpt-oss-120b", "gpt-oss", ()),
        ("o4-mini", "gpt", ("4",)),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama", ("3", "3")),
        ("qwen3.8-27b", "qwen", ("3", "8")),
        ("ministral-14b-2512", "mistral", ()),
        ("", "", ()),
    ],
)
def test_names_say_family_and_generation(
    name: str, family: str, generation: tuple[str, ...]
) -> None:
    assert names.get_named_family(name) == family
    assert names.get_generation(name) == generation
