"""Settles what a sweep will do, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from engine.core.campaign import Campaign
from engine.core.errors import InvalidInput
from engine.core.objective import Objective
from engine.core.outcome import OutcomeType
from simulator.defaults import default_metrics, ranking_metric
from simulator.estimators import ESTIMATORS, Estimator, Need
from simulator.horizons import Horizons
from simulator.intervals import INTERVALS
from simulator.log import NO_TIME
from simulator.log_facts import LogFacts
from simulator.metric import HOLD_PREFIX, Metric, metric_table
from simulator.outcome_kinds import outcome_kinds
from simulator.policies import VwOptions
from simulator.replay_settings import ReplaySettings
from simulator.sweep.contender import Contender, contenders
from simulator.sweep.course import Course
from simulator.sweep.halving import rung_fractions
from simulator.sweep.log_campaign import LogCampaign, learned_terms, scaled_objective
from simulator.sweep.periods import Chosen, Period, Periods
from simulator.sweep.space import Space
from simulator.sweep.sweep_log import SweepLog
from simulator.sweep.tasks import plain_policy

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """A sweep that is ready to run.

    Attributes:
        course: What all its tasks have in common.
        contenders: The candidates.
        fractions: Share of train and select that each rung uses.
        keep: Share of the candidates that goes on from one rung to the next.
        facts: What is known of the whole log.
        told: How the log is parted, for reports.
        notes: What a reader should know.
    """

    course: Course
    contenders: tuple[Contender, ...]
    fractions: tuple[float, ...]
    keep: float
    facts: LogFacts
    told: Mapping[str, Any]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        log: SweepLog,
        space: Space,
        campaign: Campaign | None,
        metric: str | None,
        estimator: str,
        settings: ReplaySettings,
    ) -> Setup:
        """Look over the log once or twice.

        Raises:
            InvalidInput: When settings, space and log do not fit together.
        """
        _check(settings)
        facts = LogFacts.of(log, cluster=settings.cluster, reward_max=settings.reward_max)
        if not facts.rows:
            raise InvalidInput("expected decisions of mode live, control or fallback, got none", field="mode")
        log, facts, notes = _clocked(log, facts, space)
        weights = settings.objective or _own_objective(campaign, metric)
        chosen = _metric(metric, weights, facts, settings)
        horizons = _horizons(campaign, settings, facts) if log.timed else Horizons()
        kinds = outcome_kinds([name.removeprefix(HOLD_PREFIX) for name in chosen.quantities], weights)
        base = _taught(space, campaign, chosen, weights)
        wait = horizons.longest({*kinds, *_learned_kinds(space, base)})
        whole = Periods.of(log, facts, space.periods, wait, (1.0,), settings.seed)
        decisions = _counted(log, whole)
        fractions = rung_fractions(space.halving.rungs, space.halving.keep, decisions["select"])
        periods = Periods.of(log, facts, space.periods, wait, fractions, settings.seed)
        lessons = Chosen(log, periods, Period.TRAIN, len(fractions) - 1, Horizons(), ())

        def scaled(terms: Mapping[str, float]) -> Objective:
            return scaled_objective(terms, lessons)

        known = _campaign(campaign, log, horizons, lambda: scaled(base), learns=bool(space.settings()))
        course = Course(
            log=log,
            periods=periods,
            horizons=horizons,
            kinds=kinds,
            metric=chosen,
            estimator=_estimator(estimator),
            objective=weights,
            settings=replace(
                settings, pictures=False, objective=dict(weights) if chosen.key == "objective" else settings.objective
            ),
            campaign=known,
        )
        made = contenders(space, None if known is None else known.campaign, scaled)
        for one in made:
            _check_spec(one)
        told = {**periods.told(), "decisions": decisions}
        return cls(course, tuple(made), fractions, space.halving.keep, facts, told, (*notes, *_told(known, periods)))


def _check(settings: ReplaySettings) -> None:
    given = {
        "--by": settings.by,
        "--where": settings.where,
        "--from": settings.start,
        "--to": settings.end,
        "--as-of": settings.as_of,
    }
    for flag, value in given.items():
        if value is not None:
            raise InvalidInput("expected a whole log; write the rows that you mean to a log of their own", field=flag)
    if not INTERVALS[settings.interval].resampled:
        known = ", ".join(name for name, one in INTERVALS.items() if one.resampled)
        raise InvalidInput(
            f"expected an interval that resamples, since joint bounds need replicates: {known}; got "
            f"{settings.interval!r}",
            field="--interval",
        )


def _clocked(log: SweepLog, facts: LogFacts, space: Space) -> tuple[SweepLog, LogFacts, list[str]]:
    """Settle by what the log is parted, and by what clock its rows pass."""
    without = int((facts.decided_at == NO_TIME).sum())
    by = space.periods.by
    if by == "time" or space.periods.select_from is not None:
        if without:
            raise InvalidInput(
                f"expected `decided_at` in every row, got {without} without; use by = 'order' or 'users'",
                field="periods.by",
            )
        return log, facts, []
    if not without and by != "order":
        return log, facts, []
    if by == "auto" and without < facts.rows:
        raise InvalidInput(
            f"expected times in all rows or in none, got {without} of {facts.rows} without; say by = 'order' or "
            "'users' under [periods]",
            field="decided_at",
        )
    clocked = log.in_order()
    again = LogFacts.of(clocked, cluster=None, reward_max=None)
    facts = replace(facts, log=clocked, decided_at=again.decided_at)
    told = "" if by == "users" else " and parted"
    return clocked, facts, [f"rows are learned{told} in the order of the file, as if each outcome came at once"]


def _own_objective(campaign: Campaign | None, metric: str | None) -> Mapping[str, float]:
    """Take a campaign's objective as what counts, unless it is clicks, or a metric was named."""
    if campaign is None or metric not in (None, "objective"):
        return {}
    weights = dict(campaign.objective.weights)
    return {} if set(weights) == {"click"} and metric is None else weights


def _metric(key: str | None, objective: Mapping[str, float], facts: LogFacts, settings: ReplaySettings) -> Metric:
    table = dict(metric_table(settings.margin))
    if objective:
        table["objective"] = Metric("objective", "objective / decision", {"objective": 1.0}, {}, False)
    if key is None:
        key = "objective" if objective else ranking_metric(default_metrics(facts, {}))
    if key not in table:
        near = get_close_matches(key, table, n=1)
        hint = f"did you mean {near[0]}?" if near else "correct it"
        raise InvalidInput(f"expected one of {', '.join(table)}; got {key!r}; {hint}", field="--metric")
    return table[key]


def _estimator(key: str) -> Estimator:
    fit = {name: one for name, one in ESTIMATORS.items() if not set(one.needs) - {Need.MODEL}}
    if key not in fit:
        raise InvalidInput(f"expected one of {', '.join(fit)}; got {key!r}; correct it", field="--estimator")
    return fit[key]


def _horizons(campaign: Campaign | None, settings: ReplaySettings, facts: LogFacts) -> Horizons:
    """Take what was stated, what the campaign says, or else the longest lags that the log shows."""
    if settings.delay_us:
        return settings.horizons
    if campaign is None:
        return facts.lags
    return Horizons({str(kind): round(campaign.horizon_s(kind) * 1e6) for kind in OutcomeType})


def _taught(
    space: Space, campaign: Campaign | None, metric: Metric, objective: Mapping[str, float]
) -> Mapping[str, float]:
    """Say what candidates learn that do not say so themselves; nothing where none learns."""
    if not space.settings():
        return {}
    return campaign.objective.weights if campaign is not None else learned_terms(metric, objective)


def _learned_kinds(space: Space, base: Mapping[str, float]) -> set[str]:
    """List the outcome types that any candidate learns from."""
    tables = [table.get("objective", {}) for table in space.settings()]
    stated = [table["weights"] for table in tables if isinstance(table.get("weights"), Mapping)]
    return {kind for weights in (base, *stated) for kind in outcome_kinds(["objective"], weights)}


def _campaign(
    campaign: Campaign | None, log: SweepLog, horizons: Horizons, objective: Any, *, learns: bool
) -> LogCampaign | None:
    if not learns:
        return None
    known = LogCampaign.given(campaign, log) if campaign else LogCampaign.of_log(log, horizons, objective())
    return known if log.timed else known.untimed()


def _check_spec(one: Contender) -> None:
    """Refuse a SPEC before anything is learned, not after an hour."""
    if one.learns_itself:
        VwOptions.parse(one.spec.partition(":")[2])
    elif one.spec:
        plain_policy(one.spec)


def _counted(log: SweepLog, periods: Periods) -> dict[str, int]:
    counts = dict.fromkeys([period.value for period in Period], 0)
    total = 0
    for chunk in log.chunks():
        valued = chunk.select(chunk.valued)
        total += valued.decisions
        for period in Period:
            counts[period.value] += int(valued.count[periods.rows(valued, period, 0)].sum())
    return {**counts, "left_out": total - sum(counts.values())}


def _told(known: LogCampaign | None, periods: Periods) -> list[str]:
    notes = []
    if periods.by == "users":
        notes.append(
            "each user is in one period, by hash: models see later decisions of other users, who must not influence "
            "one another"
        )
    if known is not None and known.derived:
        notes.append(
            "no campaign was given: columns and arms were read off the log, and no server could take the snapshot; "
            "give --campaign for one to promote"
        )
    if known is not None and known.left_out:
        notes.append(f"no model sees {', '.join(known.left_out)}: never varies, or is of several kinds")
    return notes
