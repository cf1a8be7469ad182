"""Tables of where a policy plays and whether the log can speak for it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.report.colours import heat
from simulator.report.figures import size
from simulator.report.markup import breakable
from simulator.report.pictures import CellSupport

__all__ = ["FEW", "heat_table"]

#: Effective decisions in a cell below which a policy that plays there is marked.
FEW = 100.0
_NOTEWORTHY = 0.01
_MOST_SLOTS = 5
_MOST_CHANNELS = 12
_MOST_ROWS = 20


def heat_table(cells: Sequence[CellSupport], policy: str) -> str:
    """Show channels × slots with shares and effective decisions; as a list of the fullest cells where there are many.

    The deeper a cell's colour, the more the policy plays there.
    """
    if not cells:
        return ""
    slots = list(dict.fromkeys(cell.slot for cell in cells if cell.slot))
    channels = list(dict.fromkeys(cell.channel for cell in cells))
    wide = len(slots) > _MOST_SLOTS or len(channels) > _MOST_CHANNELS
    body = _list(cells) if wide or not slots else _matrix(cells, channels, slots)
    return f'<table class="heat"><caption>{breakable(policy)}</caption>{"".join(body)}</table>'


def _matrix(cells: Sequence[CellSupport], channels: Sequence[str], slots: Sequence[str]) -> Iterator[str]:
    fullest = max(cell.policy for cell in cells) or 1.0
    by_place = {(cell.channel, cell.slot): cell for cell in cells}
    yield '<thead><tr><th scope="col">channel</th>'
    yield "".join(f'<th scope="col">{breakable(slot)}</th>' for slot in slots) + "</tr></thead><tbody>"
    for channel in channels:
        yield f'<tr><th scope="row">{breakable(channel)}</th>'
        if (channel, "") in by_place:
            # hold has no slot, so its one cell is as wide as all of them.
            yield _cell(by_place[channel, ""], fullest, len(slots))
        else:
            for slot in slots:
                cell = by_place.get((channel, slot))
                yield '<td class="none">–</td>' if cell is None else _cell(cell, fullest, 1)
        yield "</tr>"
    yield "</tbody>"


def _cell(cell: CellSupport, fullest: float, width: int) -> str:
    span = f' colspan="{width}"' if width > 1 else ""
    warned = _warning(cell)
    effective = f'<b class="few">{warned}</b>' if warned else f"{size(cell.ess)} eff."
    return (
        f'<td{span} style="background:{heat(cell.policy / fullest)}"><b>{_share(cell.policy)}</b>'
        f"<small>log {_share(cell.logged)}</small><small>{effective}</small></td>"
    )


def _list(cells: Sequence[CellSupport]) -> Iterator[str]:
    order = sorted(cells, key=lambda cell: -max(cell.policy, cell.logged))
    shown, rest = order[:_MOST_ROWS], order[_MOST_ROWS:]
    fullest = max(cell.policy for cell in cells) or 1.0
    yield '<thead><tr><th scope="col">channel · slot</th><th scope="col">policy</th><th scope="col">log</th>'
    yield '<th scope="col">effective</th></tr></thead><tbody>'
    for cell in shown:
        name = f"{cell.channel} · {cell.slot}" if cell.slot else cell.channel
        warned = _warning(cell)
        effective = f'<b class="few">{warned}</b>' if warned else size(cell.ess)
        yield (
            f'<tr><th scope="row">{breakable(name)}</th>'
            f'<td style="background:{heat(cell.policy / fullest)}"><b>{_share(cell.policy)}</b></td>'
            f"<td>{_share(cell.logged)}</td><td>{effective}</td></tr>"
        )
    if rest:
        yield (
            f'<tr><th scope="row">{len(rest):,} more</th><td>{_share(sum(cell.policy for cell in rest))}</td>'
            f"<td>{_share(sum(cell.logged for cell in rest))}</td><td></td></tr>"
        )
    yield "</tbody>"


def _warning(cell: CellSupport) -> str:
    if cell.policy < _NOTEWORTHY or cell.ess >= FEW:
        return ""
    return "▲ never logged" if cell.logged == 0.0 else f"▲ {cell.ess:.0f} eff."


def _share(share: float) -> str:
    per_cent = 100 * share
    if per_cent == 0:
        return "0 %"
    return f"{per_cent:.0f} %" if per_cent >= 9.95 else f"{per_cent:.1f} %" if per_cent >= 0.05 else "&lt;0.1 %"
