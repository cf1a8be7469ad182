"""Fill in the tutorial: run every command of docs/tutorial.md, and put what it prints below it.

::

    make tutorial          # ARMSREACH_DATA names the folder of the data; default ../shared/data

A step of the page is `<!-- step:NAME -->`, a block of sh or python, and maybe a block of text, which is what this
writes. Steps run in the order of the page in one empty folder, with `DATA` set to the data's folder, so that no path of
a machine gets into the page. `CUTS` says what is kept of an output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGE = HERE / "tutorial.md"
COLUMNS = 100
_STEP = re.compile(
    r"<!-- step:(?P<name>[\w-]+) -->\n```(?P<language>sh|python)\n(?P<code>.*?)\n```\n"
    r"(?:\n```text\n(?P<shown>.*?)\n```\n)?",
    re.DOTALL,
)

#: What every replay says again: kept in the step that explains it, dropped in all others.
_REPEATED = (
    r"^Replay of .*\n.*\n(?:\d{4}-.* to .*\n)?",
    r"(?s)^ · One-step counterfactual.*?logged\.\n",
    r"(?s)^ · best_constant chose .*?half\n",
)
_SUPPORT = r"^support  effective.*\n(?: (?!weak|refused|·).*\n)*"
_UNIFORM = r"^ uniform .*\n(?:   .*\n)*"
_LOGGED = r"^ logged .*\n(?:   .*\n)*"
_NO_USERS = (r"^ · decisions without a user.*\n", r"^ · slates are judged.*\n")
_NEXT = r"^next: .*\n"

#: Step → patterns of what is left out of its output; steps that are not named leave out the hint at the next command.
CUTS: dict[str, tuple[str, ...]] = {
    "replay": (r"^Replay of .*\n",),
    "unbounded": (*_REPEATED, _SUPPORT, r"^ weak .*\n"),
    "bounded": (*_REPEATED, _SUPPORT),
    "side-by-side": (*_REPEATED, _SUPPORT, _LOGGED, r"^ · rejection of logged.*\n"),
    "segments": (*_REPEATED, _SUPPORT),
    "progressive": (*_REPEATED, _SUPPORT),
    "split": (*_REPEATED, _SUPPORT),
    "budget": (r"(?s)^ · the family.*?proportion\n", *_REPEATED),
    "plan": _REPEATED,
    "refused": (*_REPEATED, *_NO_USERS),
    "stand-in": (*_REPEATED, *_NO_USERS),
    "upworthy": (_NEXT, r"(?s)^info .*?made\n"),
    "headlines": (r"^Replay of .*\n", *_REPEATED[1:], _UNIFORM),
    "estimated-replay": (*_REPEATED, _SUPPORT, *_NO_USERS),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the page, and what the page shows of its output; None where it shows none."""

    name: str
    language: str
    code: str
    shown: str | None


def main(page: Annotated[Path, typer.Argument(help="The page to fill in.")] = PAGE) -> None:
    """Run every step and write its output into the page."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for step in steps(text):
            typer.echo(f"{step.name} …")
            made[step.name] = run(step, Path(folder))
    page.write_text(filled(text, made), encoding="utf-8")


def steps(text: str) -> Iterator[Step]:
    """List the steps of a page in their order."""
    for found in _STEP.finditer(text):
        yield Step(found["name"], found["language"], found["code"], found["shown"])


def data_folder() -> Path:
    """Say where the data lies."""
    return Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data").resolve()


def run(step: Step, folder: Path) -> str:
    """Run one step in a folder and give what the page shall show; empty where the step shows nothing."""
    command = ["bash", "-e", "-c", step.code] if step.language == "sh" else [sys.executable, "-c", step.code]
    environment = {
        **os.environ,
        "DATA": str(data_folder()),
        "COLUMNS": str(COLUMNS),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"step {step.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return "" if step.shown is None else cut(step.name, done.stdout)


def cut(name: str, printed: str) -> str:
    """Keep of an output what matters."""
    text = "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"
    for pattern in CUTS.get(name, (_NEXT,)):
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def filled(text: str, made: dict[str, str]) -> str:
    """Put outputs into a page."""

    def block(found: re.Match[str]) -> str:
        head = f"<!-- step:{found['name']} -->\n```{found['language']}\n{found['code']}\n```\n"
        return head if found["shown"] is None else f"{head}\n```text\n{made[found['name']]}\n```\n"

    return _STEP.sub(block, text)


if __name__ == "__main__":
    typer.run(main)
