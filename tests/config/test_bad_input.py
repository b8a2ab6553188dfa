"""Wrong settings end in one line that names the place, the value and what is allowed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koderz.config.files import parse_toml
from koderz.config.loading import load_settings
from koderz.config.settings import Settings
from koderz.errors import ConfigError

MAX_TOKENS = "agent.small_model.max_tokens"
WHOLE = "a whole number from 1 to 1000000"
WIRES = "one of anthropic, openai, gemini, ollama"

FOREIGN = """
[agent]
provider = "x"
defualt_model = "x"
[agent.onboarding]
x = 1
[tools]
y = 2
[budget]
z = 3
"""


def fail(start: Path, environ: dict[str, str] | None = None, file: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(start, environ=environ or {}, file=file)
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[agent.small_model]\nmax_tokens = 0",
            f"koderz.toml: {MAX_TOKENS}: 0 is not {WHOLE}",
        ),
        (
            '[agent.small_model]\nmax_tokens = "many"',
            f'koderz.toml: {MAX_TOKENS}: "many" is not {WHOLE}',
        ),
        (
            "[agent.small_model]\nmax_tokens = 1.5",
            f"koderz.toml: {MAX_TOKENS}: 1.5 is not {WHOLE}",
        ),
        (
            "[agent.small_model]\nmax_tokens = true",
            f"koderz.toml: {MAX_TOKENS}: true is not {WHOLE}",
        ),
        (
            "[agent.small_model]\ntemperature = 2.01",
            "koderz.toml: agent.small_model.temperature: 2.01 is not a number from 0 to 2",
        ),
        (
            "[agent.small_model]\ntemperature = nan",
            "koderz.toml: agent.small_model.temperature: NaN is not a number from 0 to 2",
        ),
        (
            "[agent.small_model]\nenabled = 1",
            "koderz.toml: agent.small_model.enabled: 1 is not true or false",
        ),
        (
            "[agent]\ndefault_model = 7",
            "koderz.toml: agent.default_model: 7 is not a text",
        ),
        (
            "[koderz.budget]\nday_usd = -1",
            "koderz.toml: koderz.budget.day_usd: -1 is not an amount in USD, 0 or more",
        ),
        (
            "[koderz.budget]\nday_usd = inf",
            "koderz.toml: koderz.budget.day_usd: Infinity is not an amount in USD, 0 or more",
        ),
        (
            '[koderz.budget]\nday_usd = "5"',
            'koderz.toml: koderz.budget.day_usd: "5" is not an amount in USD, 0 or more',
        ),
        (
            "[koderz.http]\nread_timeout_s = 0",
            "koderz.toml: koderz.http.read_timeout_s: 0 is not a number above 0 up to 86400",
        ),
        (
            '[koderz.providers.x]\nwire = "soap"',
            f'koderz.toml: koderz.providers.x.wire: "soap" is not {WIRES}',
        ),
        (
            '[koderz.prices."a.b"]\ninput = -0.1',
            'koderz.toml: koderz.prices."a.b".input: -0.1 is not an amount in USD, 0 or more',
        ),
        ("agent = 3", "koderz.toml: agent: is not a table"),
        ("[koderz]\nbudget = 3", "koderz.toml: koderz.budget: is not a table"),
        (
            "[agent.small_model.tasks]\ncompression = 0.2",
            "koderz.toml: agent.small_model.tasks.compression: is not a table",
        ),
        (
            "[[koderz.read]]\nmax_chunks = 1",
            "koderz.toml: koderz.read: is not a table",
        ),
        (
            "[koderz.read]\nmax_chunks = 1" + "0" * 90,
            "koderz.toml: koderz.read.max_chunks: 1" + "0" * 59 + "... is not a whole number "
            "from 1 to 10000",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "koderz.toml").write_text(text, encoding="utf-8")
    assert fail(tmp_path) == message


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("KODERZ_AGENT_SMALL_MODEL_MAX_TOKENS", "lots", WHOLE),
        ("KODERZ_AGENT_SMALL_MODEL_MAX_TOKENS", "0", WHOLE),
        ("KODERZ_AGENT_SMALL_MODEL_ENABLED", "maybe", "true or false"),
        ("KODERZ_AGENT_SMALL_MODEL_TEMPERATURE", "nan", "a number from 0 to 2"),
        ("KODERZ_BUDGET_DAY_USD", "$5", "an amount in USD, 0 or more"),
        ("KODERZ_BUDGET_DAY_USD", "-5", "an amount in USD, 0 or more"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, text: str, allowed: str) -> None:
    message = fail(tmp_path, {name: text})
    assert message.startswith(f"{name}: ")
    assert message.endswith(f"is not {allowed}")
    (tmp_path / ".env").write_text(f"{name}={text}\n", encoding="utf-8")
    assert fail(tmp_path).startswith(f"{name} in .env: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [("[agent]\nmodel =\n", 2), ("[agent", 1), ('[agent]\n\nx = "abc', 3), ("a = 1\na = 2\n", 2)],
)
def test_broken_toml_names_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "koderz.toml"
    path.write_text(text, encoding="utf-8")
    assert fail(tmp_path).startswith(f"{path}: line {line} is not TOML: ")


@pytest.mark.parametrize("name", ["koderz.toml", "vtcode.toml", "pyproject.toml"])
def test_what_is_no_text_file_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"[tool.koderz]\n# \xff\xfe\n")
    assert fail(tmp_path) == f"{path}: is not UTF-8 text (byte 16)"
    path.unlink()
    path.mkdir()
    assert fail(tmp_path) == f"{path}: is a folder, not a file"
    path.rmdir()
    path.symlink_to(tmp_path / "gone")
    assert fail(tmp_path).startswith(f"{path}: there is no such file")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "koderz.toml"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert fail(tmp_path).startswith(f"{path}: cannot be read: ")


def test_a_missing_file_that_was_asked_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.toml"
    assert fail(tmp_path, file=path).startswith(f"{path}: there is no such file")
    assert fail(tmp_path, {"KODERZ_CONFIG": "no.toml"}).endswith("(KODERZ_CONFIG names it)")
    named = tmp_path / "pyproject.toml"
    named.write_text("[project]\n", encoding="utf-8")
    assert fail(tmp_path, file=named) == f"{named}: has no [tool.koderz] table"


def test_a_broken_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    assert fail(tmp_path) == f"{tmp_path / '.env'}: is not UTF-8 text (byte 2)"


@pytest.mark.parametrize("key", ["agent.smal_model.model", "read.max_chunks", "koderz.read.x"])
def test_an_unknown_argument_is_an_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        load_settings(tmp_path, environ={}, overrides={key: 1})


@pytest.mark.parametrize(
    ("name", "text", "warnings"),
    [
        (
            "koderz.toml",
            "[agent.small_model]\nmax_token = 5",
            ["agent.small_model.max_token: unknown key, do you mean max_tokens?"],
        ),
        (
            "koderz.toml",
            '[agent]\ndefualt_model = "x"',
            ["agent.defualt_model: unknown key, do you mean default_model?"],
        ),
        ("koderz.toml", "[koderz]\nzzz = 1", ["koderz.zzz: unknown key"]),
        (
            "koderz.toml",
            "[agent.small_model.tasks.compresion]\nmax_tokens = 5",
            ["agent.small_model.tasks.compresion: unknown key, do you mean compression?"],
        ),
        (
            "koderz.toml",
            "[agent.small_model.tasks.compression]\nmodle = 5",
            ["agent.small_model.tasks.compression.modle: unknown key, do you mean model?"],
        ),
        (
            "koderz.toml",
            '[koderz.providers.mine]\nurl = "x"',
            ["koderz.providers.mine.url: unknown key"],
        ),
        (
            "koderz.toml",
            "[budget]\nday_usd = 1",
            ["budget: unknown here, do you mean koderz.budget?"],
        ),
        ("koderz.toml", "[agnet]\nx = 1", ["agnet: unknown here, do you mean agent?"]),
        (
            "koderz.toml",
            'default_model = "x"',
            ["default_model: unknown here, do you mean agent.default_model?"],
        ),
        ("koderz.toml", "[somebody.else]\nx = 1", []),
        (
            "pyproject.toml",
            "[tool.koderz.budgett]\nday_usd = 1",
            ["koderz.budgett: unknown key, do you mean budget?"],
        ),
        # In a file shared with another program only our own tables are looked at.
        (
            "vtcode.toml",
            FOREIGN,
            [],
        ),
        (
            "vtcode.toml",
            "[agent.small_model]\nmax_token = 5",
            ["agent.small_model.max_token: unknown key, do you mean max_tokens?"],
        ),
        (
            "vtcode.toml",
            "[koderz.raed]\nx = 1",
            ["koderz.raed: unknown key, do you mean read?"],
        ),
    ],
)
def test_unknown_keys_are_warned_of_in_our_tables_alone(
    tmp_path: Path, name: str, text: str, warnings: list[str]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    loaded = load_settings(tmp_path, environ={})
    assert loaded.warnings == tuple(f"{name}: {warning}" for warning in warnings)
    assert loaded.settings == Settings()


def test_unknown_variables_are_warned_of(tmp_path: Path) -> None:
    environ = {"KODERZ_BUDGET_DAY_USDD": "1", "KODERZ_DATA": "/data", "KODERZ_CONFIG": ""}
    loaded = load_settings(tmp_path, environ=environ)
    assert loaded.warnings == (
        "KODERZ_BUDGET_DAY_USDD: unknown variable, do you mean KODERZ_BUDGET_DAY_USD?",
    )


@settings(max_examples=60)
@given(st.text())
def test_any_broken_text_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match="some.toml: line [0-9]+ is not TOML: "):
        parse_toml(f"{text}\n[", "some.toml")


def test_deep_nesting_is_no_crash() -> None:
    with pytest.raises(ConfigError):
        parse_toml("x = " + "[" * 100_000, "some.toml")
