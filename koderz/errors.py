"""Every error that Koderz raises.

    KoderzError                          catch this to catch them all
    ├─ ConfigError                       a setting is wrong: file, key, reason
    │  ├─ MissingAPIKeyError             also a ValueError: provider, env_var
    │  └─ UnknownModelError              also a ValueError: name, matches
    ├─ ProviderError                     a model did not answer: only the router catches it
    │  ├─ ConnectionFailedError          retryable
    │  ├─ ProviderTimeoutError           retryable
    │  ├─ RateLimitError                 retryable, with retry_after_s where the provider said
    │  │  └─ QuotaExceededError          not retryable: the account's quota or balance is used up
    │  ├─ ServerError                    retryable
    │  ├─ AuthenticationError            the key was refused
    │  ├─ RequestRejectedError           the provider refuses this request
    │  │  ├─ ContextLengthError          the prompt does not fit: the next model with room may do it
    │  │  └─ ContentFilterError          the provider refuses this content
    │  ├─ ModelNotFoundError             the provider has no such model
    │  ├─ ModelLoadError                 a model on this machine cannot be loaded
    │  ├─ MalformedResponseError         an answer that is none, or a stream that ends early
    │  ├─ SubmissionDoubtError           a batch may or may not have been taken
    │  ├─ AnswerLostError                the machine that asked was lost before it had the answer
    │  └─ BreakerOpenError               not asked: it failed too often just now
    ├─ RoutingError                      catch this around work you ask a router for
    │  ├─ BudgetExceededError            spent_usd, limit_usd
    │  └─ AllRoutesFailedError           attempts, reasons
    ├─ BatchPendingError                 a provider still works on a batch: ask again later
    ├─ JobError                          bad input to a job, with what was paid so far
    │  └─ FetchError                     a page could not be had from its server: url, status
    ├─ SandboxUnavailableError           untrusted code cannot be run safely here
    ├─ ClusterError                      the machines that were to do the work are lost
    └─ StoreError                        the ledger or another store cannot be read or written

A message is one line for a person: what is wrong and what to do next. None contains a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar


class KoderzError(Exception):
    """Base of every error raised here; `exit_code` is what the command line ends with.

    `attempts` are those made for the question that it ended, where it ended one.
    """

    exit_code: ClassVar[int] = 1
    attempts: tuple[object, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # An error goes from process to process as it is; its class may take other arguments.
        return _restore, (type(self), self.args, self.__dict__)


class ConfigError(KoderzError):
    """A setting is wrong: `file` (or variable), `key` and `reason` say which and why."""

    exit_code = 2

    def __init__(self, reason: str, *, file: str = "", key: str = "") -> None:
        self.reason, self.file, self.key = reason, file, key
        super().__init__(": ".join(part for part in (file, key, reason) if part))


class MissingAPIKeyError(ConfigError, ValueError):
    """`provider` needs a key and the variable `env_var` is not set."""

    def __init__(self, provider: str, env_var: str) -> None:
        self.provider, self.env_var = provider, env_var
        super().__init__(f"no API key for {provider}: set {env_var} in the environment or in .env")


class UnknownModelError(ConfigError, ValueError):
    """No provider is known for the model `name`; `matches` are known names close to it."""

    def __init__(self, name: str, matches: Sequence[str] = ()) -> None:
        self.name, self.matches = name, tuple(matches)
        hint = (
            f"did you mean {', '.join(matches)}?"
            if matches
            else "`koderz models` lists those known"
        )
        super().__init__(f"unknown model {name!r}: {hint} (or name its provider: openai/{name})")


class ProviderError(KoderzError):
    """A provider did not give a usable answer.

    `status` is the HTTP status (None where there was no answer), `request_id` the provider's name
    for the call, `retry_after_s` the wait in seconds that it asked for, `tries` how often it was
    asked before the error was raised, `is_simulated` whether the simulator stood in for it.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.message, self.provider, self.model = message, provider, model
        self.status, self.request_id, self.retry_after_s = status, request_id, retry_after_s
        self.tries, self.is_simulated = 1, False
        super().__init__(message)

    def __str__(self) -> str:
        where = "/".join(part for part in (self.provider, self.model) if part)
        code = f" (HTTP {self.status})" if self.status else ""
        return f"{where}{': ' if where else ''}{self.message}{code}"


class ConnectionFailedError(ProviderError):
    """No connection could be made, or it broke before an answer began."""

    retryable = True


class ProviderTimeoutError(ProviderError):
    """The provider did not answer in time."""

    retryable = True


class RateLimitError(ProviderError):
    """Too many requests (429)."""

    retryable = True


class QuotaExceededError(RateLimitError):
    """The account's quota or balance is used up (402, or a 429 that says so)."""

    retryable = False


class ServerError(ProviderError):
    """The provider failed (5xx, or overloaded)."""

    retryable = True


class AuthenticationError(ProviderError):
    """The key was refused (401, 403)."""

    exit_code = 2


class RequestRejectedError(ProviderError):
    """The provider refuses the request as it is (400, 413, 422)."""


class ContextLengthError(RequestRejectedError):
    """The prompt is longer than the model's context."""


class ContentFilterError(RequestRejectedError):
    """The provider refuses the content."""


class ModelNotFoundError(ProviderError):
    """The provider has no such model, or it is not installed (404)."""


class ModelLoadError(ProviderError):
    """A model on this machine cannot be loaded: its file is damaged, or there is no room for it."""


class MalformedResponseError(ProviderError):
    """The answer is not in the provider's format, or a stream ended before its end."""


class AnswerLostError(ProviderError):
    """The machine that asked was lost before it had the answer, which may have been billed."""


class SubmissionDoubtError(ProviderError):
    """Whether the provider took a batch is not known: it failed, fell silent or broke off."""


class BreakerOpenError(ProviderError):
    """The model failed several times in a row and is left alone for a while: it was not asked."""


class RoutingError(KoderzError):
    """No model gave an accepted answer."""


class BudgetExceededError(RoutingError):
    """The call was not made because it could pass a limit (USD) of the `scope` it belongs to.

    `spent_usd` is what is spent or reserved; `advice` says what to do, where it is not to raise
    the scope's setting.
    """

    def __init__(
        self, scope: str, *, spent_usd: Decimal, limit_usd: Decimal, advice: str = ""
    ) -> None:
        self.scope, self.spent_usd, self.limit_usd = scope, spent_usd, limit_usd
        super().__init__(
            f"the {scope} budget of ${limit_usd:f} does not cover the next call "
            f"(${spent_usd:f} spent or reserved): "
            + (advice or f"raise [koderz.budget] {scope}_usd")
        )


class AllRoutesFailedError(RoutingError):
    """Every model of the route failed or was rejected: `reasons`, one a model tried."""

    def __init__(self, reasons: Sequence[str], *, attempts: Sequence[object] = ()) -> None:
        self.reasons, self.attempts = tuple(reasons), tuple(attempts)
        super().__init__(
            "no model gave an accepted answer: " + ("; ".join(reasons) or "none is reachable")
        )


class JobError(KoderzError):
    """A job cannot be done with this input; `paid_usd` is what was already spent on it."""

    exit_code = 2

    def __init__(self, message: str, *, paid_usd: Decimal = Decimal(0)) -> None:
        self.paid_usd = paid_usd
        super().__init__(message)


class FetchError(JobError):
    """A page could not be had: `url` without its secrets, `status` as its server said (or None)."""

    exit_code = 1

    def __init__(self, message: str, *, url: str = "", status: int | None = None) -> None:
        self.url, self.status = url, status
        super().__init__(message)


class BatchPendingError(KoderzError):
    """A batch of requests was submitted and is not done: the same work, asked again, goes on.

    `batch_ids` are the provider's names for what is under way.
    """

    def __init__(self, message: str, *, batch_ids: Sequence[str] = ()) -> None:
        self.batch_ids = tuple(batch_ids)
        super().__init__(message)


class SandboxUnavailableError(KoderzError):
    """This machine cannot isolate untrusted code; the message says what to install or set."""

    exit_code = 2


class ClusterError(KoderzError):
    """The machines that were to do the work are lost; the message says which and what to do."""


class StoreError(KoderzError):
    """A store could not be read or written; the message says where and what to do."""


def _restore(
    kind: type[KoderzError], arguments: tuple[object, ...], state: dict[str, object]
) -> KoderzError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error
