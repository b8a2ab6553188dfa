"""Several Ollama servers behind one name: who has the model, who answers, who is least busy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from koderz.errors import ConnectionFailedError


class OllamaHost:
    """One server: how many of our calls it has, and what it is known to have installed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls = 0
        self.is_down = False
        self.models: Mapping[str, int] | None = None

    def has_model(self, name: str) -> bool:
        """Whether the model is there, as far as is known."""
        return self.models is None or add_tag(name) in self.models

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a call while it lasts; a host that cannot be reached is avoided until it can."""
        self.calls += 1
        try:
            yield
        except ConnectionFailedError:
            self.is_down = True
            raise
        else:
            self.is_down = False
        finally:
            self.calls -= 1


class OllamaHosts:
    """The servers that were named, the one to prefer first."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.hosts = tuple(OllamaHost(url) for url in urls)

    def choose(self, model: str) -> OllamaHost:
        """The least busy host that has the model and was reached last time; in doubt the first."""
        having = [host for host in self.hosts if host.has_model(model)]
        return min(having or self.hosts, key=lambda host: (host.is_down, host.calls))


def add_tag(name: str) -> str:
    """A name as the server lists it: without a tag it is the latest."""
    return name if ":" in name else f"{name}:latest"
