"""Texts made from the settings: a file to begin with, the page in the docs, `.env.example`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from koderz.config.fields import (
    Field,
    Section,
    get_heading,
    get_line,
    list_fields,
    list_sections,
)
from koderz.types import ProviderInfo

WIDTH = 99

FILE_HEADING = """\
# Koderz's settings. `koderz config show` tells where each value comes from.
# What stands here goes over the user's own file; KODERZ_* variables and arguments go over it.
"""

# What stands for a name of one's own, and values worth showing where none is set.
EXAMPLE_NAMES = {"TASK": "compression", "NAME": "my-host", "MODEL": '"my-host/my-model"'}
EXAMPLES = {
    "agent.small_model.temperature": "0.3",
    "agent.small_model.tasks.TASK.model": '"ollama/qwen2.5-coder:7b"',
    "agent.small_model.tasks.TASK.max_tokens": "800",
    "agent.small_model.tasks.TASK.temperature": "0.2",
    "koderz.budget.run_usd": "0.50",
    "koderz.budget.day_usd": "5.00",
    "koderz.budget.task_usd": "0.10",
    "koderz.read.max_usd": "0.05",
    "koderz.web.max_usd": "0.05",
    "koderz.git.max_usd": "0.05",
    "koderz.compress.budget_tokens": "8000",
    "koderz.compress.max_usd": "0.05",
    "koderz.classify.escalate_below": "0.6",
    "koderz.experiments.gpu_hour_usd": "0.80",
    "koderz.local.memory_mb": "8000",
    "koderz.local.context_tokens": "8192",
    "koderz.local.threads": "4",
    "koderz.local.gpu_layers": "0",
    "koderz.local.keep_loaded_s": "600",
    "koderz.providers.NAME.base_url": '"https://llm.example/v1"',
    "koderz.providers.NAME.key_var": '"MY_HOST_API_KEY"',
    "koderz.providers.NAME.wire": '"openai"',
    "koderz.prices.MODEL.input": "0.15",
    "koderz.prices.MODEL.output": "0.60",
    "koderz.prices.MODEL.cache_read": "0.075",
    "koderz.prices.MODEL.cache_write": "0.15",
}

PAGE_HEADING = """\
# Settings

Nothing has to be set. What is set is looked for in this order, the later over the earlier:

1. the defaults below;
2. `koderz.toml` in the user's config folder (`~/.config/koderz/` on Linux);
3. the project's file, from the working directory upwards: `koderz.toml`, else `vtcode.toml`, else
   `[tool.koderz]` in `pyproject.toml` (`[tool.koderz.agent]` is `[agent]`, the other tables of
   `[tool.koderz]` are those of `[koderz]`); `--config FILE` or `KODERZ_CONFIG` names another;
4. `.env` in the project, then variables (an empty one sets nothing);
5. arguments.

`koderz config show` prints each value in force and where it came from, `koderz config check` ends
with 2 where there are warnings, and `koderz config init` writes a `koderz.toml` with comments.

A value of the wrong type or out of its range is an error that names file, key, value and range. An
unknown key in one of these tables is a warning; tables of other programs are left alone.

In `[agent.small_model.tasks.TASK]`, TASK is a kind of task: {tasks}. In
`[koderz.providers.NAME]` and `[koderz.prices."MODEL"]` the name is yours to choose; these two are
set in files alone. A host of your own is used as `NAME/model`, and one on this machine's own
address counts as local and free.
"""


def build_settings_file() -> str:
    """A `koderz.toml` with every setting at its default and a comment on each."""
    parts = [FILE_HEADING]
    for section in list_sections():
        lines = [*_comment(get_heading(section)), *_build_header(section)]
        for field in section.fields:
            lines += [*_comment(get_line(field)), _build_assignment(section, field)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def build_settings_page() -> str:
    """The page of the docs: every setting with default, kind, variable and meaning."""
    tasks = ", ".join(
        f"`{field.path[3]}`" for field in _list_task_fields() if field.name == "model"
    )
    parts = ["\n".join(_wrap_page(PAGE_HEADING.format(tasks=tasks)))]
    for section in list_sections():
        lines = [f"## [{section.key}]", "", _capitalise(get_heading(section)), ""]
        lines += [
            "| key | default | allowed | variable | meaning |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_build_row(section, field) for field in section.fields]
        parts.append("\n".join(lines))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def build_env_text(providers: Iterable[ProviderInfo]) -> str:
    """An `.env` with every variable that is read, all of them commented out."""
    parts = ["# Copy this to .env and fill in what you need; real variables go over it."]
    for provider in providers:
        lines = [f"# {name}=" for name in provider.key_vars]
        lines += [f"# {provider.base_url_var}={provider.base_url}"] if provider.base_url_var else []
        if lines:
            parts.append("\n".join([f"# {provider.title}", *lines]))
    parts.append(
        "# The settings file to use, in the place of the project's\n# KODERZ_CONFIG=koderz.toml"
    )
    for section in list_sections():
        fields = _list_variables(section)
        if fields:
            lines = [line for field in fields for line in _build_variable(field)]
            parts.append("\n".join([f"# [{section.key}]", *lines]))
    return "\n\n".join(parts) + "\n"


def format_value(value: Any) -> str:
    """A value as TOML has it; "" for one that is not set."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value.normalize() if isinstance(value, Decimal) else value)


def _list_task_fields() -> list[Field]:
    return [field for field in list_fields() if field.struct == "TaskSettings"]


def _list_variables(section: Section) -> tuple[Field, ...]:
    if not section.open_name:
        return section.fields
    return tuple(_list_task_fields()) if section.open_name == "TASK" else ()


def _build_variable(field: Field) -> Iterator[str]:
    task = f" ({field.path[3]})" if field.struct == "TaskSettings" else ""
    yield from _comment(get_line(field).rstrip(".") + task + ".", mark="#   ")
    default = field.default if isinstance(field.default, str) else format_value(field.default)
    yield f"# {field.variable}={default}"


def _build_header(section: Section) -> list[str]:
    if not section.open_name:
        return [f"[{section.key}]"]
    name = EXAMPLE_NAMES[section.open_name]
    return [f"# [{section.key.removesuffix(section.open_name)}{name}]"]


def _build_assignment(section: Section, field: Field) -> str:
    value = format_value(field.default)
    is_example = bool(section.open_name) or not value
    text = f"{field.name} = {EXAMPLES[field.key] if is_example else value}"
    return f"# {text}" if is_example else text


def _build_row(section: Section, field: Field) -> str:
    default = format_value(field.default) or "not set"
    variable = f"`{field.variable}`" if _list_variables(section) else "none"
    cells = (f"`{field.name}`", f"`{default}`", field.kind.describe(), variable, get_line(field))
    return "| " + " | ".join(cells) + " |"


def _comment(text: str, mark: str = "# ") -> list[str]:
    return textwrap.wrap(
        _capitalise(text),
        WIDTH,
        initial_indent=mark,
        subsequent_indent=mark,
        break_on_hyphens=False,
    )


def _wrap_page(text: str) -> list[str]:
    """The heading's lines, the one that the kinds of task have made too long wrapped again."""
    return [
        piece
        for line in text.splitlines()
        for piece in (textwrap.wrap(line, WIDTH) if len(line) > WIDTH else [line])
    ]


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
