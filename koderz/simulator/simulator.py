"""The simulated providers without their sockets: what was asked, and what is answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from koderz.simulator.answers import Answer, add_prompt_usage, build_answer
from koderz.simulator.caching import CacheUse, PromptCache
from koderz.simulator.faults import Fault, FaultKind, FaultPlan, HeaderFaults
from koderz.simulator.hosts import Host, build_environ, list_hosts
from koderz.simulator.prompts import Prompt, build_digest
from koderz.simulator.recent import Recent
from koderz.simulator.skills import check_skills, get_skill
from koderz.types import Completion, ModelInfo, Request

DAY_S = 86_400.0
"""What providers allow a batch."""

_MOST_EXCHANGES = 10_000
_MOST_QUESTIONS = 100_000


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the simulator met it.

    `status` is the HTTP status (0: no answer was given), `fault` the one that was injected,
    `task` what the model was found to be asked for; both are empty where there was none.
    """

    provider: str
    path: str
    status: int
    model: str = ""
    fault: FaultKind | None = None
    task: str = ""
    is_stream: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


class Simulator:
    """Models of stated skill behind every provider's address; see `open_simulator`.

    An answer depends on the seed, the model and the question alone. Where a temperature above 0
    and no seed of its own are asked for, the number of times that the question came before enters
    too, so that asking again may give another answer. A batch is dealt with evenly over
    `batch_delay_s` by the `clock`, and expires after `batch_window_s` with what is done by then.
    `on_exchange` is told of every request.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        skills: Mapping[str, float] | None = None,
        faults: Sequence[Fault] = (),
        latency_s: float = 0.0,
        tokens_per_s: float | None = None,
        batch_delay_s: float = 0.0,
        batch_window_s: float = DAY_S,
        clock: Callable[[], float] = time.time,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.latency_s, self.tokens_per_s = latency_s, tokens_per_s
        self.batch_delay_s, self.batch_window_s, self.clock = batch_delay_s, batch_window_s, clock
        self.base_url = ""
        self._seed, self._skills = seed, check_skills(skills or {})
        self.hosts = list_hosts(self._skills)
        self._plan, self._header_faults = FaultPlan(faults), HeaderFaults()
        self._cache = PromptCache()
        self._repeats: Recent[bytes, int] = Recent(_MOST_QUESTIONS)
        self._exchanges: deque[Exchange] = deque(maxlen=_MOST_EXCHANGES)
        self._on_exchange = on_exchange

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """What was asked so far, the latest 10,000."""
        return tuple(self._exchanges)

    def environ(self) -> dict[str, str]:
        """The variables that make the clients of every provider ask here: addresses and keys."""
        return build_environ(self.hosts.values(), self.base_url)

    def record(self, exchange: Exchange) -> None:
        """Keep what was asked."""
        self._exchanges.append(exchange)
        if self._on_exchange is not None:
            self._on_exchange(exchange)

    def take_fault(self, model: str, header: str = "") -> Fault | None:
        """The fault that a request meets: its header's, else the next one planned.

        Raises ConfigError for a header that describes none.
        """
        if header:
            return self._header_faults.take(header, model)
        return self._plan.take(model)

    def answer(
        self, host: Host, model: ModelInfo, request: Request, prompt: Prompt, fault: Fault | None
    ) -> Answer:
        """The model's answer with its usage, all in the classes in which it is billed."""
        digest = build_digest(self._seed, request)
        answer = build_answer(
            request,
            digest=digest,
            skill=self._get_skill(model, request.model),
            ordinal=self._count_repeat(request, digest),
            fault=None if fault is None else fault.kind,
        )
        use = self._use_cache(host, request.model, prompt)
        completion: Completion = add_prompt_usage(answer.completion, prompt, use)
        return msgspec.structs.replace(answer, completion=completion)

    def _get_skill(self, model: ModelInfo, asked: str) -> float:
        name = model.name if model.name in self._skills else asked
        return get_skill(name, model.tier, self._skills)

    def _count_repeat(self, request: Request, digest: bytes) -> int:
        if not request.temperature or request.seed is not None:
            return 0
        ordinal = self._repeats.get(digest, 0)
        self._repeats[digest] = ordinal + 1
        return ordinal

    def _use_cache(self, host: Host, model: str, prompt: Prompt) -> CacheUse:
        name = f"{host.provider.id}/{model}"
        match host.provider.wire:
            case "anthropic":
                return self._cache.use_marked(name, prompt)
            case "openai" if not host.provider.is_local:
                return self._cache.use_automatic(name, prompt)
            case _:
                return CacheUse()
