"""Every setting there is: one struct a section, one docstring line a field.

The struct tree is the TOML tree: `Settings.agent.small_model.max_tokens` is
`[agent.small_model] max_tokens`. `koderz config init`, the table in the docs and `.env.example`
are made from these docstrings, so a field's line is what a person reads.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Temperature = Annotated[float, Meta(ge=0, le=2)]
TokenLimit = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
# msgspec puts no range on decimals: the loader reads this one.
Usd = Annotated[Decimal, Meta(extra={"ge": 0})]


DEFAULT_TEMPERATURE = 0.3
"""Of small jobs, where neither the section nor the kind of task says otherwise."""


class TaskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[agent.small_model.tasks.TASK]: what one kind of task does differently."""

    model: str = ""
    """The model for this task alone (empty: as the section says)."""
    max_tokens: TokenLimit | None = None
    """Most tokens of an answer for this task."""
    temperature: Temperature | None = None
    """Temperature for this task."""


class SmallModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[agent.small_model]: the cheap model that takes the well-defined chores."""

    enabled: bool = True
    """Whether small jobs go to a small model first."""
    model: str = ""
    """The small model (empty: a lightweight sibling of the main model)."""
    max_tokens: TokenLimit = 1000
    """Most tokens of an answer."""
    temperature: Temperature | None = None
    """Temperature (unset: 0.3, or what suits the task: compression 0.2, summaries 0.5)."""
    use_for_large_reads: bool = True
    """Whether large file reads go to the small model."""
    use_for_web_summary: bool = True
    """Whether web pages go to the small model."""
    use_for_git_history: bool = True
    """Whether git history goes to the small model."""
    use_for_compression: bool = True
    """Whether conversations are compressed, by the small model."""
    use_for_classification: bool = True
    """Whether one-word labels are given by the small model."""
    use_for_bulk: bool = True
    """Whether prompts over the items of a list go to the small model."""
    tasks: dict[str, TaskSettings] = {}
    """Overrides by kind of task."""


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[agent]: the models."""

    default_model: str = ""
    """The main model (empty: the best one for which a key or server is there)."""
    small_model: SmallModelSettings = SmallModelSettings()


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.budget]: limits in USD; a call that could pass one is not made. Local is free."""

    run_usd: Usd | None = None
    """Most that one run of a command may cost."""
    day_usd: Usd | None = None
    """Most that a day (UTC) may cost, over all processes that share the ledger."""
    task_usd: Usd | None = None
    """Most that one job may cost, its retries and escalations included."""


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.ledger]: where the account is kept."""

    path: str = ""
    """The SQLite file (empty: in the user's data folder)."""


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.routing]: how calls are spread and when a model is left alone."""

    side_concurrency: Annotated[int, Meta(ge=1, le=1024)] = 4
    """How many calls small jobs may have under way at once, so that they never block main work."""
    main_concurrency: Annotated[int, Meta(ge=1, le=1024)] = 16
    """How many calls main work may have under way at once."""
    breaker_failures: Annotated[int, Meta(ge=1, le=1000)] = 3
    """How many failures in a row open a model's breaker."""
    breaker_cooldown_s: Seconds = 60.0
    """How long a model with an open breaker is left alone."""
    deadline_s: Seconds = 300.0
    """Longest that one question may take over all of its attempts."""


class BatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.batch]: work at providers' half-price batch endpoints."""

    poll_s: Seconds = 60.0
    """Longest wait between two looks at a batch that is under way; the first waits are shorter."""


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.http]: how long to wait for a provider and how often to ask again."""

    connect_timeout_s: Seconds = 10.0
    """Longest wait for a connection."""
    read_timeout_s: Seconds = 120.0
    """Longest silence while an answer is awaited."""
    total_timeout_s: Seconds = 300.0
    """Longest that one call may take."""
    retries: Annotated[int, Meta(ge=0, le=20)] = 2
    """How often a call is made again after a passing fault (429, 5xx, a broken connection)."""
    retry_wait_max_s: Seconds = 30.0
    """Longest wait before a repeat; a provider that asks for more is not asked again."""


class ReadSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.read]: large file reads."""

    min_size_kb: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 50
    """Files up to this size (in units of 1,024 bytes) pass through as they are."""
    budget_tokens: TokenLimit = 1000
    """Most tokens of a digest."""
    chunk_tokens: Annotated[int, Meta(ge=500, le=1_000_000)] = 8000
    """Tokens of a file that one call to a model sees."""
    max_chunks: Annotated[int, Meta(ge=1, le=10_000)] = 12
    """Most chunks of one file that go to a model; the most telling ones are taken."""
    max_usd: Usd | None = None
    """Most that one read may cost (unset: no limit but the budget)."""


class ExperimentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.experiments]: where experiments are kept, and how they are reckoned."""

    path: str = ""
    """The SQLite file with every step (empty: in the user's data folder)."""
    answer_tokens: TokenLimit = 4000
    """Most tokens of an answer in an experiment, a model's thoughts included."""
    gpu_hour_usd: Usd | None = None
    """What an hour of your own hardware costs (unset: local time is shown in seconds alone)."""


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.memory]: where what experiments found out is remembered."""

    path: str = ""
    """The SQLite file (empty: in the user's data folder)."""
    cortex_command: str = ""
    """A Cortex server's command line, used beside the file (needs koderz[cortex])."""


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.local]: models on this machine, embedded (koderz[local]) or at an Ollama server."""

    folder: str = ""
    """Where the files of embedded models are (empty: in the user's data folder)."""
    fetch: bool = True
    """Whether a model of the hub that is named and not here is fetched when it is first used."""
    memory_mb: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None
    """Most memory that an embedded model may take (unset: nine tenths of what is free)."""
    context_tokens: TokenLimit | None = None
    """Context of an embedded model (unset: 16,384 tokens, or as many as the memory allows)."""
    parallel: Annotated[int, Meta(ge=1, le=64)] = 1
    """How many answers an embedded model gives at once; each has a context of its own."""
    threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    """Processor threads of an embedded model (unset: one a core)."""
    gpu_layers: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    """Layers of an embedded model that a GPU takes (unset: as many as fit there)."""
    keep_loaded_s: Annotated[float, Meta(ge=0, le=31_536_000)] | None = None
    """How long a model stays loaded after an answer (unset: 300; at Ollama, as it is set there)."""


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.web]: web pages."""

    max_size_kb: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_240
    """Largest page, in units of 1,024 bytes after decompression; what goes on longer is refused."""
    timeout_s: Seconds = 20.0
    """Longest that a page may take to come, its redirects included."""
    max_redirects: Annotated[int, Meta(ge=0, le=50)] = 5
    """How many redirects are followed."""
    allow_private: bool = False
    """Whether pages may come from this machine and from private networks."""
    min_tokens: Annotated[int, Meta(ge=0, le=1_000_000)] = 300
    """Pages with up to so many tokens as plain Markdown pass through as that."""
    budget_tokens: TokenLimit = 8000
    """Most tokens that are kept of a page where nothing is asked."""
    answer_tokens: TokenLimit = 1500
    """Most tokens that are kept of a page where a question is asked."""
    model_tokens: Annotated[int, Meta(ge=500, le=1_000_000)] = 12_000
    """Most tokens of a page that a model sees."""
    max_usd: Usd | None = None
    """Most that one page may cost (unset: no limit but the budget)."""


class GitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.git]: git history."""

    count: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 50
    """How many commits `koderz git` shows at the most where it is not told."""
    model_tokens: Annotated[int, Meta(ge=500, le=1_000_000)] = 6000
    """Tokens of commits that one call to a model sees."""
    max_usd: Usd | None = None
    """Most that one history may cost (unset: no limit but the budget)."""


class CompressSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.compress]: conversations."""

    min_messages: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Conversations with fewer messages are left alone by `maybe_compress_context`."""
    budget_tokens: TokenLimit | None = None
    """Most tokens of a compressed conversation (unset: a tenth of it, 2,000 at least)."""
    tail_share: Annotated[float, Meta(ge=0, le=1)] = 0.2
    """Share of its room that the latest turns take as they are; the last one stays in any case."""
    model_tokens: Annotated[int, Meta(ge=500, le=1_000_000)] = 24_000
    """Tokens of a conversation that one call to a model sees."""
    max_usd: Usd | None = None
    """Most that one conversation may cost (unset: no limit but the budget)."""


class ClassifySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.classify]: labels; `koderz calibrate classify` chooses both from your examples."""

    escalate_below: Annotated[float, Meta(ge=0, le=1)] | None = None
    """A label surer than this stays, others go to the main model (unset: 0.3, if measured)."""
    sure_above: Annotated[float, Meta(ge=0, le=1)] = 0.95
    """From this confidence on the examples' linear model decides alone (1: never)."""


class QualitySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.quality]: small models' answers kept on this machine, for `koderz quality`."""

    share: Annotated[float, Meta(ge=0, le=1)] = 0.02
    """Share of the small models' accepted answers that is kept, with its prompts (0: none)."""
    path: str = ""
    """The file that they are kept in (empty: in the user's data folder)."""
    max_kept: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """Most answers that are kept; the oldest go first."""
    max_size_mb: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """Most that they may take, in units of 1,048,576 bytes; the oldest go first."""
    max_usd: Usd = Decimal("0.50")
    """Most that one `koderz quality` may cost, and asking for one `koderz calibrate`."""


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.providers.NAME]: a host of your own, or another address of a known one."""

    base_url: str = ""
    """Its address (empty: as the catalogue has it)."""
    key_var: str = ""
    """The variable that holds its key (empty: as the catalogue has it)."""
    wire: Literal["", "anthropic", "openai", "gemini", "ollama"] = ""
    """The format it speaks: openai, anthropic, gemini, ollama (empty: as the catalogue has it)."""


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz.prices."MODEL"]: your own prices, in USD per million tokens."""

    input: Usd | None = None
    """Uncached input."""
    output: Usd | None = None
    """Output."""
    cache_read: Usd | None = None
    """Input read from the cache (unset: as input)."""
    cache_write: Usd | None = None
    """Input written to the cache (unset: as input)."""


class KoderzSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[koderz]: everything that is not about which model."""

    budget: BudgetSettings = BudgetSettings()
    ledger: LedgerSettings = LedgerSettings()
    routing: RoutingSettings = RoutingSettings()
    http: HttpSettings = HttpSettings()
    batch: BatchSettings = BatchSettings()
    read: ReadSettings = ReadSettings()
    web: WebSettings = WebSettings()
    git: GitSettings = GitSettings()
    compress: CompressSettings = CompressSettings()
    classify: ClassifySettings = ClassifySettings()
    quality: QualitySettings = QualitySettings()
    local: LocalSettings = LocalSettings()
    experiments: ExperimentSettings = ExperimentSettings()
    memory: MemorySettings = MemorySettings()
    providers: dict[str, ProviderSettings] = {}
    """Hosts of your own, by name."""
    prices: dict[str, PriceSettings] = {}
    """Prices of your own, by model."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings."""

    agent: AgentSettings = AgentSettings()
    koderz: KoderzSettings = KoderzSettings()
