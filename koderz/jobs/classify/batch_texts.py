"""The texts that a batch is about: by digest, as the ledger has them, and what became of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from koderz.errors import RequestRejectedError
from koderz.jobs.classify.asking import OnLabels
from koderz.jobs.classify.checks import Labels, build_labels_check
from koderz.jobs.classify.likelihoods import find_certainties
from koderz.jobs.classify.packing import digest_text
from koderz.ledger.submissions import Submission, SubmittedRequest
from koderz.routing.batch_attempts import Judged
from koderz.routing.checks import Accepted, Rejected
from koderz.types import Completion
from koderz.wire.batches import OutcomeKind
from koderz.wire.faults import build_error

LEFT_OUT = "it was left out of the answers"


class Open:
    """Texts without a label, by digest; `texts` holds those that are left."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = name_parts(texts)
        self._reasons: dict[str, str] = {}
        self._refused: set[str] = set()
        self._most: dict[str, int] = {}

    def list_askable(self) -> list[str]:
        """The digests of the texts that are left and may be asked about."""
        return [name for name in self.texts if name not in self._refused]

    def refuse(self, names: Iterable[str], reason: str) -> None:
        """Ask about these no more, for this reason."""
        for name in names:
            if name in self.texts:
                self._refused.add(name)
                self._reasons[name] = reason

    def group(self, names: Iterable[str]) -> Mapping[int, Sequence[str]]:
        """The texts of these digests by how many may stand in one prompt (0: as many as fit)."""
        groups: dict[int, list[str]] = defaultdict(list)
        for name in names:
            groups[self._most.get(name, 0)].append(self.texts[name])
        return groups

    def take(self, judged: Judged, on_labels: OnLabels) -> bool:
        """Give the labels of a request to those that wait for them; whether it was accepted."""
        codes = split_parts(judged.request)
        if not isinstance(judged.verdict, Accepted):
            self._note(judged, codes.values())
            return False
        answer = cast("Completion", judged.outcome.completion)
        given = cast("Labels", judged.verdict.value)
        certain = find_certainties(answer, given)
        labels, certainties = dict[str, str](), dict[str, float]()
        for code, name in codes.items():
            if name not in self.texts:
                continue
            if code not in given:
                self._reasons[name] = LEFT_OUT
                continue
            text = self.texts.pop(name)
            labels[text] = given[code]
            if code in certain:
                certainties[text] = certain[code]
        if labels:
            on_labels(labels, judged.attempt, certainties)
        return True

    def list_failures(self) -> tuple[tuple[str, int], ...]:
        """Why texts are left, and how many of them for each reason."""
        counts = Counter(self._reasons.get(name, LEFT_OUT) for name in self.texts)
        return tuple(counts.most_common())

    def _note(self, judged: Judged, names: Collection[str]) -> None:
        outcome = judged.outcome
        is_refused = outcome.kind is OutcomeKind.ERRORED and isinstance(
            build_error(outcome.error), RequestRejectedError
        )
        for name in names:
            self._reasons[name] = judged.attempt.reason
            if is_refused:
                self._most[name] = max(1, len(names) // 2)


def name_parts(texts: Iterable[str]) -> dict[str, str]:
    """The texts by their digests."""
    return {digest_text(text): text for text in texts}


def split_parts(request: SubmittedRequest) -> dict[str, str]:
    """What a request is about: digests of texts by the codes that they had in the prompt."""
    return dict(cast("tuple[str, str]", part.split(":", 1)) for part in request.parts)


def list_digests(submission: Submission) -> list[str]:
    """The digests of all texts that a submission is about."""
    return [name for request in submission.requests for name in split_parts(request).values()]


def judge_request(
    request: SubmittedRequest, answer: Completion, labels: Collection[str]
) -> Accepted[object] | Rejected:
    """The check that a call's answer would be held to."""
    verdict = build_labels_check(split_parts(request).keys(), labels)(answer)
    return verdict if isinstance(verdict, Rejected) else Accepted(verdict.value)
