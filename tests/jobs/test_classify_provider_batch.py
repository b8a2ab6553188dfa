"""Labels by a provider's batch: half the price, the same checks, what is out is gone on with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from batch_bills import HAIKU, MINI
from batch_place import BOTH, LABELS, MAINS, count_batches, make_items, open_place, right
from reading import list_rows

from koderz import open_router
from koderz.errors import BatchPendingError, ConfigError, JobError
from koderz.jobs.classify.batch import ClassifyBatch, Decision, Example, Item
from koderz.jobs.classify.batch_news import ProviderBatch
from koderz.ledger.store import Ledger
from koderz.models.batches import AnthropicBatchClient, OpenAIBatchClient
from koderz.simulator import Fault, batch_runs
from koderz.simulator.validation import refuse
from koderz.wire.batches import BatchLimits


@BOTH
async def test_a_batch_labels_all_at_half_price(tmp_path: Path, small: str) -> None:
    items = make_items(100)
    plans: list[Any] = []
    async with open_place(tmp_path, small) as place:
        result = await place.run(items, on_plan=plans.append)
        await place.check_account()
    assert {each.id: each.label for each in result.items} == right(items) == place.list_labels()
    assert {each.decided_by for each in result.items} == {f"{small} (simulated)"}
    assert (result.model, result.simulated, len(result.attempts)) == (small, True, 3)
    assert [each.kind for each in place.news] == ["submitted", "collected"]
    assert (place.news[0].requests, place.news[0].texts) == (3, 100)
    assert plans[0].is_batch
    assert result.cost_usd == place.news[1].cost_usd
    assert result.cost_usd is not None
    assert place.news[0].cost_usd is not None
    assert plans[0].cost_usd / 2 < result.cost_usd < place.news[0].cost_usd
    rows = list_rows(
        place.ledger, "SELECT DISTINCT batch_id, route_source, outcome, is_simulated FROM attempts"
    )
    assert rows == [(place.news[0].batch_id, "provider batch", "accepted", 1)]


@BOTH
async def test_what_is_not_waited_for_is_collected_by_the_same_command(
    tmp_path: Path, small: str
) -> None:
    items = make_items(40)
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        for _ in range(2):
            with pytest.raises(BatchPendingError, match="the same command collects it") as caught:
                await place.run(items, is_waited_for=False)
            assert caught.value.batch_ids == (place.news[0].batch_id,)
        assert not place.decided
        assert list_rows(place.ledger, "SELECT count(*) FROM attempts") == [(0,)]
        place.clock.now_s += 60
        result = await place.run(items, is_waited_for=False)
        await place.check_account()
    assert place.list_labels() == right(items)
    assert [each.kind for each in place.news] == [
        "submitted",
        "found again",
        "found again",
        "collected",
    ]
    assert len({each.batch_id for each in place.news}) == 1
    assert result.cost_usd == place.news[-1].cost_usd
    assert list_rows(place.ledger, "SELECT count(*) FROM jobs") == [(1,)]


@BOTH
async def test_more_items_go_out_beside_what_is_out_already(tmp_path: Path, small: str) -> None:
    items = make_items(30)
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        with pytest.raises(BatchPendingError):
            await place.run(items[:20], is_waited_for=False)
        with pytest.raises(BatchPendingError):
            await place.run(items[5:], is_waited_for=False)
        place.clock.now_s += 60
        await place.run(items[5:])
        await place.check_account()
    assert place.list_labels() == right(items[5:])
    submitted = [each.texts for each in place.news if each.kind == "submitted"]
    assert submitted == [20, 10], "nothing was asked about twice"


@BOTH
async def test_a_text_labelled_otherwise_meanwhile_is_paid_for_in_the_account(
    tmp_path: Path, small: str
) -> None:
    items = make_items(10)
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        with pytest.raises(BatchPendingError):
            await place.run(items, is_waited_for=False)
        place.decided = {
            item.id: Decision(id=item.id, label="food", confidence=None, decided_by="me")
            for item in items
        }
        result = await place.run(items)
        assert result.cost_usd == 0, "it is still under way, and nobody waits for it"
        place.clock.now_s += 60
        await place.run(items)
        await place.check_account()
    assert set(place.list_labels().values()) == {"food"}


@BOTH
async def test_wrong_answers_go_into_the_next_batch_then_to_the_main_model(
    tmp_path: Path, small: str
) -> None:
    async with open_place(tmp_path, small, Fault("misquote", small, times=3)) as place:
        result = await place.run(make_items(9))
        await place.check_account()
    assert [each.model for each in result.attempts] == [small] * 3 + [MAINS[small]]
    assert [each.outcome.value for each in result.attempts] == ["rejected"] * 3 + ["accepted"]
    assert "ids were not asked about" in result.attempts[0].reason
    assert place.list_labels() == right(make_items(9))


@BOTH
async def test_what_no_batch_answers_stays_open_with_the_reason(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small, Fault("empty", times=None)) as place:
        result = await place.run(make_items(4))
    assert not place.decided
    assert len(result.attempts) == 6
    assert "4 texts have no label: the answer is empty" in result.notes


@BOTH
async def test_a_request_that_errs_costs_nothing_and_is_asked_again(
    tmp_path: Path, small: str
) -> None:
    async with open_place(tmp_path, small, Fault("server_error", small, times=2)) as place:
        result = await place.run(make_items(100))
        await place.check_account()
    assert place.list_labels() == right(make_items(100))
    failed = [each for each in result.attempts if each.outcome.value == "failed"]
    assert [(each.cost_usd, each.reason) for each in failed] == [(Decimal(0), "ServerError")] * 2
    assert [each.requests for each in place.news if each.kind == "submitted"] == [3, 2]


@BOTH
async def test_a_refused_request_comes_back_in_halves(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(host: Any, model: Any, request: Any, prompt: Any) -> None:
        del model, prompt
        if "bomb" in request.messages[0].text:
            raise refuse(host, "malformed", reason="refused")

    monkeypatch.setattr(batch_runs, "check_limits", check)
    items = [*make_items(7), Item("bad", "a bomb of food")]
    async with open_place(tmp_path, small) as place:
        result = await place.run(items)
        await place.check_account()
    assert place.list_labels() == right(make_items(7))
    assert {each.reason for each in result.attempts} == {"", "RequestRejectedError"}
    assert "1 texts have no label: RequestRejectedError" in result.notes


@BOTH
async def test_doubtful_labels_go_to_the_main_model_by_the_batch(
    tmp_path: Path, small: str
) -> None:
    examples = make_examples(40, swapped=True)
    items = [Item("a", "um er so refund oh ah"), Item("b", "food, I said")]
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        for _ in range(2):
            with pytest.raises(BatchPendingError):
                await place.run(items, examples=examples, is_waited_for=False)
            place.clock.now_s += 60
        result = await place.run(items, examples=examples, is_waited_for=False)
        await place.check_account()
    assert result.escalated == 2
    assert {each.decided_by for each in result.items} == {f"{MAINS[small]} (simulated)"}
    assert [each.model for each in place.news if each.kind == "submitted"] == [small, MAINS[small]]


def make_examples(count: int, *, swapped: bool = False) -> list[Example]:
    rng = Random(3)
    shown = [*LABELS[1:], LABELS[0]] if swapped else LABELS
    names = dict(zip(LABELS, shown, strict=True))
    return [
        Example(f"a {at} wants {label} {label}", names[label])
        for at, label in enumerate(rng.choices(LABELS, k=count))
    ]


@BOTH
async def test_an_expired_batch_gives_what_it_has_and_the_rest_is_asked_again(
    tmp_path: Path, small: str
) -> None:
    async with open_place(tmp_path, small, batch_delay_s=30, batch_window_s=20) as place:
        with pytest.raises(BatchPendingError):
            await place.run(make_items(100), is_waited_for=False)
        place.clock.now_s += 20
        with pytest.raises(BatchPendingError):
            await place.run(make_items(100), is_waited_for=False)
        assert 0 < len(place.decided) < 100
        place.simulator.batch_delay_s = 0
        place.clock.now_s += 20
        result = await place.run(make_items(100))
        await place.check_account()
    assert place.list_labels() == right(make_items(100))
    assert "the batch expired before its turn" in {each.reason for each in result.attempts}


@BOTH
async def test_a_cancelled_batch_is_not_sent_again_by_itself(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small, batch_delay_s=30) as place:
        with pytest.raises(BatchPendingError):
            await place.run(make_items(100), is_waited_for=False)
        place.clock.now_s += 20
        async with place.open_router() as router:
            client = router.batches._clients.get_batch_client(small)
            await client.cancel(place.news[0].batch_id)
        result = await place.run(make_items(100))
        kept = len(place.decided)
        assert 0 < kept < 100
        assert any("was cancelled" in note for note in result.notes)
        place.simulator.batch_delay_s = 0
        await place.run(make_items(100))
        await place.check_account()
    assert place.list_labels() == right(make_items(100))
    assert [each.texts for each in place.news if each.kind == "submitted"] == [100, 100 - kept]


@BOTH
async def test_a_limit_is_looked_at_before_anything_goes_out(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small) as place:
        result = await place.run(make_items(9), max_usd=Decimal(0))
        assert await count_batches(place) == 0
    assert any("budget of $0 does not cover" in note for note in result.notes)


async def test_as_many_requests_go_out_as_the_limit_covers(tmp_path: Path) -> None:
    async with open_place(tmp_path, MINI) as place:
        whole = await place.run(make_items(100), max_usd=Decimal(1))
        first = place.news[0].cost_usd
        assert first is not None
    assert whole.decided == 100
    async with open_place(tmp_path, MINI) as place:
        place.ledger = tmp_path / "other.sqlite"
        result = await place.run(make_items(100), max_usd=first * Decimal("0.7"))
    assert place.news[0].requests == 2
    assert 0 < result.decided < 100
    assert result.cost_usd is not None
    assert result.cost_usd <= first


async def test_a_limit_holds_over_all_runs_of_the_job(tmp_path: Path) -> None:
    more = [Item(f"x{at}", f"of kind {at}, food") for at in range(100)]
    async with open_place(tmp_path, MINI, batch_delay_s=60) as place:
        with pytest.raises(BatchPendingError):
            await place.run(make_items(100), is_waited_for=False)
        limit = place.news[0].cost_usd
        place.clock.now_s += 60
        result = await place.run([*make_items(100), *more], max_usd=limit)
        assert await count_batches(place) == 1
    assert result.decided == 100
    assert any("budget" in note for note in result.notes)


@BOTH
async def test_labels_in_another_order_are_the_same_question(tmp_path: Path, small: str) -> None:
    async with open_place(tmp_path, small, batch_delay_s=60) as place:
        for labels in (LABELS, LABELS[::-1]):
            with pytest.raises(BatchPendingError):
                await place.run(make_items(9), labels=labels, is_waited_for=False)
        with pytest.raises(BatchPendingError):
            await place.run(make_items(9), labels=(*LABELS, "other"), is_waited_for=False)
        assert await count_batches(place) == 2


async def test_what_other_runs_have_out_counts_against_the_day(tmp_path: Path) -> None:
    async with open_place(tmp_path, MINI, batch_delay_s=60) as place:
        with pytest.raises(BatchPendingError):
            await place.run(make_items(100), is_waited_for=False)
        estimate = place.news[0].cost_usd
        assert estimate is not None
        place.settings["koderz.budget.day_usd"] = estimate * Decimal("1.2")
        items = [Item(f"x{at}", f"of kind {at}, food") for at in range(100)]
        with pytest.raises(BatchPendingError):
            await place.run([*make_items(100), *items], is_waited_for=False)
        assert [each.texts for each in place.news if each.kind == "submitted"] == [100]


@pytest.mark.parametrize("main", ["gemini-2.5-pro", "mistral-large-4", "phi:2.7b"])
async def test_a_provider_without_batches_is_said(tmp_path: Path, main: str) -> None:
    async with open_place(tmp_path, MINI, settings={"agent.default_model": main}) as place:
        with pytest.raises(ConfigError, match="known are those of Anthropic and OpenAI"):
            await place.run(make_items(3))


async def test_no_model_at_all_is_said(tmp_path: Path) -> None:
    async with open_place(tmp_path, MINI) as place:
        environ = {"OLLAMA_HOST": "http://127.0.0.1:9"}
        job = ClassifyBatch(make_items(3), LABELS, provider_batch=ProviderBatch())
        overrides = {"koderz.ledger.path": str(place.ledger), "agent.default_model": "gpt-4o"}
        async with open_router(overrides=overrides, environ=environ) as router:
            with pytest.raises(JobError, match="OPENAI_API_KEY is not set"):
                await router.perform(job)


async def test_limits_of_a_batch_split_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for client in (AnthropicBatchClient, OpenAIBatchClient):
        limits = BatchLimits(requests=2, size_bytes=10_000)
        monkeypatch.setattr(client.batch_wire, "LIMITS", limits)
    for small in (HAIKU, MINI):
        async with open_place(tmp_path, small) as place:
            place.ledger = tmp_path / f"{small}.sqlite"
            await place.run(make_items(100), batch=20)
            await place.check_account()
            assert await count_batches(place) == 3
        assert place.list_labels() == right(make_items(100))


def test_nothing_of_a_text_is_in_the_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        names = [row["name"] for row in ledger.fetch("PRAGMA table_info(submitted_requests)")]
    assert names == ["submission_id", "position", "parts", "estimate_pusd", "is_recorded"]
