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
from engine.service.requests import DecideRequest
from engine.service.serving import Serving

MAX_USER_LENGTH = 256
DIGEST_BYTES = 12
HOLDOUT_POLICY = "holdout"


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
        counts, policies = self._counts(serving, prepared, sets, modes)
        seeds = np.array([self._key.seed(Domain.DRAW, one.identity.id.hex()) for one in prepared], dtype=np.int64)
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
        self, serving: Serving, prepared: Sequence[Prepared], sets: Sequence[EligibleSet], modes: Sequence[Mode]
    ) -> tuple[np.ndarray, list[str]]:
        """Quantised probabilities of each row under the policy that its mode calls for, with that policy's label."""
        rows = np.array([one.row for one in prepared])
        mask = np.array([one.mask for one in sets])
        uniform = [policy_of(serving, mode) is serving.uniform for mode in modes]
        live = serving.policy
        if live is None or all(uniform):
            counts = quantise(serving.uniform.probabilities(rows, mask))
        elif not any(uniform):
            counts = quantise(live.probabilities(rows, mask, np.array([one.floor for one in sets])))
        else:
            which = np.array(uniform)
            counts = np.empty(mask.shape, dtype=np.int64)
            counts[which] = quantise(serving.uniform.probabilities(rows[which], mask[which]))
            floor = np.array([one.floor for one, other in zip(sets, uniform, strict=True) if not other])
            counts[~which] = quantise(live.probabilities(rows[~which], mask[~which], floor))
        labels = {
            mode: policy_of(serving, mode).label if mode is not Mode.HOLDOUT else HOLDOUT_POLICY for mode in modes
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
