"""Items and examples out of files, near duplicates, and what examples teach without a model."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koderz.errors import JobError
from koderz.extract.labels.confidence import fit_curve
from koderz.extract.labels.duplicates import build_key, group_duplicates
from koderz.extract.labels.files import load_examples, load_items
from koderz.extract.labels.items import Example, Item
from koderz.extract.labels.judge import build_judge
from koderz.extract.labels.ngrams import BUCKETS, build_ngrams
from koderz.extract.labels.sets import parse_labels

TOPICS = {
    "money": ["pay", "price", "invoice", "refund", "charge", "bill"],
    "travel": ["train", "flight", "hotel", "ticket", "airport", "seat"],
    "food": ["soup", "bread", "cheese", "lunch", "kitchen", "taste"],
}


def make_examples(count: int, seed: int = 0) -> list[Example]:
    rng = Random(seed)
    labels = [rng.choice(list(TOPICS)) for _ in range(count)]
    filler = ["i", "want", "to", "know", "more", "about", "the", "and", "please"]
    return [
        Example(" ".join(rng.choices(filler, k=4) + rng.choices(TOPICS[label], k=2)), label)
        for label in labels
    ]


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "one\n\ntwo, or three\n"),
        ("a.csv", 'id,text,more\n1,one,x\n3,"two, or three",y\n'),
        ("a.tsv", "text\tid\none\t1\ntwo, or three\t3\n"),
        ("a.jsonl", '{"id":1,"text":"one"}\n\n{"id":"3","text":"two, or three"}\n'),
        ("a.csv", '\ufeffID,Text\r\n1,one\r\n3,"two, or three"\r\n'),
    ],
)
def test_every_form_gives_the_same_items(tmp_path: Path, name: str, text: str) -> None:
    items = load_items(write(tmp_path / name, text))
    assert items == (Item("1", "one"), Item("3", "two, or three"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "id,text\n1,a\n1,b\n", "a.csv:3: the id '1' is that of line 2"),
        ("a.csv", "id,words\n1,a\n", "a.csv:1: no column 'text'"),
        ("a.csv", "name\n1\n", "a.csv:1: no column 'id' and 'text'"),
        ("a.csv", "id,text\n1,a\n2\n", "a.csv:3: 1 columns instead of 2"),
        ("a.csv", 'id,text\n1,"a\n', "a.csv:2: broken CSV"),
        ("a.csv", "id,text\n ,a\n", "a.csv:2: the id is empty"),
        ("a.csv", "id,text,text\n1,a,b\n", "a.csv:1: the column 'text' stands 2 times"),
        ("a.csv", "id,text,Text\n1,a,b\n", "a.csv:1: columns that differ in case alone"),
        ("a.csv", f"id,text\n1,{'a' * 200_000}\n", "a.csv:2: a cell has more than 131,072"),
        ("a.jsonl", '{"id":1,"text":"a","x":' + "[" * 100_000, "a.jsonl:1: not a JSON object"),
        ("a.jsonl", '{"id":1,"text":"a"}\n{"id":2,\n', "a.jsonl:2: not a JSON object a line"),
        ("a.jsonl", '{"id":1}\n', "a.jsonl:1: no 'text' in it"),
        ("a.jsonl", '{"id":1,"text":5}\n', "a.jsonl:1: Expected str | null, got int"),
        ("a.jsonl", '{"id":"x","text":"a"}\n{"id":"x","text":"b"}', "a.jsonl:2: the id 'x'"),
        ("a.txt", "\n \n", "nothing to label is in it"),
        ("a.csv", "id,text\n", "nothing to label is in it"),
        ("a.txt", b"fine\nna\xefve\n", "a.txt:2: not UTF-8"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    with pytest.raises(JobError) as caught:
        load_items(write(tmp_path / name, text))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("e.txt", "a\n", "examples are CSV or JSON lines"),
        ("e.csv", "text,label\na,spam\nb,hma\n", "e.csv:3: the label 'hma' is none of the 2"),
        ("e.csv", "text,category\na,b\n", "no column 'label'"),
        ("e.csv", "text,label\n", "no example is in it"),
        ("e.jsonl", '{"text":"a","label":""}\n', "e.jsonl:1: an example needs a text and a label"),
    ],
)
def test_broken_examples_are_named_with_their_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(JobError) as caught:
        load_examples(write(tmp_path / name, text), ("spam", "ham"))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no such file"):
        load_items(tmp_path / "none.csv")


def test_labels_are_a_line_of_csv() -> None:
    assert parse_labels('a, b ,"one, with a comma"') == ("a", "b", "one, with a comma")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "the set of labels is empty"),
        (" , ", "the set of labels is empty"),
        ("a,,b", "a label is empty"),
        ("a,b,a", "'a' stands 2 times"),
        ('a,"b', "quote one with a comma"),
    ],
)
def test_labels_that_are_no_set_are_said(line: str, said: str) -> None:
    with pytest.raises(JobError) as caught:
        parse_labels(line)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("Where is my card?", "where is MY card?", True),
        ("Fine, thanks.", "fine thanks", True),
        ("Order 48151 is lost", "Order 99123 is lost", True),
        ("error 404", "error 500", False),
        ("I like it", "I do not like it", False),
        ("great :)", "great :(", False),
        ("...", "!!!", False),
    ],
)
def test_near_duplicates_differ_in_nothing_that_a_label_goes_by(
    first: str, second: str, is_same: bool
) -> None:
    assert (build_key(first) == build_key(second)) is is_same


@given(st.lists(st.text(), max_size=20))
def test_no_item_is_lost_among_duplicates(texts: list[str]) -> None:
    items = [Item(str(at), text) for at, text in enumerate(texts)]
    groups = group_duplicates(items)
    grouped = [item for group in groups.values() for item in group]
    assert sorted(grouped, key=lambda item: int(item.id)) == items


@given(st.text())
def test_ngrams_are_buckets_of_any_text(text: str) -> None:
    assert all(0 <= gram < BUCKETS for gram in build_ngrams(text))


def test_examples_teach_labels_with_a_measured_confidence() -> None:
    judge = build_judge(make_examples(400))
    tried = make_examples(300, seed=1)
    guesses = [judge.guess(each.text) for each in tried]
    right = [
        bool(g) and g is not None and g.label == e.label
        for g, e in zip(guesses, tried, strict=False)
    ]
    assert sum(right) > 0.97 * len(tried)
    assert judge.curve.held_out == 400
    assert judge.curve.accuracy > 0.95


def test_what_examples_say_nothing_of_gets_no_label() -> None:
    judge = build_judge(make_examples(100))
    assert judge.guess("quux zzyzx") is None
    mixed = judge.guess("train soup")
    clear = judge.guess("train ticket airport seat")
    assert clear is not None
    assert mixed is None or mixed.confidence < clear.confidence


def test_an_example_of_the_same_text_is_known_unless_examples_differ() -> None:
    judge = build_judge([Example("Hello there!", "a"), Example("Bye", "b"), Example("bye", "a")])
    known = judge.guess("hello there")
    assert known is not None
    assert (known.label, known.is_known) == ("a", True)
    unsure = judge.guess("bye")
    assert unsure is None or not unsure.is_known


@pytest.mark.parametrize("examples", [[], [Example("one", "a")], [Example("x", "a")] * 9])
def test_without_two_labels_there_is_nothing_to_tell_apart(examples: list[Example]) -> None:
    judge = build_judge(examples)
    assert judge.model is None
    assert judge.guess("something else") is None


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60))
def test_confidence_grows_with_the_lead_and_is_never_certain(
    seen: list[tuple[float, bool]],
) -> None:
    curve = fit_curve([margin for margin, _ in seen], [right for _, right in seen])
    levels = [curve.get_confidence(margin / 10) for margin in range(30)]
    assert levels == sorted(levels)
    assert all(0 < level < 1 for level in levels)


def test_learning_is_the_same_for_the_same_examples() -> None:
    first, second = (build_judge(make_examples(60)) for _ in range(2))
    assert first == second
