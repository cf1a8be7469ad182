"""Coverage-guided fuzzing of every target for a bounded time: no crash, no hang, no memory without bound.

    python fuzz/run.py [--seconds 60] [--target NAME]...

Each target runs in a process of its own with 2 GB and ten seconds an input at most. An input that fails is kept beside
the corpus, in `.cache/fuzz/NAME`, and named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Fuzz all targets, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--one", default="", help="Fuzz this target in this process.")
    options = parser.parse_args()
    if options.one:
        one(options.one, options.seconds)
        return
    from fuzz.targets import TARGETS

    failed = []
    for name in options.target or TARGETS:
        command = [sys.executable, str(Path(__file__)), "--one", name, "--seconds", str(options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        runs = [line for line in text.splitlines() if line.startswith("Done ")]
        print(f"RESULT name=fuzz_{name} value={done.returncode} target=0 {'ok' if done.returncode == 0 else 'short'}")
        print("  " + (runs[-1] if runs else text[-1500:]), flush=True)
        failed += [name] if done.returncode else []
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}; the inputs are in .cache/fuzz")


def one(name: str, seconds: int) -> None:
    """Fuzz one target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["engine", "simulator"], exclude=["engine.pb"]):
        from fuzz.targets import TARGETS, Corpus
    make, seeds = TARGETS[name]
    corpus = ROOT / ".cache" / "fuzz" / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(getattr(Corpus(), seeds)):
        (corpus / f"seed-{i}").write_bytes(seed)
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as folder:
        target = make(Path(folder))
        limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
        atheris.Setup(["fuzz", *limits, f"-artifact_prefix={corpus.parent}/", str(corpus)], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
