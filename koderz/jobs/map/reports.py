"""The price of a prompt over a list before it begins, and its receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from koderz.jobs.map.packing import Pack
from koderz.jobs.map.results import MapPlan, MapResult, MapRow
from koderz.jobs.map.schemas import AnswerSchema
from koderz.jobs.map.tally import Tally
from koderz.jobs.receipts import add_writing, build_bill, build_receipt
from koderz.jobs.results import SIMULATED
from koderz.ledger.records import Attempt, Outcome
from koderz.models.usage import count_prompt_tokens
from koderz.prompts.map import Template, build_item_request, build_pack_request
from koderz.routing.routes import Route
from koderz.tokens import count_tokens
from koderz.types import ModelInfo, Request, Usage

if TYPE_CHECKING:
    from koderz.routing.router import Router

# A word or a number, as an answer under a code where items are packed.
LEAST_ANSWER_TOKENS = 3
LEAST_PACKED_TOKENS = 12
MOST_FAILURES = 3


def build_plan(
    router: Router,
    route: Route,
    packs: Sequence[Pack],
    *,
    template: Template,
    schema: AnswerSchema | None,
    items: int,
    distinct: int,
) -> MapPlan:
    """What asking for these answers will take of the route's first model."""
    model, asked = route.models[0], sum(map(len, packs))
    tokens_in = _count_prompts(packs, template, schema)
    least_out = asked * (LEAST_ANSWER_TOKENS if asked == len(packs) else LEAST_PACKED_TOKENS)
    most_out = max(least_out, len(packs) * route.max_tokens)
    low, high = (
        router.price(model).cost_usd(Usage(input_tokens=tokens_in, output_tokens=tokens_out))
        for tokens_out in (least_out, most_out)
    )
    return MapPlan(
        items=items,
        distinct=distinct,
        asked=asked,
        prompts=len(packs),
        tokens_in=tokens_in,
        most_tokens_out=most_out,
        model=model.name,
        main=route.models[-1].name,
        low_usd=low,
        high_usd=high,
    )


def build_result(
    router: Router,
    route: Route,
    tally: Tally,
    attempts: Sequence[Attempt],
    *,
    template: Template,
    notes: Sequence[str],
) -> MapResult:
    """The whole result, its tokens counted and its bill made."""
    fresh = list(tally.list_fresh())
    given = (template.pick(item.fields).values() for item, _ in fresh)
    tokens_in = count_tokens("\n".join(" ".join(fields) for fields in given))
    tokens_out = count_tokens("\n".join(_say(row) for _, row in fresh))
    bill = build_bill(
        router, route.main, tokens_in=tokens_in, tokens_out=tokens_out, attempts=attempts
    )
    bill = add_writing(bill, router, route.main, "answer")
    rows = tally.list_rows()
    is_simulated = any(row.answered_by.endswith(SIMULATED) for row in rows)
    model = _find_main_author(attempts, route)
    return MapResult(
        items=rows,
        distinct=tally.distinct,
        answered=sum(not row.error for row in rows),
        failed=sum(bool(row.error) for row in rows),
        engine="model",
        route_source=route.source,
        reason=_find_reason(route, tally, attempts),
        notes=(*notes, *_list_notes(rows, tally)),
        **build_receipt(bill, attempts, model, is_simulated=is_simulated),
    )


def _count_prompts(packs: Sequence[Pack], template: Template, schema: AnswerSchema | None) -> int:
    """The tokens of all prompts; what they share is counted once and multiplied."""
    requests = (_build_request(pack, template, schema) for pack in packs)
    shared, own = 0, 0
    for at, request in enumerate(requests):
        bare = msgspec.structs.replace(request, system="")
        own += count_prompt_tokens(bare)
        if not at:
            shared = count_prompt_tokens(request) - own
    return shared * len(packs) + own


def _build_request(pack: Pack, template: Template, schema: AnswerSchema | None) -> Request:
    if len(pack) > 1:
        lines = [entry.line for entry in pack]
        return build_pack_request(template, lines, schema.schema if schema else None)
    return build_item_request(template, pack[0].item.fields, schema.response if schema else None)


def _find_reason(route: Route, tally: Tally, attempts: Sequence[Attempt]) -> str:
    """Why the models were asked that were, or why it came to nothing."""
    if len(tally.list_rows()) == tally.kept:
        return "nothing was left to ask"
    if attempts and not any(each.outcome is Outcome.ACCEPTED for each in attempts):
        return "no model's answer could be used"
    return route.reason


def _find_main_author(attempts: Sequence[Attempt], route: Route) -> ModelInfo | None:
    """The model that most accepted answers come from, the cheaper one of two; None without any."""
    counts = Counter(each.model for each in attempts if each.outcome is Outcome.ACCEPTED)
    authors = [model for model in route.models if model.name in counts]
    return max(authors, key=lambda model: counts[model.name], default=None)


def _say(row: MapRow) -> str:
    """An answer as it stands in its row."""
    return row.value if isinstance(row.value, str) else msgspec.json.encode(row.value).decode()


def _list_notes(rows: Sequence[MapRow], tally: Tally) -> Iterator[str]:
    """What a reader of the result should know of how it came about, a line each."""
    authors = Counter(row.answered_by for row in rows if not row.error)
    if authors:
        yield "answers by " + ", ".join(f"{by} {count:,}" for by, count in authors.most_common())
    if same := sum(bool(row.same_as) for row in rows):
        yield f"{same:,} items ask the same as another and have its answer"
    if tally.kept:
        yield f"{tally.kept:,} answers were kept from an earlier run"
    errors = Counter(row.error for row in rows if row.error)
    for error, count in errors.most_common(MOST_FAILURES):
        yield f"{count:,} items have no answer: {error}"
