"""The text of a page, wherever it is: at a URL or in a file."""

from __future__ import annotations

import asyncio
import os
from os import PathLike
from pathlib import Path

import msgspec

from koderz.config.settings import WebSettings
from koderz.errors import JobError
from koderz.extract.encodings import is_junk
from koderz.extract.web.charsets import decode_page
from koderz.extract.web.pages import PageKind
from koderz.extract.web.pdf import extract_pdf
from koderz.jobs.web.fetching import fetch_page, is_url

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_MARKDOWN = frozenset({"text/markdown", "text/x-markdown"})
_TEXTUAL = frozenset({"application/json", "application/xml", "application/yaml", "image/svg+xml"})
_UNTOLD = frozenset({"", "application/octet-stream"})
_PDF = "application/pdf"
_TYPE_BY_SUFFIX = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".pdf": _PDF,
    ".txt": "text/plain",
    ".rst": "text/plain",
}
_HEAD_BYTES = 4096
_SIGNS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<article", b"<div", b"<p>", b"<h1")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A page's text as it came; `name` is its URL in the end, or its file."""

    name: str
    text: str
    kind: PageKind
    notes: tuple[str, ...] = ()


async def load_source(source: str | PathLike[str], settings: WebSettings) -> Source:
    """The page at a URL or in a file: HTML, Markdown, plain text, or a PDF.

    Raises:
        JobError: the file is missing, unreadable or too large, or there is no text in it.
        FetchError: the page could not be had.
    """
    name = os.fspath(source)
    if isinstance(source, str) and is_url(source.strip()):
        page = await fetch_page(source, settings)
        kind = page.content_type
        return await asyncio.to_thread(_decode, page.url, page.body, kind, page.charset)
    body = await asyncio.to_thread(_load_file, Path(source), settings.max_size_kb)
    kind = _TYPE_BY_SUFFIX.get(Path(source).suffix.lower(), "")
    return await asyncio.to_thread(_decode, name, body, kind, "")


def _load_file(path: Path, max_size_kb: int) -> bytes:
    if path.is_dir():
        raise JobError(f"{path} is a directory: give a URL or a file")
    try:
        with path.open("rb") as file:
            body = file.read(max_size_kb * 1024 + 1)
    except FileNotFoundError:
        hint = f" (a URL begins with https://{path})" if "." in path.parts[0] else ""
        raise JobError(f"{path} does not exist{hint}") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise JobError(f"{path} cannot be read: {why}") from None
    if len(body) > max_size_kb * 1024:
        raise JobError(f"{path} is larger than {max_size_kb:,} KB: raise [koderz.web] max_size_kb")
    return body


def _decode(name: str, body: bytes, content_type: str, charset: str) -> Source:
    if not body.strip():
        raise JobError(f"{name} is empty")
    if content_type == _PDF or body.startswith(b"%PDF-"):
        return Source(name=name, text=extract_pdf(body, name), kind="markdown")
    is_text = _is_text(content_type)
    if not is_text or _is_binary(body, charset):
        said = "binary: it" if is_text else f"{content_type}, which"
        raise JobError(f"{name} is {said} holds no page: HTML, Markdown, text and PDF do")
    text, note = decode_page(body, charset)
    return Source(
        name=name,
        text=text,
        kind=_get_kind(content_type, body),
        notes=(note,) if note else (),
    )


def _is_text(content_type: str) -> bool:
    return content_type.startswith("text/") or content_type in _HTML | _TEXTUAL | _UNTOLD


def _is_binary(body: bytes, charset: str) -> bool:
    """Whether these bytes are no text; a charset other than UTF-8 makes strays likely, not NULs."""
    head = body[:_HEAD_BYTES]
    return is_junk(head) and (not charset or b"\0" in head)


def _get_kind(content_type: str, body: bytes) -> PageKind:
    if content_type in _HTML:
        return "html"
    if content_type in _MARKDOWN:
        return "markdown"
    is_html = any(sign in body[:_HEAD_BYTES].lower() for sign in _SIGNS)
    return "html" if is_html and content_type in _UNTOLD else "text"
