"""From a provider's refusal to an error: the status first, the text only within 400 and 422."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from koderz.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContentFilterError,
    ContextLengthError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    QuotaExceededError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from koderz.models.transport import Reply
from koderz.types import ProviderInfo
from koderz.wire import WireError

EXCERPT_CHARS = 300
SHORTEST_KEY_CHARS = 8
KEY = re.compile(r"\b(?:AIza|(?:sk|pk|rk|gsk|xai|tgp)[-_])[-_A-Za-z0-9]{16,}")
GOOGLE_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')
BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthenticationError,
    402: QuotaExceededError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    408: ProviderTimeoutError,
    409: ServerError,
    413: ContextLengthError,
    425: ServerError,
    429: QuotaExceededError,  # Where it is not RateLimitError, see below.
}
REQUEST_ID_HEADERS = ("request-id", "x-request-id")
SIMULATED_HEADER = "x-koderz-simulated"
START_HINTS = {
    "llamacpp-server": "start it with `llama-server -m MODEL.gguf`",
    "lmstudio": "start it with `lms server start`",
    "ollama": "start it with `ollama serve`",
    "vllm": "start it with `vllm serve MODEL`",
}


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a provider's refusals apart: patterns over its words in an error.

    They are sought in the code, kind and message of a 400 or 422; `quota`, which says that waiting
    does not help, in the whole body of a 429. An empty pattern never matches.
    """

    context: str = ""
    content: str = ""
    key: str = ""
    model: str = ""
    quota: str = ""


def build_error(
    reply: Reply, said: WireError, *, provider: ProviderInfo, refusals: Refusals
) -> ProviderError:
    """The error for a reply that is none, in the provider's words (`said`) where it has any."""
    body = reply.body.decode(errors="replace")
    excerpt = build_excerpt(body if is_markup(body) else said.message)
    kind: type[ProviderError]
    match reply.status:
        case 400 | 422:
            kind = _choose_rejection(said, refusals)
        case 429 if not _has(refusals.quota, body):
            kind = RateLimitError
        case status:
            kind = BY_STATUS.get(status) or _choose_by_class(status)
    if kind is AuthenticationError:
        excerpt = _describe_refused_key(excerpt, provider)
    if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
        excerpt = _describe_redirect(reply.headers)
    retry_after_s = parse_retry_after(reply.headers, reply.body)
    return kind(excerpt, status=reply.status, retry_after_s=retry_after_s)


def _choose_by_class(status: int) -> type[ProviderError]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return RequestRejectedError
    return MalformedResponseError


def _choose_rejection(said: WireError, refusals: Refusals) -> type[ProviderError]:
    words = f"{said.code} {said.kind} {said.message}"
    kinds: tuple[tuple[str, type[ProviderError]], ...] = (
        (refusals.key, AuthenticationError),
        (refusals.quota, QuotaExceededError),
        (refusals.context, ContextLengthError),
        (refusals.content, ContentFilterError),
        (refusals.model, ModelNotFoundError),
    )
    return next((kind for pattern, kind in kinds if _has(pattern, words)), RequestRejectedError)


def _has(pattern: str, words: str) -> bool:
    return bool(pattern) and bool(re.search(pattern, words, re.IGNORECASE))


def _describe_refused_key(said: str, provider: ProviderInfo) -> str:
    names = " or ".join(provider.key_vars)
    return f"the key was refused: check {names} ({said})" if names else f"a key is wanted ({said})"


def _describe_redirect(headers: Mapping[str, str]) -> str:
    target = urlsplit(headers.get("location", ""))
    place = f"{target.scheme}://{target.hostname}" if target.hostname else "another place"
    return f"the address sends on to {place}, which is not followed with a key: correct base_url"


def build_excerpt(text: str) -> str:
    """One line of `text` for a person, cut where it is long; a web page is named by its title."""
    if is_markup(text):
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:10_000], re.DOTALL | re.IGNORECASE)
        inner = title[1] if title else re.sub(r"<[^>]*>", " ", text[:10_000])
        text = f"a web page, not an answer (is a proxy in between?): {inner}"
    line = " ".join(text[: 4 * EXCERPT_CHARS].split())
    if len(line) > EXCERPT_CHARS:
        line = line[: EXCERPT_CHARS - 3] + "..."
    return line or "no reason was given"


def is_markup(text: str) -> bool:
    """Whether this is a web page or the like, as proxies answer."""
    return text.lstrip()[:1] == "<"


def redact(text: str, key: str) -> str:
    """`text` without `key`, nor anything else that looks like one."""
    if len(key) >= SHORTEST_KEY_CHARS:
        text = text.replace(key, "[key]")
    return KEY.sub("[key]", text)


def redact_body(body: bytes, key: str) -> bytes:
    """`body` without `key`; done before it is cut, so that no half of a key is left."""
    return body.replace(key.encode(), b"[key]") if len(key) >= SHORTEST_KEY_CHARS else body


def describe_error(
    error: ProviderError, *, model: str, key: str, provider: ProviderInfo, missing_hint: str
) -> None:
    """Complete an error: who was asked for what, what to do next, and no key in its message."""
    error.provider, error.model = provider.id, model.removeprefix(f"{provider.id}/")
    message = redact(error.message, key)
    if isinstance(error, ModelNotFoundError):
        message = f"{message.rstrip('.')}: {missing_hint.format(model=error.model)}"
    if isinstance(error, ConnectionFailedError) and provider.is_local:
        hint = START_HINTS.get(provider.id, "is it running?")
        message = f"{message}: {hint}"
    error.message = message
    error.args = (message,)


@contextmanager
def marking_errors(headers: Mapping[str, str], tries: int = 1) -> Iterator[None]:
    """Note on errors raised here what the reply's headers say, and how many tries it took."""
    try:
        yield
    except ProviderError as error:
        error.request_id = get_request_id(headers)
        error.is_simulated = is_simulated(headers)
        error.tries = tries
        raise


def get_request_id(headers: Mapping[str, str]) -> str:
    """The provider's name for the call, "" where it gives none."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), "")


def is_simulated(headers: Mapping[str, str]) -> bool:
    """Whether the simulator says that it stood in for the provider."""
    return SIMULATED_HEADER in headers


def is_page(headers: Mapping[str, str]) -> bool:
    """Whether a web page came where an answer was asked for."""
    return "html" in headers.get("content-type", "")


def parse_retry_after(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Seconds to wait as the provider asks: a header (seconds or a date), or Google's RetryInfo.

    Sources: RFC 9110 (10.2.3) for `Retry-After`, OpenAI's SDK for `retry-after-ms`, google.rpc's
    error details for `retryDelay`.
    """
    milliseconds = _parse_seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = _parse_seconds(asked)
    if seconds is None and asked:
        seconds = _parse_date(asked)
    if seconds is None and (found := GOOGLE_DELAY.search(body)):
        seconds = float(found[1])
    return seconds


def _parse_seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _parse_date(text: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
