"""Plain values cross as they are; everything else crosses as a plain value or not at all."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from koderz.sandbox import decode_values, encode_values
from koderz.sandbox.inside import codec, frames

HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.datetimes()
    | st.timedeltas(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.lists(st.floats(allow_nan=False))
        | st.lists(st.integers(-(2**63), 2**63 - 1))
        | st.builds(collections.deque, st.lists(inner, max_size=3))
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """A value with the type of each of its parts."""
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple | collections.deque):
        return type(value), [shape(item) for item in value]
    return type(value), repr(value) if not isinstance(value, set | frozenset) else value


@given(VALUES)
@example("\ud800 lone")
@example(2**100_000)
@example([2**63, -(2**63)])
@example(-0.0)
def test_a_plain_value_comes_back_with_all_its_types(value: Any) -> None:
    back = codec.decode(codec.encode(value))
    if isinstance(value, int) and value.bit_length() > 10_000:
        assert back == value
    else:
        assert shape(back) == shape(value)


@pytest.mark.parametrize(
    "value",
    [
        collections.Counter("aab"),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, {1: [2]}),
        collections.deque([1, 2], maxlen=3),
        range(1, 9, 2),
        bytearray(b"ab"),
        dt.date(2026, 1, 2),
        dt.time(3, 4),
        Decimal("NaN").copy_sign(Decimal(-1)),
        Fraction(1, 3),
        ...,
    ],
    ids=lambda value: type(value).__name__,
)
def test_types_of_the_standard_library_cross(value: Any) -> None:
    back = codec.decode(codec.encode(value))
    assert type(back) is type(value)
    assert repr(back).replace("<class 'list'>", "None") == repr(value).replace(
        "<class 'list'>", "None"
    )


def test_nan_and_infinities_cross() -> None:
    nan, infinity = codec.decode(codec.encode([math.nan, -math.inf]))
    assert math.isnan(nan)
    assert infinity == -math.inf


class Loud(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __str__(self) -> str:
        return "forged"

    __repr__ = __str__
    __hash__ = str.__hash__


class Sly(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __int__(self) -> int:
        return 42

    __index__ = __int__
    __hash__ = int.__hash__


class Bag(list[Any]):
    def __iter__(self) -> Any:
        return iter([42])

    def __getitem__(self, _: Any) -> Any:
        return 42

    def __len__(self) -> int:
        return 1


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.IntEnum):
    RED = 3


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Loud("true"), "true"),
        (Sly(7), 7),
        (Bag([1, 2]), [1, 2]),
        ([Bag([Sly(1)])], [[1]]),
        ({Loud("k"): Sly(1)}, {"k": 1}),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 3),
    ],
    ids=["str", "int", "list", "nested", "dict", "named tuple", "enum"],
)
def test_a_subclass_crosses_as_the_plain_value_under_it(value: Any, plain: Any) -> None:
    back = codec.decode(codec.encode(value))
    assert shape(back) == shape(plain)


@pytest.mark.parametrize(
    "value", [object(), lambda: 1, (number for number in [1]), int, [object()], iter(())], ids=repr
)
def test_what_is_no_value_is_refused(value: Any) -> None:
    with pytest.raises(codec.CodecError, match="cannot cross"):
        codec.encode(value)


def test_a_value_within_itself_is_refused() -> None:
    knot: list[Any] = []
    knot.append(knot)
    with pytest.raises(codec.CodecError, match="within itself"):
        codec.encode(knot)


PROTOCOL = b"\x80\x05"
TREES = st.recursive(
    st.sampled_from(
        [b"N", b"\x88", b"K\x01", b"G" + bytes(8), b"\x8c\x01a", b"C\x00", b")", b"]", b"}"]
    ),
    lambda inner: st.lists(
        inner
        | st.sampled_from(
            [
                b"(",
                b"t",
                b"e",
                b"u",
                b"s",
                b"a",
                b"\x85",
                b"\x86",
                b"\x90",
                b"\x91",
                b"\x8f",
                b"R",
                b"\x93",
                b"\x8c\x07rebuild",
            ]
        ),
        max_size=6,
    ).map(b"".join),
)


@given(st.binary(max_size=200) | TREES.map(lambda body: body + b"."))
@example(b"]" + b"(" * 100_000 + b".")
@example(b")" + b"\x85" * 100_000 + b".")
@example(b"]" * 1000 + b"a" * 999 + b".")
@example(b"X\xff\xff\xff\xff.")
@example(b"\x96" + b"\xff" * 8 + b".")
@example(b"\x8f(]\x90.")
@example(b"}]Ns.")
@example(b"}(Nu.")
@example(b"\x8c\x01m\x8c\x07rebuild\x93.")
@example(b"\x8c\x01m\x8c\x07rebuild\x93\x85.")
@example(b"\x8c\x01m\x8c\x07rebuild\x93K\x63\x85R.")
@example(b"\x8c\x01m\x8c\x07rebuild\x93K\x02N\x86R.")
@example(b"\x8c\x01m\x8c\x07rebuild\x93J\xff\xff\xff\xff\x85R.")
@example(b"NN.")
@example(b".")
def test_bytes_that_are_no_value_are_refused_in_one_way(body: bytes) -> None:
    for encoded in (body, PROTOCOL + body):
        try:
            value = codec.decode(encoded)
        except codec.CodecError:
            continue
        assert codec.decode(codec.encode(value)) == value


class Caller:
    def __reduce__(self) -> Any:
        return (exit, (3,))


KNOT: list[Any] = []
KNOT.append(KNOT)
TWIN = [0]


@pytest.mark.parametrize(
    "pickled",
    [
        pickle.dumps(Caller()),
        pickle.dumps(Caller(), 0),
        pickle.dumps(exit),
        pickle.dumps(object()),
        pickle.dumps([TWIN, TWIN]),
        pickle.dumps(KNOT),
        pickle.dumps([1, 2], 4),
        pickle.dumps({"a": b"b"}, 2),
        b"cos\nsystem\n(S'exit 3'\ntR.",
        PROTOCOL + b"\x8c\x08builtins\x8c\x04exit\x93K\x03\x85R.",
        PROTOCOL + b"cos\nsystem\n\x8c\x01x\x85R.",
    ],
)
def test_no_other_pickle_is_read(pickled: bytes) -> None:
    with pytest.raises(codec.CodecError):
        codec.decode(pickled)


def test_what_is_nested_too_deeply_is_refused_by_its_own_name() -> None:
    value: Any = 0
    for _ in range(200):
        value = (value,)
    with pytest.raises(codec.DepthError):
        codec.decode(codec.encode(value))


@given(VALUES)
def test_our_own_bytes_may_be_read_the_fast_way(value: Any) -> None:
    encoded = codec.encode(value)
    assert shape(codec.load(encoded)) == shape(codec.decode(encoded))


def test_text_that_names_what_rebuilds_is_text() -> None:
    assert codec.load(codec.encode(["rebuild", 1j])) == ["rebuild", 1j]


def test_one_object_twice_makes_the_bytes_of_two() -> None:
    text, items = "ab" * 10, [1]
    apart = ["".join(["ab"] * 10), "".join(["ab"] * 10), [1], [1]]
    assert codec.encode([text, text, items, items]) == codec.encode(apart)


@given(st.binary(max_size=60))
def test_a_forged_exception_is_refused_in_one_way(content: bytes) -> None:
    try:
        raised = frames.decode_raised(frames.RAISED + content)
    except codec.CodecError:
        return
    assert isinstance(raised.build(), BaseException)


@given(st.lists(VALUES, max_size=5))
def test_values_for_cases_come_back(values: list[Any]) -> None:
    assert [shape(it) for it in decode_values(encode_values(values))] == [
        shape(it) for it in values
    ]


def test_frames_that_were_cut_off_are_left_out() -> None:
    joined = codec.join_frames([b"one", b"two"])
    assert codec.split_frames(joined[:-1]) == [b"one"]
