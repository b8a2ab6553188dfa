"""What can be done with no model at all: ranked original spans.

survey = load_survey(Path("build.log"), "why did it fail?")   # one streaming pass
digest = build_digest(survey, 1000)                           # at most 1,000 tokens
print(render_digest(digest))
chunks = load_chunks(survey, chunk_tokens=8000, max_chunks=12)  # for a model to read
span = load_lines(survey, 120, 140)                           # to hold its quotes against
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from koderz.lazy import build_getattr

if TYPE_CHECKING:
    from koderz.extract.chunks import load_chunks as load_chunks
    from koderz.extract.digest import build_digest as build_digest
    from koderz.extract.lines import load_lines as load_lines
    from koderz.extract.render import render_digest as render_digest
    from koderz.extract.spans import Digest as Digest
    from koderz.extract.spans import Gap as Gap
    from koderz.extract.spans import Span as Span
    from koderz.extract.survey import Survey as Survey
    from koderz.extract.survey import load_survey as load_survey

_HOMES = {
    "Digest": "spans",
    "Gap": "spans",
    "Span": "spans",
    "Survey": "survey",
    "build_digest": "digest",
    "load_chunks": "chunks",
    "load_lines": "lines",
    "load_survey": "survey",
    "render_digest": "render",
}

__all__ = [
    "Digest",
    "Gap",
    "Span",
    "Survey",
    "build_digest",
    "load_chunks",
    "load_lines",
    "load_survey",
    "render_digest",
]

__getattr__ = build_getattr(__name__, _HOMES)
