"""Fetching a model's file from the hub: with progress, resumed where it broke off, and checked.

huggingface_hub speaks to the hub; what it leaves out is done here: what is there of a file is kept
when a fetch breaks off, and the whole is held against the checksum that the hub states before it
gets its name, so that a file that is there is whole.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from koderz.config.settings import Settings
from koderz.errors import (
    AuthenticationError,
    ConfigError,
    ConnectionFailedError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ServerError,
)
from koderz.models.local_models import STAGING, check_installed, get_hub_path, get_models_folder
from koderz.models.local_names import EMBEDDED, SUFFIX, HubFile, list_parts

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

OnProgress = Callable[[str, int, int], None]
"""Told of what is being fetched, the bytes that are here, and the bytes that there are."""

LIBRARY = "koderz"
SHA256_DIGITS = 64
ROOM_TO_SPARE = 1.02
_CHUNK_BYTES = 1 << 20


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """Where files are fetched from, and the token that opens what is not for everybody."""

    endpoint: str = ""
    token: str = ""
    is_offline: bool = False


def get_hub(environ: Mapping[str, str]) -> Hub:
    """The hub that the usual variables name: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE."""
    return Hub(
        endpoint=environ.get("HF_ENDPOINT", "").strip().rstrip("/"),
        token=environ.get("HF_TOKEN", "").strip(),
        is_offline=environ.get("HF_HUB_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"},
    )


def fetch_hub_model(
    hub_file: HubFile, settings: Settings, hub: Hub, on_progress: OnProgress | None = None
) -> Path:
    """The path of a hub's file, fetched if it is not here; blocks until it is whole.

    All parts of a model that comes in several are fetched. What `on_progress` raises ends it, and
    the next call goes on from there. Raises a ProviderError that says where the file may be put
    by hand, or ConfigError where it cannot be kept.
    """
    if not hub_file.file.lower().endswith(SUFFIX):
        raise ConfigError(f"{hub_file} is not a file of a model: name one that ends in {SUFFIX}")
    check_installed()
    for file in list_parts(hub_file.file.rpartition("/")[2]):
        folder = hub_file.file.rpartition("/")[0]
        part = HubFile(repo=hub_file.repo, file=f"{folder}/{file}" if folder else file)
        path = get_hub_path(part, settings)
        if not path.is_file():
            _fetch_file(part, path, get_models_folder(settings) / STAGING, hub, on_progress)
    return get_hub_path(hub_file, settings)


def _fetch_file(
    hub_file: HubFile, path: Path, staging: Path, hub: Hub, on_progress: OnProgress | None
) -> None:
    """Fetch into `staging`, check, and only then give the file its place."""
    with _naming_faults(hub_file, path):
        if hub.is_offline:
            raise ConnectionFailedError("HF_HUB_OFFLINE is set, so nothing is fetched")
        stated = _fetch_metadata(hub_file, hub)
        part = staging / hub_file.repo / f"{hub_file.file}.{stated.etag}.part"
        for folder in (part.parent, path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with _locked(part):
            if path.is_file():  # Another process was quicker.
                return
            _check_room(path, (stated.size or 0) - (part.stat().st_size if part.exists() else 0))
            _download(hub_file, part, stated, hub, on_progress)
            if stated.etag and not _has_checksum(part, stated.etag):
                part.unlink()
                raise MalformedResponseError(
                    f"the checksum of {hub_file.file} is not the hub's: it was thrown away"
                )
            part.replace(path)


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """One process at a time goes on with a file; the others wait until it is done."""
    from filelock import FileLock

    with FileLock(part.with_suffix(".lock")):
        yield


def _fetch_metadata(hub_file: HubFile, hub: Hub) -> HfFileMetadata:
    import huggingface_hub

    # What goes wrong is raised, and a broken connection resumed: neither is to be logged as well.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    endpoint = hub.endpoint or None
    url = huggingface_hub.hf_hub_url(hub_file.repo, hub_file.file, endpoint=endpoint)
    return huggingface_hub.get_hf_file_metadata(
        url, token=hub.token or None, library_name=LIBRARY, endpoint=endpoint
    )


def _download(
    hub_file: HubFile, part: Path, stated: HfFileMetadata, hub: Hub, on_progress: OnProgress | None
) -> None:
    """Get what is missing of the file; hub and library know how to go on at a byte."""
    import huggingface_hub
    from huggingface_hub.file_download import http_get

    # Documented there, and missing in the library's `__all__`.
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # as said.

    class Bar(ProgressBar):
        """Tells of this file alone."""

        title, tell = hub_file.file, staticmethod(on_progress or _ignore)

    url = huggingface_hub.hf_hub_url(
        hub_file.repo, hub_file.file, endpoint=hub.endpoint or None, revision=stated.commit_hash
    )
    with part.open("ab") as file:
        http_get(
            url,
            file,
            resume_size=file.tell(),
            headers=build_hf_headers(token=hub.token or None, library_name=LIBRARY),
            expected_size=stated.size,
            tqdm_class=Bar,
        )


class ProgressBar:
    """What the hub's library draws a bar with, and which only passes the numbers on."""

    title = ""
    tell: OnProgress

    def __init__(self, *_: object, total: float | None = None, initial: float = 0, **__: Any):
        self.n, self.total = int(initial), total

    def update(self, count: float | None = 1) -> None:
        """So many bytes more are here."""
        self.n += int(count or 0)
        self.tell(self.title, self.n, int(self.total or 0))

    def reset(self, total: float | None = None) -> None:
        """Begin again."""
        self.n, self.total = 0, total

    def refresh(self, *_: object, **__: object) -> None:
        """Nothing is drawn here."""

    set_description = set_description_str = set_postfix_str = close = refresh

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


def _ignore(what: str, done: int, total: int) -> None:
    del what, done, total


def _check_room(path: Path, size_bytes: int) -> None:
    free_bytes = shutil.disk_usage(path.parent).free
    if size_bytes * ROOM_TO_SPARE > free_bytes:
        raise ConfigError(
            f"{path.name} has {size_bytes / 1e9:.1f} GB and {free_bytes / 1e9:.1f} GB are free: "
            "make room, or set [koderz.local] folder to another disk",
            file=str(path.parent),
        )


def _has_checksum(path: Path, etag: str) -> bool:
    """Whether the file is what the hub says: SHA-256 of a large one, git's hash of a small one."""
    if len(etag) == SHA256_DIGITS:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == etag.lower()


@contextmanager
def _naming_faults(hub_file: HubFile, path: Path) -> Iterator[None]:
    """Raise what breaks as an error of ours that says what to do."""
    import httpx2
    from huggingface_hub import errors

    by_hand = f"put the file at {path} yourself, or try again with the hub in reach"
    try:
        yield
    except ProviderError as error:
        raise _complete(error, f"{error.message}: {by_hand}", hub_file) from None
    except errors.GatedRepoError:
        advice = "accept its terms on the hub and set HF_TOKEN"
        raise _complete(AuthenticationError(advice), "", hub_file) from None
    except errors.RepositoryNotFoundError:
        advice = "the hub has no such repository, or it wants a token (HF_TOKEN)"
        raise _complete(ModelNotFoundError(advice), "", hub_file) from None
    except (errors.RemoteEntryNotFoundError, errors.RevisionNotFoundError):
        said = f"the hub's {hub_file.repo} has no file {hub_file.file}"
        raise _complete(ModelNotFoundError(said), "", hub_file) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        said = f"the hub failed: {by_hand}"
        raise _complete(ServerError(said, status=status), "", hub_file) from None
    except (httpx2.HTTPError, errors.LocalEntryNotFoundError, errors.FileMetadataError) as error:
        said = f"the hub cannot be reached ({type(error).__name__}): {by_hand}"
        raise _complete(ConnectionFailedError(said), "", hub_file) from None
    except ValueError as error:  # A name that none can have, or a file too large for this way.
        raise ConfigError(str(error).splitlines()[0], key=str(hub_file)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"the model cannot be kept: {reason}", file=str(path)) from None


def _complete(error: ProviderError, message: str, hub_file: HubFile) -> ProviderError:
    error.provider, error.model = EMBEDDED, str(hub_file)
    error.message = message or error.message
    return error
