"""Koderz sends each piece of language-model work to the cheapest model that can do it.

    from koderz import ReadFile, open_router

    async with open_router("koderz.toml") as router:
        answer = await router.perform(ReadFile("build.log", "why did it fail?"))

Nothing is imported until it is used, and nothing touches the network at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from koderz._version import __version__
from koderz.lazy import build_getattr

if TYPE_CHECKING:
    from koderz.compose import maybe_compress_context, open_router
    from koderz.errors import KoderzError
    from koderz.jobs.classify_batch import ClassifyBatch, ClassifyResult
    from koderz.jobs.compress_context import CompressContext, CompressResult
    from koderz.jobs.git_history import GitHistory, GitResult
    from koderz.jobs.reads import ReadFile, ReadResult
    from koderz.jobs.web_summary import WebResult, WebSummary
    from koderz.ledger.metrics import SmallModelMetrics
    from koderz.models.factory import ModelFactory
    from koderz.routing.checks import Accepted, Check, Rejected
    from koderz.routing.router import Answer, Router
    from koderz.types import Completion, Message, Request, TaskKind, Tier

_HOMES = {
    "Accepted": "routing.checks",
    "Answer": "routing.router",
    "Check": "routing.checks",
    "ClassifyBatch": "jobs.classify_batch",
    "ClassifyResult": "jobs.classify_batch",
    "Completion": "types",
    "CompressContext": "jobs.compress_context",
    "CompressResult": "jobs.compress_context",
    "GitHistory": "jobs.git_history",
    "GitResult": "jobs.git_history",
    "KoderzError": "errors",
    "Message": "types",
    "ModelFactory": "models.factory",
    "ReadFile": "jobs.reads",
    "ReadResult": "jobs.reads",
    "Rejected": "routing.checks",
    "Request": "types",
    "Router": "routing.router",
    "SmallModelMetrics": "ledger.metrics",
    "TaskKind": "types",
    "Tier": "types",
    "WebResult": "jobs.web_summary",
    "WebSummary": "jobs.web_summary",
    "maybe_compress_context": "compose",
    "open_router": "compose",
}

__all__ = [
    "Accepted",
    "Answer",
    "Check",
    "ClassifyBatch",
    "ClassifyResult",
    "Completion",
    "CompressContext",
    "CompressResult",
    "GitHistory",
    "GitResult",
    "KoderzError",
    "Message",
    "ModelFactory",
    "ReadFile",
    "ReadResult",
    "Rejected",
    "Request",
    "Router",
    "SmallModelMetrics",
    "TaskKind",
    "Tier",
    "WebResult",
    "WebSummary",
    "__version__",
    "maybe_compress_context",
    "open_router",
]

__getattr__ = build_getattr(__name__, _HOMES)
