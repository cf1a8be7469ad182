"""The page of the documentation that the coverage benchmark writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.coverage_table import Table
from simulator.verdict import VerdictName

__all__ = ["page"]

_OPENING = """# How often intervals hold the truth

Written by one command, which simulates {logs:,} logs in each cell and replays them with the product's own estimators,
metrics, verdicts and intervals ({resamples:,} resamples):

```sh
make bench-coverage         # about half an hour on two idle cores
```

All intervals are 95 % intervals, so 95 is what to look for. Figures are per cent of logs ± their Monte Carlo error.
The policy plays each segment's best arm nine times in ten. Logs are drawn uniformly over four arms, but for *skewed
logging*, which spreads 5 % over them and puts the rest on one. Money is log-normal, σ the standard deviation of its
log, 1 where none is said. *Repeat users* come three times in the mean; those who click more come more often, and each
has a purse of their own, which ties their purchases together.
"""
_TRUSTED = """
## Where most logs are called trusted

Coverage of the default interval, `bootstrap_t`, among the logs that are called trusted; the last column has the least
and the most of the six figures over all logs of the cell, whatever their verdict. The two differ near a threshold,
since a verdict that reads rewards takes its pick. Of clicks, it leaves out logs that show too few, so coverage among
the trusted is higher. Of money with a heavy tail, it prefers logs whose rewards look even, which are those that miss
the rare large purchases, so coverage among the trusted is lower.
"""
_OTHERS = """
## Where most are called {name}

The same among the logs that are called {name}.
"""
_BESIDE = """
## Other intervals

By DR, over all logs of a cell; empirical likelihood is that of IPS. `bootstrap_t` with 200 resamples is what a large
replay may use.
"""
_BOUNDED = """
## Bounded methods

They hold for any number of users and any rewards within the declared bounds, which costs width: the last column is the
median width beside that of the delta interval of DR.
"""
_DEFAULT_HEAD = (
    "cell, users | metric | user ESS | reward ESS | trusted | ips | snips | dr | ips − logged | snips − logged"
    " | dr − logged | all logs"
)
_OTHER_HEAD = "cell, users | metric | bootstrap_t | 200 resamples | bootstrap | bca | delta | empirical_likelihood"
_BOUNDED_HEAD = "cell, users | metric | estimator | interval | coverage | width"


def page(tables: Sequence[Table], resamples: int) -> str:
    """Write the whole page."""
    parts = [_OPENING.format(logs=max(table.logs for table in tables), resamples=resamples)]
    parts += _section(
        _TRUSTED, _DEFAULT_HEAD, (row for table in tables for row in table.default_rows(VerdictName.TRUSTED))
    )
    for name in (VerdictName.WEAK, VerdictName.REFUSED):
        parts += _section(_OTHERS.format(name=name.value), _DEFAULT_HEAD, _default_rows(tables, name))
    parts += _section(_BESIDE, _OTHER_HEAD, (row for table in tables for row in table.other_rows()))
    parts += _section(_BOUNDED, _BOUNDED_HEAD, (row for table in tables for row in table.bounded_rows()))
    return "\n".join(parts)


def _default_rows(tables: Sequence[Table], name: VerdictName) -> Iterable[str]:
    return (row for table in tables for row in table.default_rows(name))


def _section(opening: str, head: str, rows: Iterable[str]) -> list[str]:
    kept = list(rows)
    ruler = "|".join("---" if place < 2 else "--:" for place in range(head.count("|") + 1))
    return [opening, f"| {head} |", f"|{ruler}|", *kept] if kept else []
