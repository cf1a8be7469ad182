"""Every metric, once: its kind, labels and one line of help. docs/metrics.md says what to do about each."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """One metric.

    Attributes:
        kind: Counters are shown with `_total` behind their name.
        labels: Names of its labels.
        help: What it counts, and its unit.
    """

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str

    def exposed(self, name: str) -> str:
        """The name as Prometheus knows it."""
        return f"{name}_total" if self.kind == "counter" else name


METRICS: dict[str, Metric] = {
    "armsreach_request_seconds": Metric("histogram", ("method", "code"), "Calls, from admission to answer"),
    "armsreach_stage_seconds": Metric("histogram", ("method", "stage"), "Decisions: queue, decide, journal"),
    "armsreach_commit_seconds": Metric("histogram", (), "Commits of the journal, sync included"),
    "armsreach_decisions": Metric("counter", ("campaign", "mode", "arm_state"), "Decisions"),
    "armsreach_floor_hits": Metric("counter", ("campaign",), "Live decisions whose arm mostly the floor chose"),
    "armsreach_exclusions": Metric("counter", ("campaign", "reason"), "Arms left out, summed over decisions"),
    "armsreach_users": Metric("counter", ("campaign", "group", "shares"), "Distinct users by group"),
    "armsreach_outcomes": Metric("counter", ("campaign", "type"), "Outcomes recorded"),
    "armsreach_reports_repeated": Metric("counter", ("campaign",), "Reported outcomes that were on record before"),
    "armsreach_shed": Metric("counter", ("method", "reason"), "Calls turned away"),
    "armsreach_records": Metric("counter", (), "Records made durable"),
    "armsreach_records_lost": Metric("counter", (), "Records that never became durable; nobody was told they did"),
    "armsreach_commits_failed": Metric("counter", (), "Commits that failed"),
    "armsreach_commit_age_seconds": Metric("gauge", (), "Since the oldest worker's last durable commit"),
    "armsreach_snapshot_age_seconds": Metric("gauge", ("campaign",), "Since the served snapshot was made"),
    "armsreach_snapshot_info": Metric("gauge", ("campaign", "version"), "1 for the snapshot that is served"),
    "armsreach_snapshot_learned": Metric("gauge", ("campaign",), "Decisions that the served snapshot learned"),
    "armsreach_snapshot_refused": Metric("gauge", ("campaign",), "1 while a published snapshot cannot be served"),
    "armsreach_journal_bytes": Metric("gauge", (), "Size of the journal"),
    "armsreach_journal_behind_bytes": Metric("gauge", ("campaign",), "Journal that the learner has yet to read"),
    "armsreach_learner_age_seconds": Metric("gauge", ("campaign",), "Since the learner last said how it is"),
    "armsreach_learned_decisions": Metric("gauge", ("campaign",), "Decisions learned since the journal's start"),
    "armsreach_join_backlog": Metric("gauge", ("campaign",), "Records and ids that wait in the join"),
    "armsreach_join_records": Metric("gauge", ("campaign", "fate"), "Records by what became of them in the join"),
    "armsreach_dead_letters": Metric("gauge", ("campaign",), "Records that could not be learned"),
    "armsreach_lease_seconds": Metric("gauge", ("lease", "holder"), "Until the lease runs out, unless renewed"),
    "armsreach_allowance_left": Metric("gauge", ("campaign", "limit"), "Leased and not spent, in the worker asked"),
    "armsreach_request_table_used_ratio": Metric("gauge", (), "Share of the table of request ids that is taken"),
    "armsreach_gauges_failed": Metric("counter", (), "Gauges that could not be read at a scrape"),
    "armsreach_alarm": Metric("gauge", ("name", "campaign"), "1 while an alarm holds"),
    "armsreach_worker_decisions": Metric("counter", ("worker",), "Decisions by worker"),
    "armsreach_worker_requests": Metric("counter", ("worker",), "Calls by worker"),
    "armsreach_worker_commits_failed": Metric("counter", ("worker",), "Failed commits by worker"),
    "armsreach_worker_commit_age_seconds": Metric("gauge", ("worker",), "Since the worker's last durable commit"),
    "armsreach_worker_report_age_seconds": Metric("gauge", ("worker",), "Since the worker last left its counters"),
}
