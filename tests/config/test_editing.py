"""Values are put into a settings file in place, and nothing else in it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from koderz.config.editing import put_values, write_values
from koderz.errors import ConfigError

TABLE = "koderz.classify"
VALUES = {"escalate_below": 0.62, "sure_above": 0.95}
COMMENT = "calibrated 2026-11-21 on n=800"
MINE = """\
# mine
[agent]
default_model = "gpt-4o"  # the best

[koderz.classify]
sure_above = 0.9
# calibrated 2025-01-01 on n=10
escalate_below=0.1

[koderz.budget]
day_usd = 1.0
"""


def test_an_empty_file_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "koderz.toml"
    write_values(path, TABLE, VALUES, COMMENT)
    assert path.read_text() == (
        "[koderz.classify]\n# calibrated 2026-11-21 on n=800\n"
        "escalate_below = 0.62\nsure_above = 0.95\n"
    )


def test_a_table_that_is_there_is_changed_and_the_rest_is_not(tmp_path: Path) -> None:
    path = tmp_path / "koderz.toml"
    path.write_text(MINE)
    write_values(path, TABLE, VALUES, COMMENT)
    text = path.read_text()
    document = tomllib.loads(text)
    assert document["koderz"]["classify"] == VALUES
    assert document["koderz"]["budget"] == {"day_usd": 1.0}
    assert '# mine\n[agent]\ndefault_model = "gpt-4o"  # the best\n' in text
    assert "2025-01-01" not in text
    write_values(path, TABLE, VALUES, COMMENT)
    assert path.read_text() == text


def test_a_file_without_the_table_gets_it_at_the_end() -> None:
    text = put_values("[agent]\n", TABLE, {"sure_above": "1"}, COMMENT)
    assert tomllib.loads(text) == {"agent": {}, "koderz": {"classify": {"sure_above": 1}}}


@pytest.mark.parametrize(
    "text", ["[koderz]\nclassify = { sure_above = 0.9 }\n", "this is no TOML\n"]
)
def test_what_cannot_be_edited_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "koderz.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        write_values(path, TABLE, VALUES, COMMENT)
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_values(tmp_path / "none" / "koderz.toml", TABLE, VALUES, COMMENT)
