"""One HTML file with every variant: no request leaves it, and it works on a phone and on paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from generators.sms import SmsSize
from generators.whole_file import write_whole

_STATES = ("draft", "approved", "paused", "killed")


def gallery_page(records: Sequence[Mapping[str, Any]], title: str, said: Mapping[str, str] | None = None) -> str:
    """Return the page.

    Args:
        records: Lines of a variants file.
        title: What the page is called.
        said: Variant → what shoppers say of it, in one line.
    """
    here = files("generators.gallery")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(here.joinpath("page.html").read_text(encoding="utf-8"))
    states = Counter(str(record["state"]) for record in records)
    return template.render(
        title=title,
        style=here.joinpath("style.css").read_text(encoding="utf-8"),
        cards=[_card(record, (said or {}).get(record["id"], "")) for record in records],
        briefs=len({record["provenance"]["brief"] for record in records}),
        states=[(state, states[state]) for state in _STATES if states[state]],
        languages=sorted({str(record["language"]) for record in records}),
        models=Counter(str(record["provenance"]["model"]) for record in records).most_common(),
        channels=[c for c in ("push", "sms", "email", "banner") if any(c in record["channels"] for record in records)],
    )


def write_gallery(
    records: Sequence[Mapping[str, Any]], path: Path, title: str, said: Mapping[str, str] | None = None
) -> None:
    """Write the page whole or not at all.

    Raises:
        InvalidInput: The folder cannot be written.
    """
    write_whole(path, [gallery_page(records, title, said)])


def _card(record: Mapping[str, Any], said: str) -> dict[str, Any]:
    made, channels = record["provenance"], record["channels"]
    sms = channels.get("sms", {}).get("text", "")
    return {
        "id": record["id"],
        "state": record["state"],
        "language": record["language"],
        "lang": "zh-CN" if record["language"] == "zh" else "en",
        "brief": made["brief"],
        "rank": made.get("rank", ""),
        "tone": record["features"].get("tone", ""),
        "model": made["model"],
        "channels": channels,
        "sms": SmsSize.of(sms) if sms else None,
        "scores": [(name, f"{value:.3g}") for name, value in made.get("scores", {}).items()],
        "said": said,
        "provenance": _provenance(record),
        "search": " ".join([str(record["id"]), *(text for fields in channels.values() for text in fields.values())]),
    }


def _provenance(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    made = record["provenance"]
    rows = [
        ("written by", f"{made['model']} ({made.get('prompt_version', '')})"),
        ("frames", made.get("frame_version", "")),
        ("seed", f"{made.get('seed', '')}, number {made.get('index', '')}"),
        ("checks passed", ", ".join(made.get("checks", []))),
    ]
    for name in ("approved", "rejected"):
        if said := made.get(name):
            rows.append((name, " · ".join(str(said[key]) for key in ("by", "at", "note") if said.get(key))))
    if made.get("prompt"):
        rows.append(("prompt", str(made["prompt"])[-400:]))
    return [(name, value) for name, value in rows if value]
