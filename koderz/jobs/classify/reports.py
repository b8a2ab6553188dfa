"""The price of labelling before it begins, and its receipt: who decided what, at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

import msgspec

from koderz.extract.labels.items import Item
from koderz.extract.labels.judge import Judge
from koderz.jobs.classify.asking import Asked
from koderz.jobs.classify.packing import TEXT_CHARS, pack
from koderz.jobs.classify.results import ClassifyResult, Plan
from koderz.jobs.classify.tally import Tally
from koderz.jobs.receipts import add_writing, build_bill, build_receipt
from koderz.jobs.results import SIMULATED, JobEngine
from koderz.models.prices import Price
from koderz.models.usage import count_prompt_tokens
from koderz.prompts.classify import build_labels_request
from koderz.routing.routes import Route, RouteSource
from koderz.tokens import count_tokens
from koderz.types import ModelInfo, Usage

if TYPE_CHECKING:
    from koderz.routing.router import Router

MOST_FAILURES = 3


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What asking models came to, and why they were asked or not."""

    reason: str
    source: str
    job_id: str = ""
    asked: Asked = Asked()
    doubts: Asked = Asked()
    escalated: int = 0

    @classmethod
    def without_model(cls, reason: str) -> Self:
        """None was asked."""
        return cls(reason=reason, source=RouteSource.NO_MODEL)

    @classmethod
    def of(cls, asked: Asked, doubts: Asked, route: Route, *, job_id: str, escalated: int) -> Self:
        """The judgement that these answers amount to."""
        reason = route.reason
        if not asked.prompts and asked.failures:
            reason = f"no model's answer could be used: {asked.failures[0][0]}"
        return cls(
            reason=reason,
            source=route.source,
            job_id=job_id,
            asked=asked,
            doubts=doubts,
            escalated=escalated,
        )


def build_plan(
    price: Price,
    route: Route,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    tally: Tally,
    batch: int | None,
    is_batch: bool = False,
) -> Plan:
    """What asking about these texts will take of the route's first model, at this price."""
    model = route.models[0]
    batches = pack(texts, labels, route, batch)
    tokens_in = sum(
        count_prompt_tokens(build_labels_request(each.lines, labels)) for each in batches
    )
    longest = max(labels, key=len)
    tokens_out = len(texts) * count_tokens(f'{{"id":"bqv","label":"{longest}"}},')
    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
    return Plan(
        items=len(tally.list_decisions()),
        distinct=tally.distinct,
        asked=len(texts),
        prompts=len(batches),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        model=model.name,
        main=route.models[-1].name,
        cost_usd=price.cost_usd(usage),
        is_batch=is_batch,
    )


def build_result(
    router: Router,
    route: Route,
    items: Sequence[Item],
    *,
    labels: tuple[str, ...],
    tally: Tally,
    judge: Judge,
    judgement: Judgement,
) -> ClassifyResult:
    """The whole result, its tokens counted and its bill made."""
    attempts = (*judgement.asked.attempts, *judgement.doubts.attempts)
    fresh = tally.list_fresh()
    tokens_in = count_tokens("\n".join(f"{item.id} {item.text}" for item, _ in fresh))
    tokens_out = count_tokens("\n".join(f"{each.id} {each.label}" for _, each in fresh))
    bill = build_bill(
        router, route.main, tokens_in=tokens_in, tokens_out=tokens_out, attempts=attempts
    )
    bill = add_writing(bill, router, route.main, "label")
    counts = Counter(each.decided_by.removesuffix(SIMULATED) for _, each in fresh)
    model = _find_main_judge(counts, route)
    decisions = tally.list_decisions()
    is_simulated = any(each.decided_by.endswith(SIMULATED) for each in decisions)
    return ClassifyResult(
        items=decisions,
        labels=labels,
        distinct=tally.distinct,
        decided=tally.decided,
        escalated=judgement.escalated,
        held_out=judge.curve.held_out,
        held_out_right=judge.curve.right,
        engine=_name_engine(counts, route),
        route_source=judgement.source,
        reason=judgement.reason,
        notes=tuple(_list_notes(items, tally, judge, judgement)),
        **build_receipt(bill, attempts, model, is_simulated=is_simulated),
    )


def _find_main_judge(counts: Counter[str], route: Route) -> ModelInfo | None:
    """The model that most labels come from, the cheaper one of two; None without any."""
    judges = [model for model in route.models if counts[model.name]]
    return max(judges, key=lambda model: counts[model.name], default=None)


def _name_engine(counts: Counter[str], route: Route) -> JobEngine:
    by_model = sum(counts[model.name] for model in route.models)
    if not by_model:
        return "extractive"
    return "model" if by_model == counts.total() else "mixed"


def _list_notes(
    items: Sequence[Item],
    tally: Tally,
    judge: Judge,
    judgement: Judgement,
) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    counts = Counter(each.decided_by for each in tally.list_decisions() if each.label is not None)
    if counts:
        yield "labels by " + ", ".join(f"{by} {count:,}" for by, count in counts.most_common())
    if tally.distinct < len(items):
        yield f"{len(items):,} items are {tally.distinct:,} texts: near duplicates are judged once"
    if tally.kept:
        yield f"{len(tally.kept):,} labels were kept from an earlier run"
    if held_out := judge.curve.held_out:
        share = f"{judge.curve.right:,} of {held_out:,} held-out examples right"
        yield f"the examples' linear model alone: {share} ({judge.curve.accuracy:.0%})"
    if judgement.escalated:
        yield f"{judgement.escalated:,} doubtful texts were asked of the main model"
    if cut := sum(len(item.text) > TEXT_CHARS for item in items):
        yield f"{cut:,} items are longer than a model is shown ({TEXT_CHARS:,} characters)"
    failures = [("have no label", judgement.asked), ("keep a doubtful label", judgement.doubts)]
    for outcome, asked in failures:
        for failure, count in asked.failures[:MOST_FAILURES]:
            yield f"{count:,} texts {outcome}: {failure}"
    if open_count := len(items) - tally.decided:
        yield f"{open_count:,} of {len(items):,} items have no label"
