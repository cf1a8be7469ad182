"""From a request to a decision: eligibility, policy, floor, exact draw. Nothing is written here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import orjson

from engine.core.campaign import Shares
from engine.core.decision import KEPT_PROBABILITIES, Decision, Mode
from engine.core.drawing import SCALE, draw, quantise
from engine.core.errors import InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.core.policy import Policy
from engine.core.rules.rule import Inquiry
from engine.service.requests import DecideRequest
from engine.service.serving import EligibleSet, Serving

MAX_USER_LENGTH = 256


class Deciding:
    """Makes decisions; the same request, serving and key give the same decision, alone or in a batch."""

    def __init__(self, key: KeyedHash) -> None:
        self._key = key

    def decision_id(self, campaign: str, request_id: str) -> str:
        """Keyed hash of (campaign, request id): a retry that reaches another worker finds the same decision."""
        return self._key.digest(Domain.DECISION_ID, campaign, request_id).hex()

    def mode(self, campaign: str, shares: Shares, user: str) -> Mode:
        """Which share of users this one belongs to; independent of every draw."""
        if shares.holdout and self._key.share(Domain.HOLDOUT, campaign, shares.rotation, user) < shares.holdout:
            return Mode.HOLDOUT
        if shares.control and self._key.share(Domain.CONTROL, campaign, user) < shares.control:
            return Mode.CONTROL
        return Mode.LIVE

    def decide(
        self, serving: Serving, requests: Sequence[DecideRequest], ids: Sequence[str], at: Sequence[datetime]
    ) -> list[Decision]:
        """Decide for several shoppers of one campaign.

        Args:
            serving: The campaign as it stands now.
            requests: n requests.
            ids: n decision ids; the draws depend on them.
            at: n times, aware UTC.

        Returns:
            n decisions.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        rows = np.empty((len(requests), len(serving.campaign.schema.user_columns)), dtype=np.float32)
        sets: list[EligibleSet] = []
        modes: list[Mode] = []
        mask = np.empty((len(requests), len(serving.catalogue)), dtype=bool)
        for i, (request, moment) in enumerate(zip(requests, at, strict=True)):
            checked_user(request.user)
            checked_request_id(request.request_id)
            rows[i] = serving.campaign.schema.encode(request.context.embedding, request.context.attributes)
            mode = self.mode(request.campaign, serving.campaign.shares, request.user)
            eligible = serving.eligibility.of(
                Inquiry(request.context, moment, request.channels, request.slots, request.variants, request.time_zone)
            )
            held_out = mode is Mode.HOLDOUT
            mask[i] = serving.hold_mask if held_out else eligible.mask
            sets.append(serving.hold_only if held_out else serving.eligible_set(eligible))
            modes.append(mode if serving.policy is not None or mode is not Mode.LIVE else Mode.FALLBACK)
        counts, labels = self._counts(serving, rows, mask, modes)
        seeds = [self._key.seed(Domain.DRAW, decision_id) for decision_id in ids]
        chosen = draw(counts, np.array(seeds, dtype=np.int64))
        return [
            _record(serving, request, ids[i], at[i], sets[i], counts[i], int(chosen[i]), seeds[i], modes[i], labels[i])
            for i, request in enumerate(requests)
        ]

    def _counts(
        self, serving: Serving, rows: np.ndarray, mask: np.ndarray, modes: Sequence[Mode]
    ) -> tuple[np.ndarray, list[str]]:
        """Quantised probabilities of each row under the policy that its mode calls for, with that policy's label."""
        policies = [policy_of(serving, mode) for mode in modes]
        labels = [policy.label for policy in policies]
        if len(set(labels)) == 1:
            return quantise(policies[0].probabilities(rows, mask)), labels
        counts = np.empty(mask.shape, dtype=np.int64)
        for policy in {policy.label: policy for policy in policies}.values():
            which = np.array([label == policy.label for label in labels])
            counts[which] = quantise(policy.probabilities(rows[which], mask[which]))
        return counts, labels

    def body_digest(self, request: DecideRequest) -> str:
        """What tells two bodies under one request id apart; the time is not part of it."""
        context = request.context
        parts = (
            request.user,
            dict(context.attributes),
            sorted(context.consents) if context.consents is not None else None,
            request.channels,
            request.slots,
            request.variants,
        )
        digest = hashlib.blake2b(context.embedding.tobytes(), digest_size=12)
        digest.update(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS) + request.time_zone.encode())
        return digest.hexdigest()


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


def _record(
    serving: Serving,
    request: DecideRequest,
    decision_id: str,
    at: datetime,
    eligible: EligibleSet,
    counts: np.ndarray,
    chosen: int,
    seed: int,
    mode: Mode,
    label: str,
) -> Decision:
    kept = counts[eligible.columns].astype(np.uint32) if len(eligible.ids) <= KEPT_PROBABILITIES else None
    return Decision(
        id=decision_id,
        campaign=request.campaign,
        user=request.user,
        decided_at=at,
        arm=serving.catalogue.ids[chosen],
        eligible=eligible.ids,
        counts=kept,
        chosen_count=int(counts[chosen]) if len(eligible.ids) > 1 else SCALE,
        seed=seed,
        context=request.context,
        mode=mode,
        catalogue=serving.catalogue.digest,
        snapshot=serving.snapshot if mode is Mode.LIVE else "",
        policy=label if mode is not Mode.HOLDOUT else "holdout",
        excluded=eligible.excluded,
    )
