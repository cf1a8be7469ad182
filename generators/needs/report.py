"""Needs as a person reads them, in English and Chinese."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from generators.needs.hours import HourHabits, Slot
from generators.needs.interest import Evidence, Interest
from generators.needs.needs import Needs
from generators.needs.price import PriceSensitivity
from generators.needs.words import percent, words_of

_COVERED = 0.9
_WIDE = 110
_BARS = " ▁▂▃▄▅▆▇█"
_COLOURS = {"growing": "green", "fading": "red", "due": "bold yellow", "considering": "bold cyan", "lapsed": "red"}


def needs_report(needs: Needs, language: str = "en", width: int = 120) -> RenderableType:
    """Draw needs.

    Args:
        needs: Of a shopper or a segment.
        language: `en` or `zh`.
        width: Of the terminal in columns; below 110, dates and evidence stand under the table.
    """
    words = words_of(language)
    basis = words["basis"].format(
        touches=f"{needs.touches:,}", first=needs.first, last=needs.last, as_of=needs.as_of.date(),
        placed=percent(needs.placed),
    )  # fmt: skip
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row(words["price"], _price(needs.price, words))
    facts.add_row(words["hours"].format(zone=needs.hours.zone), _hours(needs.hours, words))
    facts.add_row(words["weekdays"], _weekdays(needs.hours, words))
    facts.add_row(words["channels"], _channels(needs, words))
    body: list[RenderableType] = [Text(basis, style="dim"), Text()]
    if needs.interests:
        body += [*_interests(needs, words, wide=width >= _WIDE), Text(words["meaning"], style="dim"), Text()]
    else:
        body += [Text(words["none"].format(touches=needs.touches)), Text()]
    title = words[needs.kind].format(name=needs.name, members=f"{needs.members:,}")
    return Panel(Group(*body, facts), title=Text(title, style="bold"), title_align="left", box=box.ROUNDED)


def _interests(needs: Needs, words: dict[str, Any], *, wide: bool) -> list[RenderableType]:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1))
    table.add_column(words["interest"], style="bold", ratio=3, min_width=12)
    table.add_column(words["share"], justify="right", min_width=9)
    table.add_column(words["confidence"], justify="right", no_wrap=True)
    table.add_column(words["trend"], no_wrap=True)
    table.add_column(words["stage"], ratio=3, min_width=12)
    table.add_column(words["intent"].format(days=needs.horizon_days), justify="right", min_width=6, max_width=9)
    if wide:
        table.add_column(words["because"], ratio=5, overflow="fold")
    under: list[RenderableType] = []
    for interest in needs.interests:
        trend = interest.trend.direction
        stage = _stage(interest, needs.as_of.date(), words)
        said = [_said(item, words) for item in interest.evidence]
        table.add_row(
            Text(_name(interest, words), overflow="fold"),
            f"{percent(interest.share)} ({percent(interest.base)})",
            f"{min(interest.confidence, 0.999):.0%}" if interest.confidence < 0.995 else ">99%",
            Text(words[trend], style=_COLOURS.get(trend, "dim")),
            stage if wide or interest.stage is None else Text(words[interest.stage.name], style=stage.style),
            "–" if interest.intent is None else percent(interest.intent),
            *([Text("\n".join(said), style="dim")] if wide else []),
        )
        told = said if interest.stage is None else [stage.plain, *said]
        if told:
            line = ((f"{_name(interest, words)}{words['colon']}", "bold"), (words["and"].join(told), "dim"))
            under.append(Text.assemble(*line, overflow="fold"))
    if needs.intent_reason:
        table.caption = f"–: {words['reasons'][needs.intent_reason]}"
    return [table] if wide else [table, *under, Text()]


def _name(interest: Interest, words: dict[str, Any]) -> str:
    """A topic that its labels do not cover is not called by them alone."""
    name = interest.topic.name
    return name if interest.topic.coverage >= _COVERED else str(words["alike"].format(name=name))


def _stage(interest: Interest, present: date, words: dict[str, Any]) -> Text:
    stage = interest.stage
    if stage is None:
        total = sum(interest.stages.values())
        ranked = sorted(interest.stages.items(), key=lambda pair: (-pair[1], pair[0]))
        return Text(", ".join(f"{words[name]} {percent(count / total)}" for name, count in ranked))
    name = words[stage.name]
    if stage.due is not None and stage.cycle.days is not None:
        of = words["of_shop"] if stage.cycle.of == "shop" else ""
        name = words["due_on" if stage.due > present else "due_was"].format(
            stage=name, due=stage.due, days=f"{stage.cycle.days:.0f}", of=of
        )
    elif stage.last_bought is not None:
        name = words["bought_on"].format(stage=name, last=stage.last_bought)
    return Text(name, style=_COLOURS.get(stage.name, ""))


def _said(item: Evidence, words: dict[str, Any]) -> str:
    """One piece of evidence in words."""
    times = words["once"] if item.times == 1 else words["times"].format(n=item.times)
    if item.type == "search":
        what = f'"{item.query}" ' if item.query else ""
    else:
        title = item.title or words["a_product"]
        what = title.lower() if title.isupper() else title
    said = str(words[item.type].format(what=what, times=times, last=item.last))
    return words["by_shoppers"].format(evidence=said, shoppers=item.shoppers) if item.shoppers > 1 else said


def _price(price: PriceSensitivity, words: dict[str, Any]) -> str:
    if price.index is None or price.price_rank is None:
        return str(words["unknown_price"].format(reason=words["reasons"][price.reason]))
    discount = ""
    if price.discount_share is not None:
        discount = words["discount"].format(share=percent(price.discount_share), usual=words[price.usual])
    return str(words["price_line"].format(
        level=words[price.level], index=f"{price.index:.2f}", low=f"{price.low:.2f}", high=f"{price.high:.2f}",
        shop=f"{price.shop:.2f}", purchases=price.purchases, rank=f"{price.price_rank:.2f}", discount=discount,
    ))  # fmt: skip


def _hours(hours: HourHabits, words: dict[str, Any]) -> RenderableType:
    if hours.mean_hour is None or hours.concentration is None or hours.evenly is None:
        return str(words["reasons"][hours.reason])
    slots = words["and"].join(
        words["slot"].format(
            start=slot.start, end=(slot.start + 3) % 24, share=percent(slot.share), low=percent(slot.low),
            high=percent(slot.high),
        )
        for slot in hours.slots
    )  # fmt: skip
    minutes = round(hours.mean_hour * 60) % 1440
    line = words["hours_line"] if hours.evenly < 0.05 else words["hours_even"]
    text = line.format(
        visits=hours.visits, mean=f"{minutes // 60}:{minutes % 60:02d}", r=f"{hours.concentration:.2f}",
        p=f"{hours.evenly:.2f}", slots=slots,
    )  # fmt: skip
    most = max(hours.by_hour)
    drawn = "".join(_BARS[round(share / most * 8)] for share in hours.by_hour)
    return Group(Text(f"0 {drawn} 24", style="cyan"), Text(text))


def _weekdays(hours: HourHabits, words: dict[str, Any]) -> str:
    if not hours.weekdays:
        return "–"

    def told(slot: Slot) -> str:
        mark = "▲" if slot.confidence >= 0.9 else "▼" if slot.confidence <= 0.1 else ""
        return f"{words['days'][slot.start - 1]} {percent(slot.share)}{mark}"

    return "  ".join(told(slot) for slot in hours.weekdays)


def _channels(needs: Needs, words: dict[str, Any]) -> str:
    if not needs.channels:
        return str(words["no_channels"])
    return "\n".join(
        words["channel"].format(
            channel=habit.channel, rate=percent(habit.rate), low=percent(habit.low), high=percent(habit.high),
            clicked=habit.clicked, sent=habit.sent, everyone=percent(habit.everyone),
        )
        for habit in needs.channels
    )  # fmt: skip
