"""Every setting can be set from every place, and the later place wins."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.config.fields import Field, join_key, list_fields, list_sections, split_key
from koderz.config.files import get_user_file_path
from koderz.config.loading import LoadedSettings, load_settings
from koderz.config.pages import format_value
from koderz.config.settings import Settings
from koderz.types import CHORES, TaskKind

# A value that fits, by the name of the field; None of them is a default.
VALUES: Mapping[str, Any] = {
    "agent.default_model": "gpt-4o",
    "agent.small_model.enabled": False,
    "agent.small_model.model": "phi:2.7b",
    "agent.small_model.max_tokens": 800,
    "agent.small_model.temperature": 0.2,
    "agent.small_model.use_for_large_reads": False,
    "agent.small_model.use_for_web_summary": False,
    "agent.small_model.use_for_git_history": False,
    "agent.small_model.use_for_compression": False,
    "agent.small_model.use_for_classification": False,
    "agent.small_model.use_for_bulk": False,
    "koderz.budget.run_usd": Decimal("0.10"),
    "koderz.budget.day_usd": Decimal("2.5"),
    "koderz.budget.task_usd": Decimal(0),
    "koderz.ledger.path": "/tmp/ledger.sqlite",
    "koderz.routing.side_concurrency": 2,
    "koderz.routing.main_concurrency": 3,
    "koderz.routing.breaker_failures": 7,
    "koderz.routing.breaker_cooldown_s": 1.5,
    "koderz.routing.deadline_s": 20.0,
    "koderz.batch.poll_s": 5.0,
    "koderz.http.connect_timeout_s": 1.0,
    "koderz.http.read_timeout_s": 2.0,
    "koderz.http.total_timeout_s": 3.0,
    "koderz.http.retries": 0,
    "koderz.http.retry_wait_max_s": 4.0,
    "koderz.read.min_size_kb": 10,
    "koderz.read.budget_tokens": 500,
    "koderz.read.chunk_tokens": 2000,
    "koderz.read.max_chunks": 3,
    "koderz.read.max_usd": Decimal("0.01"),
    "koderz.web.max_size_kb": 100,
    "koderz.web.timeout_s": 3.5,
    "koderz.web.max_redirects": 1,
    "koderz.web.allow_private": True,
    "koderz.web.min_tokens": 100,
    "koderz.web.budget_tokens": 500,
    "koderz.web.answer_tokens": 300,
    "koderz.web.model_tokens": 4000,
    "koderz.web.max_usd": Decimal("0.02"),
    "koderz.git.count": 7,
    "koderz.git.model_tokens": 3000,
    "koderz.git.max_usd": Decimal("0.03"),
    "koderz.compress.min_messages": 5,
    "koderz.compress.budget_tokens": 4000,
    "koderz.compress.tail_share": 0.4,
    "koderz.compress.model_tokens": 9000,
    "koderz.compress.max_usd": Decimal("0.04"),
    "koderz.classify.escalate_below": 0.6,
    "koderz.classify.sure_above": 0.9,
    "koderz.quality.share": 0.1,
    "koderz.quality.path": "answers.sqlite",
    "koderz.quality.max_kept": 20,
    "koderz.quality.max_size_mb": 3,
    "koderz.quality.max_usd": Decimal("0.25"),
    "koderz.experiments.path": "x.sqlite",
    "koderz.experiments.answer_tokens": 900,
    "koderz.experiments.gpu_hour_usd": Decimal("1.5"),
    "koderz.memory.path": "m.sqlite",
    "koderz.memory.cortex_command": "npx -y claude-cortex",
    "koderz.local.folder": "/tmp/models",
    "koderz.local.fetch": False,
    "koderz.local.memory_mb": 4000,
    "koderz.local.context_tokens": 8192,
    "koderz.local.parallel": 2,
    "koderz.local.threads": 3,
    "koderz.local.gpu_layers": 0,
    "koderz.local.keep_loaded_s": 60.0,
    **{
        f"agent.small_model.tasks.{task}.{name}": value
        for task in TaskKind
        if task in CHORES
        for name, value in (("model", "qwen:7b"), ("max_tokens", 50), ("temperature", 0.1))
    },
}

TABLES: Mapping[str, Any] = {
    "koderz.providers.here.base_url": "http://localhost:9/v1",
    "koderz.providers.here.key_var": "HERE_KEY",
    "koderz.providers.here.wire": "anthropic",
    'koderz.prices."here/m.1".input': Decimal("0.15"),
    'koderz.prices."here/m.1".output': Decimal("0.60"),
    'koderz.prices."here/m.1".cache_read': Decimal("0.05"),
    'koderz.prices."here/m.1".cache_write': Decimal("0.25"),
}

FIELDS = {field.key: field for field in list_fields()}


def get_value(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in split_key(key):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def load(start: Path, environ: Mapping[str, str] | None = None, **options: Any) -> LoadedSettings:
    return load_settings(start, environ=environ or {}, **options)


def write(folder: Path, text: str, name: str = "koderz.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def build_toml(key: str, value: Any) -> str:
    section, _, name = key.rpartition(".")
    return f"[{section}]\n{name} = {format_value(value)}\n"


def test_the_table_of_values_has_every_setting() -> None:
    assert set(VALUES) == set(FIELDS)
    open_fields = [
        field for section in list_sections() if section.open_name for field in section.fields
    ]
    named = {split_key(key)[-1] for key in TABLES}
    assert {field.name for field in open_fields if field.struct != "TaskSettings"} == named


@pytest.mark.parametrize(("key", "value"), [*VALUES.items(), *TABLES.items()])
def test_a_file_sets_it(tmp_path: Path, key: str, value: Any) -> None:
    write(tmp_path, build_toml(key, value))
    loaded = load(tmp_path)
    assert get_value(loaded.settings, key) == value
    assert loaded.origins[key] == "koderz.toml"
    assert loaded.warnings == ()


@pytest.mark.parametrize(("key", "value"), VALUES.items())
def test_a_variable_sets_it_over_the_file(tmp_path: Path, key: str, value: Any) -> None:
    write(tmp_path, build_toml(key, FIELDS[key].default or value))
    text = value if isinstance(value, str) else format_value(value)
    loaded = load(tmp_path, {FIELDS[key].variable: text})
    assert get_value(loaded.settings, key) == value
    assert loaded.origins[key] == FIELDS[key].variable
    assert loaded.warnings == ()


@pytest.mark.parametrize(("key", "value"), [*VALUES.items(), *TABLES.items()])
def test_an_argument_sets_it_over_the_variable(tmp_path: Path, key: str, value: Any) -> None:
    environ = {}
    if key in FIELDS and FIELDS[key].default is not None:
        environ[FIELDS[key].variable] = str(FIELDS[key].default)
    loaded = load(tmp_path, environ, overrides={key: value})
    assert get_value(loaded.settings, key) == value
    assert loaded.origins[key] == "argument"


@pytest.mark.parametrize(("key", "value"), VALUES.items())
def test_pyproject_sets_it(tmp_path: Path, key: str, value: Any) -> None:
    own = build_toml(f"tool.koderz.{key.removeprefix('koderz.')}", value)
    write(tmp_path, f'[project]\nname = "x"\n{own}', "pyproject.toml")
    loaded = load(tmp_path)
    assert get_value(loaded.settings, key) == value
    assert loaded.origins[key] == "pyproject.toml"


def test_with_nothing_set_all_is_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert (loaded.files, loaded.warnings, loaded.environ) == ((), (), {})
    with pytest.raises(AttributeError):
        loaded.files = ()  # type: ignore[misc]  # That it cannot be set is what is tested.


def test_the_section_of_the_guide_is_understood(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        [agent]
        default_model = ""
        [agent.small_model]
        enabled = true
        model = ""
        max_tokens = 1000
        temperature = 0.3
        use_for_large_reads = true
        use_for_web_summary = true
        use_for_git_history = true
        use_for_compression = true
        """,
    )
    loaded = load(tmp_path)
    assert loaded.warnings == ()
    assert loaded.settings.agent.small_model.temperature == 0.3


def test_the_nearest_folder_wins(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    write(tmp_path, '[agent]\ndefault_model = "far"')
    assert load(write(inner, "", "x.txt").parent).settings.agent.default_model == "far"
    path = write(tmp_path / "a", '[agent]\ndefault_model = "near"', "vtcode.toml")
    loaded = load(inner)
    assert loaded.settings.agent.default_model == "near"
    assert loaded.files == (path,)
    assert loaded.origins["agent.default_model"] == str(path)


def test_within_a_folder_our_own_file_comes_first(tmp_path: Path) -> None:
    texts = {
        "pyproject.toml": '[tool.koderz.agent]\ndefault_model = "c"',
        "vtcode.toml": '[agent]\ndefault_model = "b"',
        "koderz.toml": '[agent]\ndefault_model = "a"',
    }
    for expected, (name, text) in zip("cba", texts.items(), strict=True):
        write(tmp_path, text, name)
        assert load(tmp_path).settings.agent.default_model == expected


def test_files_without_settings_of_ours_are_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    write(tmp_path, '[agent]\ndefault_model = "far"')
    write(inner, '[project]\nname = "koderz-user"', "pyproject.toml")
    write(inner, "[tools]\nmax = 3", "vtcode.toml")
    assert load(inner).settings.agent.default_model == "far"


def test_another_programs_broken_pyproject_is_not_our_business(tmp_path: Path) -> None:
    write(tmp_path, "[project\nname =", "pyproject.toml")
    assert load(tmp_path).settings == Settings()


def test_the_users_file_lies_under_the_projects_key_by_key(tmp_path: Path) -> None:
    user = get_user_file_path()
    write(user.parent, '[agent]\ndefault_model = "user"\n[koderz.read]\nmax_chunks = 5\n')
    write(tmp_path, '[agent]\ndefault_model = "project"\n')
    loaded = load(tmp_path)
    assert loaded.settings.agent.default_model == "project"
    assert loaded.settings.koderz.read.max_chunks == 5
    assert loaded.origins["koderz.read.max_chunks"] == str(user)
    assert loaded.files == (user, tmp_path / "koderz.toml")


def test_a_named_file_stands_in_the_projects_place(tmp_path: Path) -> None:
    write(tmp_path, '[agent]\ndefault_model = "found"\n[koderz.read]\nmax_chunks = 5\n')
    other = write(tmp_path / "etc", '[agent]\ndefault_model = "named"\n', "other.toml")
    for loaded in (
        load(tmp_path, file=other),
        load(tmp_path, file=Path("etc/other.toml")),
        load(tmp_path, {"KODERZ_CONFIG": str(other)}),
        load(tmp_path, {"KODERZ_CONFIG": "nowhere.toml"}, file=other),
    ):
        assert loaded.settings.agent.default_model == "named"
        assert loaded.settings.koderz.read.max_chunks == 12
        assert loaded.warnings == ()


def test_env_files_lie_under_real_variables(tmp_path: Path) -> None:
    write(tmp_path, "", "koderz.toml")
    write(
        tmp_path,
        "OPENAI_API_KEY=from-file\nKODERZ_READ_MAX_CHUNKS=3\nexport A='b c'\nBARE\n"
        "KODERZ_BUDGET_DAY_USD=\n",
        ".env",
    )
    inner = write(tmp_path / "inner", "KODERZ_READ_MAX_CHUNKS=4\n", ".env").parent
    loaded = load(inner, {"OPENAI_API_KEY": "real", "PATH": "/bin"})
    assert loaded.environ["OPENAI_API_KEY"] == "real"
    assert (loaded.environ["A"], loaded.environ["PATH"]) == ("b c", "/bin")
    assert loaded.settings.koderz.read.max_chunks == 4
    assert loaded.origins["koderz.read.max_chunks"] == "KODERZ_READ_MAX_CHUNKS in .env"
    real = load(inner, {"KODERZ_READ_MAX_CHUNKS": "9"})
    assert real.settings.koderz.read.max_chunks == 9
    assert real.settings.koderz.budget.day_usd is None


def test_an_env_file_above_the_project_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "OPENAI_API_KEY=outside\n", ".env")
    inner = tmp_path / "repository" / "src"
    inner.mkdir(parents=True)
    assert "OPENAI_API_KEY" not in load(inner).environ
    (tmp_path / "repository" / ".git").mkdir()
    write(tmp_path / "repository", "A=1\n", ".env")
    assert load(inner).environ == {"A": "1"}


def test_a_virtual_environment_named_env_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(tmp_path).environ == {}


@pytest.mark.parametrize("text", ["true", "1", "Yes", "ON", "false", "0", "no", "off"])
def test_switches_take_the_usual_words(tmp_path: Path, text: str) -> None:
    loaded = load(tmp_path, {"KODERZ_AGENT_SMALL_MODEL_ENABLED": f" {text} "})
    assert loaded.settings.agent.small_model.enabled == (text in {"true", "1", "Yes", "ON"})


def test_arguments_may_be_tables_and_none_sets_nothing(tmp_path: Path) -> None:
    write(tmp_path, '[agent]\ndefault_model = "file"')
    overrides = {
        "agent": {"default_model": None, "small_model": {"max_tokens": 9}},
        "koderz.budget.day_usd": 0.1,
    }
    settings = load(tmp_path, overrides=overrides).settings
    assert settings.agent.default_model == "file"
    assert settings.agent.small_model.max_tokens == 9
    assert settings.koderz.budget.day_usd == Decimal("0.1")


def test_money_is_exact(tmp_path: Path) -> None:
    write(tmp_path, "[koderz.budget]\nday_usd = 0.1\nrun_usd = 3\n")
    budget = load(tmp_path).settings.koderz.budget
    assert (budget.day_usd, budget.run_usd) == (Decimal("0.1"), Decimal(3))


@given(st.lists(st.text(st.characters(exclude_characters='"'), min_size=1), min_size=1))
def test_keys_are_split_as_they_are_joined(parts: list[str]) -> None:
    assert split_key(join_key(tuple(parts))) == tuple(parts)


def test_every_setting_has_its_own_variable() -> None:
    variables = [field.variable for field in list_fields()]
    assert len(set(variables)) == len(variables)
    examples: list[Field] = [FIELDS["koderz.budget.day_usd"], FIELDS["agent.default_model"]]
    assert [field.variable for field in examples] == [
        "KODERZ_BUDGET_DAY_USD",
        "KODERZ_AGENT_DEFAULT_MODEL",
    ]
