"""What an alarm means, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple


class Alarm(NamedTuple):
    """A kind of alarm.

    Attributes:
        name: As in the metric `armsreach_alarm`.
        meaning: What was found.
        cause: What is likely behind it, likeliest first.
        action: What to do.
    """

    name: str
    meaning: str
    cause: str
    action: str


ALARMS: dict[str, Alarm] = {
    alarm.name: alarm
    for alarm in (
        Alarm(
            "sample_ratio_mismatch",
            "the shares of users in holdout, control and the rest are not those that were configured",
            "requests of one group get lost (errors, caching or filtering before the server), or user ids are not"
            " stable",
            "compare request counts by group before and behind the caller; trust no lift of this campaign until the"
            " shares fit",
        ),
        Alarm(
            "entropy_collapse",
            "the policy puts nearly everything but the exploration floor on one arm",
            "one arm is far ahead, the objective's scale is too large for γ, or an outcome is counted many times over",
            "look at `models show`: if one arm deserves it, leave it; else correct the scale or gamma_scale, and roll"
            " back",
        ),
        Alarm(
            "outcome_drift",
            "outcomes per decision are not what they were in the windows before",
            "the policy learned, an offer or the season changed, or outcomes are reported twice or not at all",
            "compare with the control share; if it moved as well, look at tracking and offers, else learning did it",
        ),
        Alarm(
            "context_drift",
            "the means of what is known of shoppers are not what they were in the windows before",
            "another embedding model, a changed feature pipeline or unit, or another audience",
            "compare the contexts in an exported log before and after; after a change of pipeline relearn with"
            " `learn --rebuild`",
        ),
        Alarm(
            "snapshot_stale",
            "the model is older than telemetry.stale_snapshot_s",
            "the learner is away or cannot keep up, or nothing new has matured",
            "look at armsreach_journal_behind_bytes and the learner's log; decisions go on with the old model",
        ),
        Alarm(
            "snapshot_refused",
            "a published snapshot cannot be served; the one before it is",
            "a damaged or foreign file",
            "read the server's log for the reason; publish anew with `learn --rebuild`",
        ),
        Alarm(
            "journal_stuck",
            "a commit has been going on for longer than telemetry.stuck_commit_s",
            "the disk hangs or is overloaded",
            "look at the disk; take the server out of the balancer, as every answer waits for it",
        ),
        Alarm(
            "journal_failed",
            "a commit failed; decisions and outcomes are refused",
            "the disk is full, read-only or broken",
            "free space or repair the disk; the server then goes on by itself",
        ),
    )
}  # fmt: skip
