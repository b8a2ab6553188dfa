"""Pages made from settings and catalogue, for `docs/generate.py` and the test that compares."""

from __future__ import annotations

from koderz.config import pages
from koderz.config.pages import build_settings_page
from koderz.models.registry import list_providers

__all__ = ["build_env_example", "build_settings_page"]


def build_env_example() -> str:
    """The text of `.env.example`: every provider's key and address, every KODERZ_* variable."""
    return pages.build_env_text(list_providers())
