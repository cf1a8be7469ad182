"""Why an arm would be, or was, chosen."""

from __future__ import annotations

import numpy as np

from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE, quantise
from engine.core.eligible_set import EligibleSet
from engine.core.policy import Policy
from engine.core.rules.rule import Inquiry
from engine.service.deciding import Deciding
from engine.service.drawn_block import policy_of
from engine.service.requests import Candidate, DecideRequest, Explanation
from engine.service.serving import Serving

_HOLDOUT_POLICY = "holdout"


class Explaining:
    """Explains with the parts that decide, so that an explanation is what would happen; draws and records nothing."""

    def __init__(self, deciding: Deciding) -> None:
        self._deciding = deciding

    def request(self, serving: Serving, request: DecideRequest, inquiry: Inquiry, detailed: int) -> Explanation:
        """What a request would be decided from.

        Args:
            serving: The campaign as it stands now.
            request: As for `Decide`.
            inquiry: What the rules see.
            detailed: How many arms get their contributions, the likeliest first.

        Raises:
            InvalidInput: Naming the field that is wrong.
        """
        user = self._deciding.pseudonym(request.user)
        row = serving.campaign.schema.encode(request.context.embedding, request.context.attributes)
        mode = self._deciding.mode(request.campaign, serving.campaign.shares, user)
        arms = serving.restraint.seen(serving.eligible(inquiry), user, inquiry.at, serving.eligible_set)
        policy: Policy
        if mode is Mode.HOLDOUT:
            arms, policy = serving.hold_only, serving.uniform
        else:
            mode = mode if serving.policy is not None or mode is not Mode.LIVE else Mode.FALLBACK
            policy = policy_of(serving, mode)
        counts = quantise(policy.probabilities(row[None, :], arms.mask[None, :]))[0]
        return Explanation(
            mode=mode,
            snapshot=serving.snapshot if mode is Mode.LIVE else "",
            policy=policy.label if mode is not Mode.HOLDOUT else _HOLDOUT_POLICY,
            candidates=self._candidates(serving, row, arms, counts, mode, detailed),
            excluded=arms.excluded,
        )

    def decision(self, serving: Serving, decision: Decision) -> Explanation:
        """What a decision was drawn from, as its record has it."""
        return Explanation(
            mode=decision.mode,
            snapshot=decision.snapshot,
            policy=decision.policy,
            candidates=tuple(
                Candidate(arm, probability or 0.0, self._floor_of(serving, decision, arm), None, ())
                for arm, probability in zip(decision.eligible, decision.probabilities, strict=True)
            ),
            excluded=decision.excluded,
            decision=decision,
        )

    def _floor_of(self, serving: Serving, decision: Decision, arm: str) -> float:
        if decision.mode is not Mode.LIVE or decision.catalogue != serving.catalogue.digest:
            return 0.0
        mask = np.zeros((1, len(serving.catalogue)), dtype=bool)
        mask[0, [serving.catalogue.index(eligible) for eligible in decision.eligible]] = True
        shares = serving.campaign.exploration.floor.shares(mask, serving.catalogue.cells)
        return float(shares[0, serving.catalogue.index(arm)])

    def _candidates(
        self,
        serving: Serving,
        row: np.ndarray,
        arms: EligibleSet,
        counts: np.ndarray,
        mode: Mode,
        detailed: int,
    ) -> tuple[Candidate, ...]:
        costs = serving.matrix.costs(row[None, :])[0] if serving.matrix is not None else None
        shares = arms.floor if mode is Mode.LIVE else np.zeros(len(arms.mask))
        likeliest = set(sorted(arms.columns.tolist(), key=lambda i: -counts[i])[:detailed])
        return tuple(
            Candidate(
                arm=serving.catalogue.ids[i],
                probability=int(counts[i]) / SCALE,
                floor=float(shares[i]),
                cost=None if costs is None else float(costs[i]),
                contributions=self._contributions(serving, row, i) if i in likeliest else (),
            )
            for i in arms.columns.tolist()
        )

    def _contributions(self, serving: Serving, row: np.ndarray, column: int) -> tuple[tuple[str, float], ...]:
        if serving.matrix is None:
            return ()
        return tuple(sorted(serving.matrix.contributions(row, column), key=lambda item: -abs(item[1])))
