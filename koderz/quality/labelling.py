"""Labels of a model for examples, to be compared and not to be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from koderz.errors import JobError
from koderz.jobs.classify.asking import Labeller
from koderz.jobs.classify.packing import pack
from koderz.ledger.records import Attempt
from koderz.models.usage import count_prompt_tokens
from koderz.prompts.classify import build_labels_request
from koderz.routing.router import sum_costs
from koderz.routing.routes import Route
from koderz.tokens import count_tokens
from koderz.types import ModelInfo, TaskKind, Usage

if TYPE_CHECKING:
    from koderz.routing.router import Router


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a model by text, how sure it said it was of them, and the calls it took."""

    labels: Mapping[str, str] = {}
    certainties: Mapping[str, float] = {}
    attempts: tuple[Attempt, ...] = ()

    @property
    def cost_usd(self) -> Decimal | None:
        """What the calls cost together; None where a price is unknown."""
        return sum_costs(self.attempts)


class LabelWork(msgspec.Struct, frozen=True, kw_only=True):
    """Texts that models are to label, one model after the other, within one limit."""

    router: Router
    route: Route
    texts: Sequence[str]
    labels: Sequence[str]
    job_id: str
    limit_usd: Decimal

    async def ask(self, model: ModelInfo | None, on_progress: Callable[[int], None]) -> Given:
        """The model's labels; none of no model. JobError where it gives none at all."""
        if model is None:
            return Given()
        labels: dict[str, str] = {}
        certainties: dict[str, float] = {}

        def take(more: Mapping[str, str], _: Attempt, sure: Mapping[str, float]) -> None:
            labels.update(more)
            certainties.update(sure)
            on_progress(len(labels))

        labeller = Labeller(
            self.router,
            self.route,
            self.labels,
            job_id=self.job_id,
            limit_usd=self.limit_usd,
            batch=None,
            task=TaskKind.QUALITY,
        )
        asked = await labeller.ask(self.texts, take, models=(model.name,))
        if not labels:
            why = asked.failures[0][0] if asked.failures else "its answers hold none"
            raise JobError(f"{model.name} gave no labels: {why}")
        return Given(labels=labels, certainties=certainties, attempts=asked.attempts)


def estimate_labelling(
    router: Router,
    route: Route,
    texts: Sequence[str],
    labels: Sequence[str],
    model: ModelInfo | None,
) -> Decimal | None:
    """What labelling all texts costs of a model, as they would be packed; None: unknown."""
    if model is None or not route.models:
        return None
    batches = pack(texts, labels, route, None)
    tokens_in = sum(
        count_prompt_tokens(build_labels_request(each.lines, labels)) for each in batches
    )
    longest = max(labels, key=len)
    tokens_out = len(texts) * count_tokens(f'{{"id":"bqv","label":"{longest}"}},')
    return router.price(model).cost_usd(Usage(input_tokens=tokens_in, output_tokens=tokens_out))
