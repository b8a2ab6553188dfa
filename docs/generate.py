"""Write the pages that are made from the code: settings and .env.example."""

from __future__ import annotations

from pathlib import Path

from koderz.commands.pages import build_env_example, build_settings_page

ROOT = Path(__file__).resolve().parent.parent


def build_pages() -> dict[Path, str]:
    """Every generated page by its place; a test holds the files against them."""
    return {
        ROOT / "docs" / "settings.md": build_settings_page(),
        ROOT / ".env.example": build_env_example(),
    }


if __name__ == "__main__":
    for path, text in build_pages().items():
        path.write_text(text, encoding="utf-8")
