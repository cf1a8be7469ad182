"""Quality of the text models on texts that they have not seen.

Click prediction on the Upworthy headline tests, tests held out whole; quality heads on headlines held out, with kinds
of corruption in training and kinds that are not; comment readers on own sentences and on real reviews that they were
not made from. Every figure stands on a RESULT line, beside its reference in the same run.

    python benchmarks/text_quality.py [--part ctr|quality|feedback] [--encoder chargram|minilm|…] [--fine-tune]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from text_quality_ctr import measure_ctr  # noqa: E402
from text_quality_feedback import measure_feedback  # noqa: E402
from text_quality_heads import measure_heads  # noqa: E402

from generators.embeddings import ChargramEmbedder, Embedder, embedder_named  # noqa: E402

GIT = ("git", "rev-parse", "--short", "HEAD")
PARTS = ("feedback", "quality", "ctr")


def main() -> None:
    options = _options()
    commit = subprocess.run(GIT, capture_output=True, text=True, cwd=ROOT, check=True)
    print(f"# commit {commit.stdout.strip()} · Python {platform.python_version()} · numpy {np.__version__}")
    data = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")
    archive = data / "upworthy" / "upworthy_clean_exploratory.parquet"
    encoders = [_encoder(name) for name in options.encoder]
    for part in options.part or PARTS:
        started = time.perf_counter()
        if part == "feedback":
            measure_feedback(data / "reviews")
        elif not archive.is_file():
            print(f"# {part}: the Upworthy archive is not under ARMSREACH_DATA; skipped")
        elif part == "quality":
            measure_heads(archive, data, encoders)
        else:
            measure_ctr(archive, encoders, fine_tune=options.fine_tune)
        print(f"# {part}: {time.perf_counter() - started:.0f} s", flush=True)


def _encoder(name: str) -> Embedder:
    return ChargramEmbedder(512) if name == "chargram" else embedder_named(name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--encoder", action="append")
    parser.add_argument("--fine-tune", action="store_true")
    options = parser.parse_args()
    options.encoder = options.encoder or ["chargram", "minilm"]
    return options


if __name__ == "__main__":
    main()
