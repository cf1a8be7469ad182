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
from engine.core.pseudonyms import Pseudonyms
from engine.core.repeated import Repeated
from engine.core.rules.rule import Inquiry
from engine.service.batch_request import BatchRequest
from engine.service.drawn_block import AskedRows, drawn_block, undo, without
from engine.service.frequency import no_room
from engine.service.known_shoppers import KnownShoppers
from engine.service.requests import DecideRequest
from engine.service.restraint import UNRESTRAINED, Drawn, Restraint
from engine.service.serving import Serving

MAX_USER_LENGTH = 256
DIGEST_BYTES = 12
MAX_BODY_BYTES = 16_384
_MODES = tuple(Mode)
_HELD = _MODES.index(Mode.HOLDOUT)


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

    def __init__(self, key: KeyedHash, shoppers: KnownShoppers | None = None) -> None:
        self._key = key
        self._shoppers = shoppers or KnownShoppers()

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
        campaign = serving.campaign
        context = self._shoppers.filled(request.context, campaign.schema, identity.user)
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

    def draw(
        self, serving: Serving, prepared: Sequence[Prepared], restraint: Restraint = UNRESTRAINED
    ) -> tuple[DecisionBlock | None, list[int]]:
        """Draw an arm for each of some requests, from what may still be sent.

        Args:
            serving: What they were prepared with.
            prepared: n ≥ 1 requests.
            restraint: Caps and limits.

        Returns:
            The decisions, None if there are none; and the requests, by number, whose send could not be counted.
        """
        asked = AskedRows(
            users=[one.identity.user for one in prepared],
            ids=[one.identity.id for one in prepared],
            at=[one.at for one in prepared],
            modes=[one.mode for one in prepared],
            sets=[one.eligible for one in prepared],
        )
        rows = np.array([one.row for one in prepared])
        seeds = np.array([self._key.seed(Domain.DRAW, id) for id in asked.ids], dtype=np.int64)
        drawn = self._drawn(serving, asked, rows, seeds, restraint)
        block = drawn_block(
            serving,
            asked,
            drawn,
            seeds,
            [one.context for one in prepared],
            [one.identity.digest for one in prepared],
        )
        return (block, []) if not drawn.refused else without(block, drawn.refused)

    def draw_batch(
        self,
        serving: Serving,
        batch: BatchRequest,
        request_id: str,
        at: datetime,
        restraint: Restraint = UNRESTRAINED,
    ) -> DecisionBlock:
        """Decide for all shoppers of a batch: what `prepare` and `draw` do, column by column.

        Args:
            serving: The campaign as it stands now.
            batch: n ≥ 1 shoppers.
            request_id: Stands for the batch; see `row_ids`.
            at: The moment of deciding.
            restraint: Caps and limits.

        Raises:
            InvalidInput: Naming the field that is wrong.
            ResourceExhausted: If a send could not be counted; then nothing is.
        """
        n, campaign, contexts = len(batch), serving.campaign, batch.contexts
        shortest, longest = min(map(len, batch.users)), max(map(len, batch.users))
        if not 0 < shortest <= longest <= MAX_USER_LENGTH:
            checked_user(min(batch.users, key=len) if not shortest else max(batch.users, key=len))
        users = Pseudonyms(self._key.digests(Domain.USER, list(map(str.encode, batch.users))))
        contexts = self._shoppers.filled_columns(contexts, campaign.schema, users)
        rows = campaign.schema.encode_many(contexts.embeddings, contexts.attributes)
        ids = self.row_ids(campaign.id, request_id, n)
        seeds = self._key.seeds(Domain.DRAW, ids)
        modes = self._modes(serving, users)
        sets = self._sets(serving, batch, at)
        held = modes.which == _HELD
        if held.any():
            sets = Repeated((*sets.values, serving.hold_only), np.where(held, len(sets.values), sets.which))
        asked = AskedRows(users, ids, Repeated.all_of(at, n), modes, sets)
        drawn = self._drawn(serving, asked, rows, seeds, restraint)
        block = drawn_block(serving, asked, drawn, seeds, contexts, Repeated.all_of(batch.digest, n))
        if drawn.refused:
            undo(restraint, without(block, drawn.refused)[0])
            raise no_room()
        return block

    def row_ids(self, campaign: str, request_id: str, count: int) -> list[bytes]:
        """Decision ids of a batch's rows; no single request has one of them.

        The later half names the batch, by the former half of what it is remembered under: so a row is found again
        though it is not remembered by itself.
        """
        batch = self.batch_id(campaign, request_id)[:8]
        return [id[:8] + batch for id in self._key.series(Domain.DECISION_ID, count, campaign, request_id, "row")]

    def batch_id(self, campaign: str, request_id: str) -> bytes:
        """What a batch as a whole is remembered under."""
        return self._key.digest(Domain.DECISION_ID, campaign, request_id, "batch")

    def _modes(self, serving: Serving, users: Pseudonyms) -> Repeated[Mode]:
        shares, campaign = serving.campaign.shares, serving.campaign.id
        live = Mode.LIVE if serving.policy is not None else Mode.FALLBACK
        which = np.full(len(users), _MODES.index(live))
        texts = users.texts() if shares.control or shares.holdout else []
        if shares.control:
            which[self._key.shares(Domain.CONTROL, texts, campaign) < shares.control] = _MODES.index(Mode.CONTROL)
        if shares.holdout:
            which[self._key.shares(Domain.HOLDOUT, texts, campaign, shares.rotation) < shares.holdout] = _HELD
        return Repeated(_MODES, which)

    def _sets(self, serving: Serving, batch: BatchRequest, at: datetime) -> Repeated[EligibleSet]:
        """What the rules leave for each; worked out once where nothing that they look at differs."""
        contexts, zones = batch.contexts, batch.time_zones
        narrowed = (batch.channels, batch.slots, batch.variants)
        if not serving.eligibility.reads_attributes and len(zones) == 1:
            consents = Repeated.of(contexts.consents)
            _, first = np.unique(consents.which, return_index=True)
            found: list[EligibleSet] = [serving.hold_only] * len(consents.values)
            for i in first.tolist():
                found[consents.which[i]] = serving.eligible(Inquiry(contexts[i], at, *narrowed, zones[0]))
            return Repeated(found, consents.which)
        return Repeated.of(
            [
                serving.eligible(Inquiry(contexts[i], at, *narrowed, zones[i] if len(zones) > 1 else zones[0]))
                for i in range(len(batch))
            ]
        )

    def _drawn(
        self, serving: Serving, asked: AskedRows, rows: np.ndarray, seeds: np.ndarray, restraint: Restraint
    ) -> Drawn:
        modes = Repeated.of(asked.modes)

        def draw_some(some: slice | list[int], sets: Repeated[EligibleSet]) -> tuple[np.ndarray, np.ndarray]:
            counts = self._counts(serving, rows[some], sets, modes.taken(some))
            return counts, draw(counts, seeds[some])

        return restraint.drawn(asked, len(serving.catalogue), draw_some, serving.eligible_set)

    def decide(self, serving: Serving, requests: Sequence[DecideRequest], at: Sequence[datetime]) -> DecisionBlock:
        """Identify, prepare and draw, without memory of what was decided before.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        ready = [
            self.prepare(serving, request, self.identify(request), moment)
            for request, moment in zip(requests, at, strict=True)
        ]
        block, _ = self.draw(serving, ready)
        assert block is not None
        return block

    def _counts(
        self, serving: Serving, rows: np.ndarray, sets: Repeated[EligibleSet], modes: Repeated[Mode]
    ) -> np.ndarray:
        """Quantised probabilities of each row under the policy that its mode calls for."""
        mask, floor = _stacked(sets)
        live = serving.policy
        if live is None:
            return quantise(serving.uniform.probabilities(rows, mask))
        uniform = np.array([mode is not Mode.LIVE for mode in modes.values])
        if not uniform.any() or not (uniform := uniform[modes.which]).any():
            return quantise(live.probabilities(rows, mask, floor))
        if uniform.all():
            return quantise(serving.uniform.probabilities(rows, mask))
        counts = np.empty(mask.shape, dtype=np.int64)
        counts[uniform] = quantise(serving.uniform.probabilities(rows[uniform], mask[uniform]))
        counts[~uniform] = quantise(live.probabilities(rows[~uniform], mask[~uniform], floor[~uniform]))
        return counts


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
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    if len(text) > MAX_BODY_BYTES:  # a record holds no more, and the others of its block must not suffer
        raise InvalidInput(
            f"expected attributes, consents and narrowing of at most {MAX_BODY_BYTES} bytes, got {len(text)}",
            field="attributes",
        )
    digest.update(text + request.time_zone.encode())
    return digest.digest()


def _stacked(sets: Repeated[EligibleSet]) -> tuple[np.ndarray, np.ndarray]:
    """Masks and floors, each of shape (n, k); not to be changed."""
    if len(sets.values) == 1:
        return _in_rows(sets.values[0].mask, len(sets)), _in_rows(sets.values[0].floor, len(sets))
    occur = np.flatnonzero(np.bincount(sets.which, minlength=len(sets.values)))
    if len(occur) == 1:
        only = sets.values[occur[0]]
        return _in_rows(only.mask, len(sets)), _in_rows(only.floor, len(sets))
    place = np.empty(len(sets.values), dtype=np.int64)
    place[occur] = np.arange(len(occur))
    some, rows = [sets.values[i] for i in occur.tolist()], place[sets.which]
    return np.array([one.mask for one in some])[rows], np.array([one.floor for one in some])[rows]


def _in_rows(row: np.ndarray, count: int) -> np.ndarray:
    """A row that stands in each of `count` rows, without copying it; `np.broadcast_to` takes ten times as long."""
    return np.ndarray((count, len(row)), row.dtype, np.ascontiguousarray(row), strides=(0, row.itemsize))


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
