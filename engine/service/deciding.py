"""From a request to a decision: eligibility, policy, floor, exact draw. Nothing is written here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import orjson

from engine.core.campaign import Shares
from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.drawing import draw, quantise
from engine.core.eligible_set import EligibleSet
from engine.core.errors import InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.core.policy import Policy
from engine.core.rules.rule import Inquiry
from engine.service.batch_request import BatchRequest
from engine.service.requests import DecideRequest
from engine.service.serving import Serving

MAX_USER_LENGTH = 256
DIGEST_BYTES = 12
HOLDOUT_POLICY = "holdout"
_PART_CELLS = 1 << 14


class Identity(NamedTuple):
    """Whose request it is, and which.

    Attributes:
        id: The decision's 16 bytes: a keyed hash of (campaign, request id), so that a retry that reaches another worker
            finds the same decision.
        digest: Of the request's body.
        user: The shopper's pseudonym, 32 hexadecimal digits.
    """

    id: bytes
    digest: bytes
    user: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A request that is known to be right, ready to be drawn with others.

    Attributes:
        identity: Whose request it is, and which.
        at: The moment of deciding.
        context: What is known of the shopper.
        row: Shape (d,), the shopper as the schema encodes them.
        mode: Which share of users the shopper belongs to.
        eligible: What the rules leave.
    """

    identity: Identity
    at: datetime
    context: Context
    row: np.ndarray
    mode: Mode
    eligible: EligibleSet


class Deciding:
    """Makes decisions; the same request, serving and key give the same decision, alone or in a batch."""

    def __init__(self, key: KeyedHash) -> None:
        self._key = key

    def decision_id(self, campaign: str, request_id: str) -> bytes:
        """Keyed hash of (campaign, request id): a retry that reaches another worker finds the same decision."""
        return self._key.digest(Domain.DECISION_ID, campaign, request_id)

    def identify(self, request: DecideRequest) -> Identity:
        """Whose request it is, and which; the request id must be there.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        user = self.pseudonym(request.user)
        checked_request_id(request.request_id)
        return Identity(self.decision_id(request.campaign, request.request_id), body_digest(request, user), user)

    def pseudonym(self, user: str) -> str:
        """What stands for a shopper in journal, counters and shares: a keyed hash, 32 hexadecimal digits.

        Raises:
            InvalidInput: If the id is empty or endless.
        """
        checked_user(user)
        return self._key.digest(Domain.USER, user).hex()

    def mode(self, campaign: str, shares: Shares, pseudonym: str) -> Mode:
        """Which share of users this one belongs to; independent of every draw."""
        if shares.holdout and self._key.share(Domain.HOLDOUT, campaign, shares.rotation, pseudonym) < shares.holdout:
            return Mode.HOLDOUT
        if shares.control and self._key.share(Domain.CONTROL, campaign, pseudonym) < shares.control:
            return Mode.CONTROL
        return Mode.LIVE

    def prepare(self, serving: Serving, request: DecideRequest, identity: Identity, at: datetime) -> Prepared:
        """Check a request and apply the rules.

        Args:
            serving: The campaign as it stands now.
            request: What was asked.
            identity: From `identify`; the draw depends on its decision id.
            at: The moment of deciding; aware UTC.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        campaign, context = serving.campaign, request.context
        row = campaign.schema.encode(context.embedding, context.attributes)
        mode = self.mode(campaign.id, campaign.shares, identity.user)
        eligible = serving.eligible(
            Inquiry(context, at, request.channels, request.slots, request.variants, request.time_zone)
        )
        if mode is Mode.HOLDOUT:
            eligible = serving.hold_only
        elif mode is Mode.LIVE and serving.policy is None:
            mode = Mode.FALLBACK
        return Prepared(identity, at, context, row, mode, eligible)

    def draw(self, serving: Serving, prepared: Sequence[Prepared]) -> DecisionBlock:
        """Draw an arm for each of some requests.

        Args:
            serving: What they were prepared with.
            prepared: n ≥ 1 requests.

        Returns:
            n decisions.
        """
        sets = [one.eligible for one in prepared]
        modes = [one.mode for one in prepared]
        counts, policies = self._counts(serving, np.array([one.row for one in prepared]), sets, modes)
        seeds = np.array([self._key.seed(Domain.DRAW, one.identity.id) for one in prepared], dtype=np.int64)
        columns = draw(counts, seeds)
        return DecisionBlock(
            campaign=serving.campaign.id,
            catalogue=serving.catalogue,
            snapshot=serving.snapshot,
            ids=[one.identity.id for one in prepared],
            users=[one.identity.user for one in prepared],
            at=[one.at for one in prepared],
            contexts=[one.context for one in prepared],
            digests=[one.identity.digest for one in prepared],
            modes=modes,
            policies=policies,
            sets=sets,
            counts=counts,
            columns=columns,
            chosen=counts[np.arange(len(counts)), columns],
            seeds=seeds,
        )

    def draw_batch(self, serving: Serving, batch: BatchRequest, request_id: str, at: datetime) -> DecisionBlock:
        """Decide for all shoppers of a batch: what `prepare` and `draw` do, column by column.

        Args:
            serving: The campaign as it stands now.
            batch: n ≥ 1 shoppers.
            request_id: Stands for the batch; row i is decided under the id `request_id/i`.
            at: The moment of deciding.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        n, campaign, contexts = len(batch), serving.campaign, batch.contexts
        shortest, longest = min(map(len, batch.users)), max(map(len, batch.users))
        if not 0 < shortest <= longest <= MAX_USER_LENGTH:
            checked_user(min(batch.users, key=len) if not shortest else max(batch.users, key=len))
        rows = campaign.schema.encode_many(contexts.embeddings, contexts.attributes)
        users = [found.hex() for found in self._key.digests(Domain.USER, [user.encode() for user in batch.users])]
        names = [f"{request_id}/{i}".encode() for i in range(n)]
        ids = self._key.digests(Domain.DECISION_ID, names, campaign.id)
        seeds = self._key.seeds(Domain.DRAW, ids)
        modes = self._modes(serving, [user.encode() for user in users])
        sets = self._sets(serving, batch, at)
        if Mode.HOLDOUT in modes:
            sets = [serving.hold_only if mode is Mode.HOLDOUT else one for mode, one in zip(modes, sets, strict=True)]
        counts, policies, columns = self._counts_in_parts(serving, rows, sets, modes, seeds)
        return DecisionBlock(
            campaign=campaign.id,
            catalogue=serving.catalogue,
            snapshot=serving.snapshot,
            ids=ids,
            users=users,
            at=[at] * n,
            contexts=contexts,
            digests=[batch.digest] * n,
            modes=modes,
            policies=policies,
            sets=sets,
            counts=counts,
            columns=columns,
            chosen=counts[np.arange(n), columns],
            seeds=seeds,
        )

    def batch_id(self, campaign: str, request_id: str) -> bytes:
        """What a batch as a whole is remembered under."""
        return self._key.digest(Domain.DECISION_ID, campaign, request_id, "batch")

    def _modes(self, serving: Serving, users: Sequence[bytes]) -> list[Mode]:
        shares, campaign = serving.campaign.shares, serving.campaign.id
        live = Mode.LIVE if serving.policy is not None else Mode.FALLBACK
        modes = [live] * len(users)
        if shares.control:
            for i in np.flatnonzero(self._key.shares(Domain.CONTROL, users, campaign) < shares.control).tolist():
                modes[i] = Mode.CONTROL
        if shares.holdout:
            held = self._key.shares(Domain.HOLDOUT, users, campaign, shares.rotation) < shares.holdout
            for i in np.flatnonzero(held).tolist():
                modes[i] = Mode.HOLDOUT
        return modes

    def _sets(self, serving: Serving, batch: BatchRequest, at: datetime) -> list[EligibleSet]:
        """What the rules leave for each; worked out once where nothing that they look at differs."""
        contexts, zones = batch.contexts, batch.time_zones
        narrowed = (batch.channels, batch.slots, batch.variants)
        if not serving.eligibility.reads_attributes and len(zones) == 1:
            found: dict[object, EligibleSet] = {}
            for i, consents in enumerate(contexts.consents):
                if consents not in found:
                    found[consents] = serving.eligible(Inquiry(contexts[i], at, *narrowed, zones[0]))
            return [found[consents] for consents in contexts.consents]
        return [
            serving.eligible(Inquiry(contexts[i], at, *narrowed, zones[i] if len(zones) > 1 else zones[0]))
            for i in range(len(batch))
        ]

    def _counts_in_parts(
        self,
        serving: Serving,
        rows: np.ndarray,
        sets: Sequence[EligibleSet],
        modes: Sequence[Mode],
        seeds: np.ndarray,
    ) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Counts, labels and chosen columns; in parts that stay in the processor's cache."""
        counts = np.empty((len(rows), len(serving.catalogue)), dtype=np.int64)
        labels: list[str] = []
        columns = np.empty(len(rows), dtype=np.int64)
        part = max(1, _PART_CELLS // len(serving.catalogue))
        for start in range(0, len(rows), part):
            some = slice(start, start + part)
            counts[some], said = self._counts(serving, rows[some], sets[some], modes[some])
            columns[some] = draw(counts[some], seeds[some])
            labels += said
        return counts, labels, columns

    def decide(self, serving: Serving, requests: Sequence[DecideRequest], at: Sequence[datetime]) -> DecisionBlock:
        """Identify, prepare and draw, without memory of what was decided before.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        return self.draw(
            serving,
            [
                self.prepare(serving, request, self.identify(request), moment)
                for request, moment in zip(requests, at, strict=True)
            ],
        )

    def _counts(
        self, serving: Serving, rows: np.ndarray, sets: Sequence[EligibleSet], modes: Sequence[Mode]
    ) -> tuple[np.ndarray, list[str]]:
        """Quantised probabilities of each row under the policy that its mode calls for, with that policy's label."""
        mask, floor = _stacked(sets)
        uniform = [policy_of(serving, mode) is serving.uniform for mode in modes]
        live = serving.policy
        if live is None or all(uniform):
            counts = quantise(serving.uniform.probabilities(rows, mask))
        elif not any(uniform):
            counts = quantise(live.probabilities(rows, mask, floor))
        else:
            which = np.array(uniform)
            counts = np.empty(mask.shape, dtype=np.int64)
            counts[which] = quantise(serving.uniform.probabilities(rows[which], mask[which]))
            counts[~which] = quantise(live.probabilities(rows[~which], mask[~which], floor[~which]))
        labels = {
            mode: policy_of(serving, mode).label if mode is not Mode.HOLDOUT else HOLDOUT_POLICY for mode in set(modes)
        }
        return counts, [labels[mode] for mode in modes]


def body_digest(request: DecideRequest, pseudonym: str) -> bytes:
    """What tells two bodies under one request id apart; the time is not part of it.

    It stands in the journal beside the context: the shopper goes in by pseudonym, or guesses could be checked
    against it.
    """
    context = request.context
    parts = (
        pseudonym,
        context.attributes,
        sorted(context.consents) if context.consents is not None else None,
        request.channels,
        request.slots,
        request.variants,
    )
    digest = hashlib.blake2b(context.embedding.tobytes(), digest_size=DIGEST_BYTES)
    digest.update(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS) + request.time_zone.encode())
    return digest.digest()


def _stacked(sets: Sequence[EligibleSet]) -> tuple[np.ndarray, np.ndarray]:
    """Masks and floors, each of shape (n, k)."""
    different = {id(one): one for one in sets}
    masks = np.array([one.mask for one in different.values()])
    floors = np.array([one.floor for one in different.values()])
    if len(sets) == 1:
        return masks, floors
    number = {key: i for i, key in enumerate(different)}
    rows = np.array([number[id(one)] for one in sets])
    return masks[rows], floors[rows]


def policy_of(serving: Serving, mode: Mode) -> Policy:
    """The policy that a mode draws from."""
    return serving.policy if mode is Mode.LIVE and serving.policy is not None else serving.uniform


def checked_user(user: str) -> None:
    """Refuse an empty or endless user id.

    Raises:
        InvalidInput: Naming the field `user`.
    """
    if not 0 < len(user) <= MAX_USER_LENGTH:
        raise InvalidInput(f"expected 1 to {MAX_USER_LENGTH} characters, got {len(user)}", field="user")


def checked_request_id(request_id: str) -> None:
    """Refuse an endless request id; an empty one asks the server to make one.

    Raises:
        InvalidInput: Naming the field `request_id`.
    """
    if len(request_id) > MAX_USER_LENGTH:
        raise InvalidInput(f"expected up to {MAX_USER_LENGTH} characters, got {len(request_id)}", field="request_id")
