"""The package as a whole: its public names, its weight, its version, its generated pages."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest
from conftest import ROOT

import koderz

HEAVY = ["aiohttp", "genai_prices", "pydantic", "rich", "splintr", "sqlite3", "stamina", "typer"]


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("script", ROOT / name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_public_names_are_sorted_and_all_there() -> None:
    assert koderz.__all__ == sorted(koderz.__all__)
    for name in koderz.__all__:
        assert getattr(koderz, name) is not None


def test_what_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = koderz.nothing


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import koderz, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_generated_pages_are_those_in_the_tree() -> None:
    pages = load_script("docs/generate.py").build_pages()
    assert pages
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name} is old"


def test_each_model_gets_its_providers_client() -> None:
    from koderz.models import ModelFactory, OpenAIClient
    from koderz.models.registry import get_provider, get_tier

    factory = ModelFactory(anthropic_api_key="test", openai_api_key="test")
    assert type(factory.get_client("gpt-4o-mini")) is OpenAIClient
    assert type(factory.get_client("gpt-4o-mini")).__name__ == "OpenAIClient"
    assert type(factory.get_client("claude-opus-4-5")).__name__ == "FrontierClient"
    assert type(factory.get_client("codellama:70b")).__name__ == "OllamaClient"
    assert get_tier("codellama:70b") == "local"
    assert get_provider("gpt-4o-mini") == "openai"
