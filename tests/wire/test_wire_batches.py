"""Batches on the wire: both ways, cut anywhere, and held against the official clients' types."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from anthropic.types.messages.batch_create_params import BatchCreateParams as AnthropicBatch
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Batch, BatchCreateParams, FileObject
from openai.types.chat import ChatCompletion
from pydantic import TypeAdapter

from koderz.errors import MalformedResponseError
from koderz.types import Capabilities, Completion, Message, Request, Text, Usage
from koderz.wire import FormatError, get_wire
from koderz.wire.anthropic import batches as anthropic
from koderz.wire.batches import (
    BatchLimits,
    BatchLine,
    BatchOutcome,
    BatchStage,
    OutcomeKind,
    decode_outcomes,
    split_lines,
)
from koderz.wire.faults import WireError
from koderz.wire.openai import batches as openai

USAGE = Usage(input_tokens=10, cache_read_tokens=5, output_tokens=20)
COMPLETION = Completion(model="m", parts=(Text("It is 42."),), usage=USAGE, id="answer-1")
OUTCOMES = [
    BatchOutcome(custom_id="a-0", kind=OutcomeKind.SUCCEEDED, completion=COMPLETION),
    BatchOutcome(
        custom_id="a-1",
        kind=OutcomeKind.ERRORED,
        error=WireError("no such field", "invalid_request_error"),
    ),
    BatchOutcome(custom_id="a-2", kind=OutcomeKind.CANCELLED),
    BatchOutcome(custom_id="a-3", kind=OutcomeKind.EXPIRED),
]
WIRES = pytest.mark.parametrize("wire", [anthropic, openai], ids=["anthropic", "openai"])


def build_line(name: str, provider: str) -> BatchLine:
    request = Request(model="m", messages=(Message.user("So?"),), system="Be brief.", max_tokens=9)
    return BatchLine(name, get_wire(provider).encode_request(request, Capabilities()))


def strict(kind: Any) -> Callable[[Any], Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return lambda body: adapter.validate_python(body, extra="forbid")


def test_anthropics_requests_fit_its_clients_types_and_come_back() -> None:
    lines = [build_line(f"a-{at}", "anthropic") for at in range(3)]
    body = anthropic.encode_batch(lines)
    parsed = strict(AnthropicBatch)(json.loads(body))
    assert [each["custom_id"] for each in parsed["requests"]] == ["a-0", "a-1", "a-2"]
    assert anthropic.decode_batch(body) == tuple(lines)


def test_openais_file_and_batch_fit_its_clients_types_and_come_back() -> None:
    lines = [build_line(f"a-{at}", "openai") for at in range(3)]
    rows = openai.encode_lines(lines).splitlines()
    read = [openai.decode_line(row) for row in rows]
    assert [(each.custom_id, bytes(each.body)) for each in read] == [
        (line.custom_id, line.body) for line in lines
    ]
    assert {(each.method, each.url) for each in read} == {("POST", "/v1/chat/completions")}
    body = openai.encode_batch("file-1", "kz1")
    strict(BatchCreateParams)(json.loads(body))
    asked = openai.decode_batch(body)
    assert (asked.input_file_id, asked.metadata) == ("file-1", {"koderz": "kz1"})


@WIRES
def test_outcomes_come_back_as_they_were(wire: Any) -> None:
    body = b"".join(map(wire.encode_outcome, OUTCOMES))
    found, broken = decode_outcomes(wire.decode_outcome, body)
    assert not broken
    assert [(each.custom_id, each.kind) for each in found] == [
        (each.custom_id, each.kind) for each in OUTCOMES
    ]
    answer = found[0].completion
    assert answer is not None
    assert (answer.text, answer.usage, answer.request_id) == ("It is 42.", USAGE, "answer-1")
    assert found[1].error.message == "no such field"
    assert found[1].completion is None


def test_results_fit_the_clients_types() -> None:
    for outcome in OUTCOMES:
        MessageBatchIndividualResponse.model_validate_json(anthropic.encode_outcome(outcome))
    row = json.loads(openai.encode_outcome(OUTCOMES[0], line_id="batch_req_1"))
    ChatCompletion.model_validate(row["response"]["body"])
    late = json.loads(openai.encode_outcome(OUTCOMES[3], line_id="batch_req_1"))
    assert (late["response"], late["error"]["code"]) == (None, "batch_expired")


def test_what_is_told_of_batches_and_files_fits_the_clients_types() -> None:
    counts = anthropic.RequestCounts(processing=2)
    times = {"created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z"}
    told = anthropic.MessageBatch(
        id="b", processing_status="in_progress", request_counts=counts, **times
    )
    MessageBatch.model_validate_json(msgspec.json.encode(told), strict=False)
    Batch.model_validate_json(msgspec.json.encode(openai.BatchObject(id="b", status="validating")))
    FileObject.model_validate_json(msgspec.json.encode(openai.FileObject(id="f")))


@pytest.mark.parametrize(
    ("status", "counts", "archived", "stage"),
    [
        ("in_progress", {"processing": 3}, None, BatchStage.WORKING),
        ("canceling", {"processing": 3}, None, BatchStage.WORKING),
        ("ended", {"succeeded": 2, "errored": 1}, None, BatchStage.ENDED),
        ("ended", {"succeeded": 2, "canceled": 1}, None, BatchStage.CANCELLED),
        ("ended", {"succeeded": 2, "expired": 1}, None, BatchStage.EXPIRED),
        ("ended", {"succeeded": 3}, "2026-02-01T00:00:00Z", BatchStage.ARCHIVED),
    ],
)
def test_anthropics_stages(
    status: str, counts: dict[str, int], archived: str | None, stage: BatchStage
) -> None:
    document = {
        "id": "b",
        "processing_status": status,
        "request_counts": counts,
        "archived_at": archived,
        "news": "to us",
    }
    read = anthropic.decode_status(json.dumps(document).encode())
    assert (read.stage, read.total) == (stage, 3)


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("validating", BatchStage.WORKING),
        ("in_progress", BatchStage.WORKING),
        ("finalizing", BatchStage.WORKING),
        ("cancelling", BatchStage.WORKING),
        ("some new word", BatchStage.WORKING),
        ("completed", BatchStage.ENDED),
        ("expired", BatchStage.EXPIRED),
        ("cancelled", BatchStage.CANCELLED),
        ("failed", BatchStage.FAILED),
    ],
)
def test_openais_stages(status: str, stage: BatchStage) -> None:
    errors = {"data": [{"code": "c", "message": "bad", "line": 2}, {"code": "empty_file"}]}
    document = {
        "id": "b",
        "status": status,
        "errors": errors,
        "metadata": {"koderz": "kz1"},
        "output_file_id": "o",
        "error_file_id": None,
    }
    read = openai.decode_status(json.dumps(document).encode())
    assert (read.stage, read.tag, read.files) == (stage, "kz1", ("o",))
    assert read.reason == "line 2: bad; empty_file"


def test_a_rejected_request_in_openais_output_file_is_no_answer() -> None:
    said = {"error": {"message": "too hot", "type": "invalid_request_error"}}
    line = {"custom_id": "a", "response": {"status_code": 400, "body": said}, "error": None}
    read = openai.decode_outcome(json.dumps(line).encode())
    assert (read.kind, read.completion, read.error.message) == (
        OutcomeKind.ERRORED,
        None,
        "too hot",
    )


@WIRES
def test_an_answer_that_is_none_keeps_its_reason_and_its_id(wire: Any) -> None:
    body = wire.encode_outcome(OUTCOMES[0]).replace(b'"content":', b'"kontent":')
    body = body.replace(b'"choices":', b'"choises":')
    read = wire.decode_outcome(body)
    assert (read.custom_id, read.kind, read.completion) == ("a-0", OutcomeKind.SUCCEEDED, None)
    assert read.error.kind == "malformed"


@WIRES
@given(cut=st.integers(min_value=0))
def test_a_file_cut_anywhere_gives_its_whole_lines(wire: Any, cut: int) -> None:
    body = b"".join(map(wire.encode_outcome, OUTCOMES))
    whole = body[: cut % len(body)]
    found, broken = decode_outcomes(wire.decode_outcome, whole)
    assert len(found) + broken in {whole.count(b"\n"), whole.count(b"\n") + 1}
    assert [each.custom_id for each in found] == [f"a-{at}" for at in range(len(found))]


@WIRES
@given(raw=st.binary(max_size=60))
def test_lines_that_are_none_are_told_and_nothing_else_happens(wire: Any, raw: bytes) -> None:
    for decode in (wire.decode_outcome, wire.decode_status, wire.decode_page):
        with pytest.raises(MalformedResponseError):
            decode(raw)
    with pytest.raises(FormatError):
        wire.decode_batch(raw)


def test_pages_go_on_where_there_is_more() -> None:
    row = {"id": "b", "processing_status": "ended", "request_counts": {}}
    for has_more, after in ((True, "b"), (False, "")):
        page = anthropic.decode_page(json.dumps({"data": [row], "has_more": has_more}).encode())
        assert ([each.id for each in page.batches], page.after) == (["b"], after)


@given(
    sizes=st.lists(st.integers(min_value=1, max_value=400), max_size=30),
    requests=st.integers(min_value=1, max_value=10),
)
def test_batches_keep_to_their_limits_and_lose_nothing(sizes: list[int], requests: int) -> None:
    lines = [BatchLine(f"a-{at}", b"x" * size) for at, size in enumerate(sizes)]
    limits = BatchLimits(requests=requests, size_bytes=1000)
    batches = split_lines(lines, limits)
    assert [line for batch in batches for line in batch] == lines
    for batch in batches:
        assert len(batch) <= requests
        assert len(
            openai.encode_lines([BatchLine(x.custom_id, b'"' + x.body + b'"') for x in batch])
        ) <= 1000 + 2 * len(batch)


def test_an_upload_is_one_part_that_no_line_can_end() -> None:
    hostile = json.dumps({"text": "\r\n--koderz-batch-5f1c9d3e7a--\r\n"}).encode() + b"\n"
    body, content_type = openai.encode_upload("a.jsonl", hostile)
    boundary = content_type.partition("boundary=")[2].encode()
    assert body.count(b"\r\n--" + boundary) == 2
    assert hostile in body
