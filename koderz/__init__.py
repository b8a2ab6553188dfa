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
    from koderz.compose import maybe_compress_context, open_router, process_items_batch
    from koderz.errors import KoderzError
    from koderz.jobs.classify.batch import ClassifyBatch, ClassifyResult
    from koderz.jobs.compress.context import CompressContext, CompressResult
    from koderz.jobs.git.history import GitHistory, GitResult
    from koderz.jobs.map.items import MapItems, MapResult, MapRow
    from koderz.jobs.read.read_file import ReadFile, ReadResult
    from koderz.jobs.web.summary import WebResult, WebSummary
    from koderz.ledger.metrics import SmallModelMetrics
    from koderz.models.factory import ModelFactory
    from koderz.routing.checks import Accepted, Check, Rejected
    from koderz.routing.router import Answer, Router
    from koderz.types import Completion, Message, Request, TaskKind, Tier

_HOMES = {
    "Accepted": "routing.checks",
    "Answer": "routing.router",
    "Check": "routing.checks",
    "ClassifyBatch": "jobs.classify.batch",
    "ClassifyResult": "jobs.classify.batch",
    "Completion": "types",
    "CompressContext": "jobs.compress.context",
    "CompressResult": "jobs.compress.context",
    "GitHistory": "jobs.git.history",
    "GitResult": "jobs.git.history",
    "KoderzError": "errors",
    "MapItems": "jobs.map.items",
    "MapResult": "jobs.map.items",
    "MapRow": "jobs.map.items",
    "Message": "types",
    "ModelFactory": "models.factory",
    "ReadFile": "jobs.read.read_file",
    "ReadResult": "jobs.read.read_file",
    "Rejected": "routing.checks",
    "Request": "types",
    "Router": "routing.router",
    "SmallModelMetrics": "ledger.metrics",
    "TaskKind": "types",
    "Tier": "types",
    "WebResult": "jobs.web.summary",
    "WebSummary": "jobs.web.summary",
    "maybe_compress_context": "compose",
    "open_router": "compose",
    "process_items_batch": "compose",
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
    "MapItems",
    "MapResult",
    "MapRow",
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
    "process_items_batch",
]

__getattr__ = build_getattr(__name__, _HOMES)
