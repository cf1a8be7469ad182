"""Make the pictures and the README's output block from a finished demonstration.

::

    COLUMNS=100 make demo | tee printed.txt && mv printed.txt demo-out/
    .venv/bin/python docs/images/make.py

Nothing is drawn by hand: `replay.svg` is what the command prints, `report.png` is the report in a browser, and the
block is cut from what `make demo` printed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).resolve().parent
README = HERE.parents[1] / "README.md"
COLUMNS = 100
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"

# Dark enough for both page colours of a code host, with verdicts that can be told apart by colour-blind readers too, as
# each has a sign of its own.
THEME = TerminalTheme(
    (20, 24, 33),
    (214, 219, 229),
    [(20, 24, 33), (240, 113, 120), (120, 200, 140), (235, 190, 100),
     (110, 165, 240), (190, 150, 240), (110, 200, 210), (214, 219, 229)],
)  # fmt: skip


def main(
    demo: Annotated[Path, typer.Argument(help="The folder that `make demo` left.")] = Path("demo-out"),
    printed: Annotated[Path | None, typer.Option(help="What `make demo` printed; default: printed.txt in it.")] = None,
) -> None:
    """Make replay.svg and report.png beside this file, and fill in the README's block."""
    draw_replay(demo / "decisions.jsonl", HERE / "replay.svg")
    photograph(demo / "report.html", HERE / "report.png")
    fill_readme(README, block((printed or demo / "printed.txt").read_text()))


def draw_replay(log: Path, picture: Path) -> None:
    """Run `python -m simulator replay` as at a terminal, and keep what it shows."""
    arguments = ["-m", "simulator", "replay", str(log), "--metric", "ctr,profit"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(done.stdout.strip("\n")))
    # The fonts of rich's frame lie on a foreign host; a reader's own monospace font serves as well.
    frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    frame = frame.replace("Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace")
    picture.write_text(console.export_svg(title=" ".join(["python", *arguments]), theme=THEME, code_format=frame))


def photograph(page: Path, picture: Path) -> None:
    """Take a picture of the top of the report, where a browser is installed."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        typer.echo("no Chromium here: report.png stays as it is")
        return
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={profile}",
                f"--screenshot={picture}", "--window-size=1100,1440", page.resolve().as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def block(printed: str) -> str:
    """The parts of what the demonstration printed that say whether it paid."""
    parts = [
        _between(printed, r"^Simulated demo", r"^wrote "),
        _between(printed, r"^\$ python -m simulator experiment", r"^·"),
        _between(printed, r"^\$ python -m simulator replay demo-out/decisions", r"$"),
        _between(printed, r"^ctr  clicks", r"^profit "),
    ]
    text = "\n\n".join(parts)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _between(text: str, first: str, beyond: str) -> str:
    found = re.search(rf"{first}.*?(?={beyond})", text, flags=re.DOTALL | re.MULTILINE)
    if found is None:
        raise SystemExit(f"expected a line like {first!r}, and one like {beyond!r} after it, in what the demo printed")
    return found.group().strip()


def fill_readme(readme: Path, text: str) -> None:
    """Put the block between its marks."""
    before, rest = readme.read_text().split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}\n```text\n{text}\n```\n{END}{after}")


if __name__ == "__main__":
    typer.run(main)
