"""`koderz config` shows, checks and begins settings; the generated pages are up to date."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from koderz.commands import config
from koderz.commands.pages import build_env_example, build_settings_page
from koderz.config.fields import get_heading, get_line, list_fields, list_sections
from koderz.config.loading import load_settings
from koderz.config.pages import build_settings_file
from koderz.config.settings import Settings
from koderz.errors import ConfigError
from koderz.models.registry import list_providers

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(config.app, list(arguments))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_writes_a_file_that_means_the_defaults(project: Path) -> None:
    assert run("init").exit_code == 0
    text = (project / "koderz.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["agent"]["small_model"]["max_tokens"] == 1000
    loaded = load_settings(project, environ={})
    assert loaded.settings == Settings()
    assert loaded.warnings == ()


def test_each_line_of_that_file_can_be_used(project: Path) -> None:
    lines = [line.removeprefix("# ") for line in build_settings_file().splitlines()]
    code = [line for line in lines if line.startswith("[") or " = " in line]
    (project / "koderz.toml").write_text("\n".join(code), encoding="utf-8")
    loaded = load_settings(project, environ={})
    assert loaded.warnings == ()
    assert loaded.settings.koderz.providers["my-host"].key_var == "MY_HOST_API_KEY"
    assert sum(line.startswith("[") for line in code) == len(list_sections())


def test_init_writes_over_nothing_unasked(project: Path) -> None:
    path = project / "koderz.toml"
    path.write_text("# mine", encoding="utf-8")
    result = run("init")
    assert isinstance(result.exception, ConfigError)
    assert "--force" in str(result.exception)
    assert path.read_text(encoding="utf-8") == "# mine"
    assert run("init", "--force").exit_code == 0
    assert path.read_text(encoding="utf-8") == build_settings_file()


@pytest.mark.parametrize("target", ["missing/koderz.toml", "."])
def test_init_says_where_it_cannot_write(target: str) -> None:
    assert isinstance(run("init", target).exception, ConfigError)


def test_show_prints_each_value_and_its_origin(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "koderz.toml").write_text(
        '[agent]\ndefault_model = "gpt-4o"\n[koderz.prices."a/b"]\ninput = 0.15\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("KODERZ_READ_MAX_CHUNKS", "3")
    rows = {line.split()[0]: line.split()[1:] for line in run("show").stdout.splitlines()}
    assert rows["agent.default_model"] == ['"gpt-4o"', "koderz.toml"]
    assert rows["koderz.read.max_chunks"] == ["3", "KODERZ_READ_MAX_CHUNKS"]
    assert rows["koderz.budget.day_usd"] == ["not", "set", "default"]
    assert rows['koderz.prices."a/b".input'] == ["0.15", "koderz.toml"]
    assert {field.key for field in list_fields()} < set(rows)


def test_show_prints_one_json_object(project: Path) -> None:
    (project / "koderz.toml").write_text("[koderz.budget]\nday_usd = 0.5\n", encoding="utf-8")
    document = json.loads(run("show", "--json").stdout)
    assert set(document) == {"files", "settings", "warnings"}
    rows = {row["key"]: row for row in document["settings"]}
    assert rows["koderz.budget.day_usd"] == {
        "key": "koderz.budget.day_usd",
        "value": 0.5,
        "from": "koderz.toml",
    }
    assert rows["koderz.budget.run_usd"]["value"] is None
    assert document["files"] == [str(project / "koderz.toml")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agent.small_model]\nmax_token = 5\n", "do you mean max_tokens?"),
        ('[agent]\ndefault_model = "gpt4o-mini"\n', "do you mean gpt-4o-mini"),
        ('[agent.small_model]\nmodel = "zzz"\n', "name its provider: openai/zzz"),
        ('[agent.small_model.tasks.compression]\nmodel = "zzz"\n', "tasks.compression.model"),
        ('[koderz.providers.mine]\nwire = "openai"\n', "koderz.providers.mine: it has no base_url"),
    ],
)
def test_check_ends_with_two_on_warnings(project: Path, text: str, said: str) -> None:
    (project / "koderz.toml").write_text(text, encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_check_is_content_with_good_settings(project: Path) -> None:
    assert run("check").exit_code == 0
    (project / "koderz.toml").write_text(
        '[agent]\ndefault_model = "mine/big"\n[koderz.providers.mine]\nbase_url = "http://x/v1"\n',
        encoding="utf-8",
    )
    result = run("check")
    assert result.exit_code == 0
    assert "koderz.toml" in result.stderr


def test_every_setting_is_explained() -> None:
    for field in list_fields():
        assert get_line(field).endswith((".", ").")), field.key
    for section in list_sections():
        assert get_heading(section).endswith("."), section.key


@pytest.mark.parametrize(
    ("path", "build"),
    [("docs/settings.md", build_settings_page), (".env.example", build_env_example)],
)
def test_the_generated_pages_are_up_to_date(path: str, build: Any) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == build(), "run `make docs`"


def test_the_env_example_names_every_variable(project: Path) -> None:
    text = build_env_example()
    names = [field.variable for field in list_fields()]
    for provider in list_providers():
        names += [name for name in (*provider.key_vars, provider.base_url_var) if name]
    assert [name for name in names if f"\n# {name}=" not in text] == []
    used = text.replace("\n# ", "\n").replace("KODERZ_CONFIG=koderz.toml", "")
    (project / ".env").write_text(
        "\n".join(line for line in used.splitlines() if line.partition("=")[0].isupper()),
        encoding="utf-8",
    )
    loaded = load_settings(project, environ={})
    assert (loaded.settings, loaded.warnings) == (Settings(), ())
