"""Every job's answers are measured by the job's own measure, with the check that it kept to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keeping import OpenKeeping
from made_chats import make_openai
from made_repos import make_repo
from reading import write_log
from web_pages import build_html

from koderz.jobs.classify.batch import ClassifyBatch, Item
from koderz.jobs.compress.context import CompressContext
from koderz.jobs.git.history import GitHistory
from koderz.jobs.read.findings import ChunkReading, Finding
from koderz.jobs.read.read_file import ReadFile
from koderz.jobs.web.answers import PageAnswer
from koderz.jobs.web.summary import WebSummary
from koderz.ledger.report import Window
from koderz.prompts.compress import Point, Snapshot
from koderz.quality.judging import score_verdicts
from koderz.quality.measures import Agreement, build_yardstick, compare_by_key, score_overlap
from koderz.quality.measuring import MeasureAnswers
from koderz.quality.samples import SampleStore
from koderz.quality.scores import load_quality
from koderz.routing.checks import Accepted
from koderz.types import Completion, TaskKind, Text

LABELS = ("bug", "question", "praise")


def make_classify(place: Path) -> Any:
    items = [Item(f"i{at}", f"no {at} has a {LABELS[at % 3]} of mine") for at in range(30)]
    return ClassifyBatch(items, LABELS)


def make_git(place: Path) -> Any:
    subjects = ["Rework the parser", "Tidy", "Handle odd input", "Speak to the server"]
    return GitHistory(make_repo(place / "repo", subjects))


def make_read(place: Path) -> Any:
    write_log(place / "build.log")
    return ReadFile(str(place / "build.log"), "why did it fail?")


def make_web(place: Path) -> Any:
    (place / "page.html").write_text(build_html(), encoding="utf-8")
    return WebSummary(place / "page.html", "how many hours of changes does the journal keep?")


def make_compress(place: Path) -> Any:
    return CompressContext(make_openai(), 1500)


JOBS: dict[TaskKind, tuple[Callable[[Path], Any], str]] = {
    TaskKind.CLASSIFICATION: (make_classify, "labels"),
    TaskKind.GIT_HISTORY: (make_git, "types"),
    TaskKind.LARGE_READ: (make_read, "evidence"),
    TaskKind.WEB_SUMMARY: (make_web, "evidence"),
    TaskKind.COMPRESSION: (make_compress, "must-keep"),
}


@pytest.mark.parametrize("task", JOBS)
async def test_a_jobs_answers_are_measured_by_its_own_measure(
    task: TaskKind, tmp_path: Path, open_keeping: OpenKeeping, store: SampleStore, ledger: Path
) -> None:
    make, measure = JOBS[task]
    async with open_keeping() as (router, _):
        await router.perform(make(tmp_path))
        with store:
            kept = store.load()
            assert {each.kept.task for each in kept} == {task}
            for each in kept:
                yardstick = build_yardstick(task, each.kept.facts)
                assert yardstick is not None
                completion = Completion(model="", parts=(Text(each.kept.answer),))
                assert isinstance(yardstick.check(completion), Accepted)
            result = await router.perform(MeasureAnswers(store, is_simulated=True))
            assert store.count() == (0, 0)
    assert result.measured == {task: len(kept)}
    (score,) = load_quality(ledger, Window(is_simulated=True)).scores
    assert (score.measure, score.model, score.reference) == (measure, "gpt-4o-mini", "gpt-4o")
    assert score.value is not None
    assert score.low is not None
    assert score.value > 0.9
    assert score.low < 1 <= score.n


async def test_a_model_of_less_skill_scores_less(
    tmp_path: Path, open_keeping: OpenKeeping, store: SampleStore, ledger: Path
) -> None:
    async with open_keeping(small=0.6) as (router, _):
        await router.perform(make_classify(tmp_path))
        with store:
            await router.perform(MeasureAnswers(store, is_simulated=True))
    (score,) = load_quality(ledger, Window(is_simulated=True)).scores
    assert score.value is not None
    assert score.value < 0.9
    assert score.n == 30


@pytest.mark.parametrize(
    ("small", "main", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, Agreement(1, 2)),
        ({"a": 1}, {"a": 1, "b": 3}, Agreement(1, 1)),
        ({"a": 1}, {"b": 1}, None),
    ],
)
def test_what_both_name_is_compared(
    small: dict[str, int], main: dict[str, int], expected: Agreement | None
) -> None:
    assert compare_by_key(small, main) == expected


@pytest.mark.parametrize(
    ("small", "main", "expected"),
    [
        (set(), set(), 1.0),
        ({1}, set(), 0.0),
        ({1, 2}, {1, 2}, 1.0),
        ({1, 2}, {2, 3, 4}, 0.4),
    ],
)
def test_overlap_is_f1(small: set[int], main: set[int], expected: float) -> None:
    assert score_overlap(frozenset(small), frozenset(main)) == pytest.approx(expected)


def find(*lines: int) -> ChunkReading:
    ordinary: dict[str, Any] = {"text": "x", "finding": "y", "column": 1, "excerpt": "x"}
    findings = tuple(Finding(start=line, end=line, **ordinary) for line in lines)
    return ChunkReading(findings=findings, summary="")


def test_each_measure_tells_good_from_bad() -> None:
    read = build_yardstick(
        TaskKind.LARGE_READ, {"start": 1, "lines": ["a", "b", "c"], "must_keep_line": None}
    )
    assert read is not None
    assert read.compare is not None
    assert read.compare(find(1, 2), find(1, 2)) == Agreement(1.0, 1)
    assert read.compare(find(3), find(1, 2)) == Agreement(0.0, 1)
    web = build_yardstick(
        TaskKind.WEB_SUMMARY, {"lines": {"1": "a", "2": "b"}, "places": {"1": 0, "2": 1}}
    )
    assert web is not None
    assert web.compare is not None
    said = PageAnswer(text="a", blocks=(0,), is_answered=True)
    other = PageAnswer(text="a", blocks=(1,), is_answered=True)
    none = PageAnswer(text="", blocks=(), is_answered=False)
    assert [*map(web.compare, [said] * 3, (said, other, none))] == [
        Agreement(1.0, 1),
        Agreement(0.0, 1),
        Agreement(0.0, 1),
    ]
    keep = ["raise the timeout to 45 s", "never touch src/app/old.py"]
    facts = {"source": "\n".join(keep), "turns": [1], "most_tokens": 500, "missing": []}
    compress = build_yardstick(TaskKind.COMPRESSION, {**facts, "keep": keep})
    assert compress is not None
    assert compress.compare is not None
    both, one = tell(*keep), tell(keep[0])
    assert compress.compare(one, both) == Agreement(1, 2)
    assert compress.compare(both, one) == Agreement(1, 1)
    assert compress.compare(both, tell("")) is None


def tell(*points: str) -> Snapshot:
    said = tuple(Point(1, point) for point in points)
    return Snapshot(goal="it", state="", decisions=said, facts=(), open_items=())


def test_facts_of_another_version_are_an_error_not_a_crash() -> None:
    for facts in ({"codes": 3}, {"lines": ["a"]}, {"other": json.loads("{}")}):
        with pytest.raises(ValueError, match="."):
            build_yardstick(TaskKind.CLASSIFICATION, facts)
    assert build_yardstick(TaskKind.CLASSIFICATION, {}) is None
    assert build_yardstick(TaskKind.CONTENT_ANALYSIS, {"a": 1}) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("first", "second", 1.0),
        ("tie", "tie", 1.0),
        ("second", "first", 0.0),
        # A judge that always favours what stands first, or second, says nothing: half.
        ("first", "first", 0.5),
        ("second", "second", 0.5),
    ],
)
def test_a_judge_that_goes_by_the_place_cancels_itself_out(
    first: Any, second: Any, expected: float
) -> None:
    assert score_verdicts(first, second) == Agreement(expected, 1)
