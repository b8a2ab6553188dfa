"""The text of a PDF, a heading a page."""

from __future__ import annotations

import logging
from io import BytesIO

from koderz.errors import JobError

_MOST_PAGES = 2000


def extract_pdf(body: bytes, name: str) -> str:
    """The PDF's text as Markdown, each page under a heading with its number.

    Raises:
        JobError: it is broken, locked with a password, or holds pictures and no text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        pages = [page.extract_text() for page in PdfReader(BytesIO(body)).pages[:_MOST_PAGES]]
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError, NotImplementedError):
        raise JobError(f"{name} cannot be read as a PDF: it is broken or locked") from None
    if not any(text.strip() for text in pages):
        raise JobError(f"{name} holds no text: a PDF of pictures needs text recognition first")
    parts = [f"# Page {number}\n\n{text.strip()}" for number, text in enumerate(pages, start=1)]
    return "\n\n".join(parts)
