"""The text of a page's bytes, whatever encoding it is in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_META_BYTES = 4096
# A stray byte here and there does not make what was declared untrue.
_FEW = 0.01
_REPLACED = "bytes that are no text in {} were replaced by U+FFFD"


def decode_page(body: bytes, declared: str = "") -> tuple[str, str]:
    """The text, and a note where something had to be replaced ("" where nothing had).

    A byte order mark decides, then what the server declared, then the page's own `meta`, then
    UTF-8 if it is that, then what the bytes look like. Names mean what browsers take them for.
    """
    candidates = list(_list_candidates(body, declared))
    for name in candidates:
        try:
            return body.decode(name), ""
        except UnicodeDecodeError:
            continue
    from resiliparse.parse.encoding import detect_encoding

    guess = _resolve(detect_encoding(body) or "") or "windows-1252"
    texts = {name: body.decode(name, "replace") for name in (candidates[0], guess)}
    name = candidates[0] if _count_lost(texts[candidates[0]]) <= _FEW * len(body) else guess
    return texts[name], _REPLACED.format(name) if _count_lost(texts[name]) else ""


def _count_lost(text: str) -> int:
    return text.count("\N{REPLACEMENT CHARACTER}")


def _list_candidates(body: bytes, declared: str) -> Iterator[str]:
    for mark, name in _BOMS:
        if body.startswith(mark):
            yield name
    if name := _resolve(declared):
        yield name
    if found := _META.search(body[:_META_BYTES]):
        name = _resolve(found[1].decode("ascii", "replace"))
        # The bytes of a meta element are ASCII: a page cannot say in UTF-16 that it is UTF-16.
        if name:
            yield "utf-8" if name.startswith("utf-16") else name
    yield "utf-8"


def _resolve(name: str) -> str:
    """Python's name for an encoding as browsers understand its name, "" for an unknown one."""
    if not name:
        return ""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = map_encoding_to_html5(name.strip().lower(), fallback_utf8=False) or name
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""
