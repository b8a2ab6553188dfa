"""Items of any list: every form gives fields by name, and every error its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from koderz.errors import JobError
from koderz.extract.lists import build_list, decode_list, list_fields, load_list
from koderz.extract.tables import Form


@pytest.mark.parametrize(
    ("name", "text", "items"),
    [
        ("a.txt", "one\n\n two\r\n", {"1": "one", "3": "two"}),
        ("a.csv", "id,Text,to\n7,hi,Ann\n8,ho,Bob\n", {"7": "hi", "8": "ho"}),
        ("a.tsv", "item\ttext\na\tb\n", {"2": "a"}),
        ("a.csv", "name\nAnn\n", {"2": '{"name":"Ann"}'}),
        ("a.jsonl", '{"id":5,"text":"a"}\n"b"\n{"n":1}\n', {"5": "a", "2": "b", "3": '{"n":1}'}),
        ("a.json", '[{"id":"x","text":"a"}, "b"]', {"x": "a", "2": "b"}),
        ("a.json", "[1,2]\n[3]\n", {"1": "[1,2]", "2": "[3]"}),
        ("a.jsonl", '{"id":null,"text":"a"}', {"1": "a"}),
    ],
)
def test_every_form_gives_items_under_their_ids(
    tmp_path: Path, name: str, text: str, items: dict[str, str]
) -> None:
    (tmp_path / name).write_text(text)
    found = load_list(tmp_path / name)
    assert {item.id: item.fields["item"] for item in found} == items


def test_columns_are_fields_under_their_names() -> None:
    found = decode_list(b"id,First name,age\n1,Ann,7\n", "a.csv", "csv")
    assert list_fields(found) == ("item", "id", "First name", "age")
    assert found[0].fields["First name"] == "Ann"


def test_values_of_python_are_items() -> None:
    found = build_list(["a", {"id": 9, "text": "b", "n": [1]}, 7, "\udcff"])
    assert [item.id for item in found] == ["1", "9", "3", "4"]
    assert [item.fields["item"] for item in found] == ["a", "b", "7", "?"]
    assert found[1].fields["n"] == "[1]"


@pytest.mark.parametrize("value", ["a text", b"bytes", {"text": "a"}])
def test_one_value_is_no_list(value: object) -> None:
    with pytest.raises(JobError, match="items come in a list"):
        build_list(value)  # type: ignore[arg-type] # what is wrong with it is the test


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("lines", b"\n \n", "f: no item is in it"),
        ("csv", b"id,text\n", "f: no item is in it"),
        ("csv", b"id,text\n1,a\n1,b\n", "f:3: the id '1' is that of line 2"),
        ("csv", b"a,b\n1\n", "f:2: 1 columns instead of 2"),
        ("csv", b"a, a\n1,2\n", "f:1: the column 'a' stands 2 times"),
        ("csv", b'a\n"x\n', "f:2: broken CSV"),
        ("json", b'{"a":1}\n{"a":\n', "f:2: not a line of JSON"),
        ("json", b"[1,", "f: not a list of JSON"),
        ("json", b"[" * 100_000, "f: not a list of JSON"),
        ("json", b'{"id":""}', "f:1: the id is empty"),
        ("lines", b"a\nna\xefve\n", "f:2: not UTF-8"),
    ],
)
def test_what_is_broken_is_named_with_its_line(form: Form, text: bytes, said: str) -> None:
    with pytest.raises(JobError) as caught:
        decode_list(text, "f", form)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
