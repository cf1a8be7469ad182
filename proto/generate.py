"""Makes engine/pb from the proto files; `--check` only says whether it is fresh.

Generated modules import each other by their proto path (`armsreach.v1`); that name is not ours to claim on every
machine, so the imports are moved under `engine.pb`.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "engine" / "pb"
PACKAGE = '"""Generated from proto/ by proto/generate.py; not edited by hand."""\n'


def generate(target: Path) -> None:
    """Write all generated modules under `target`."""
    protos = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *outputs, *protos]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    for path in target.rglob("*.py*"):
        text = path.read_text()
        text = re.sub(r"^(from|import) armsreach\.", r"\1 engine.pb.armsreach.", text, flags=re.M)
        path.write_text(
            re.sub(r"\barmsreach\.v1\.(\w+_pb2)\b", r"engine.pb.armsreach.v1.\1", text)
            if path.suffix == ".pyi"
            else text
        )
    for folder in (target, target / "armsreach", target / "armsreach" / "v1"):
        (folder / "__init__.py").write_text(PACKAGE)


def differences(left: Path, right: Path) -> list[str]:
    """Relative names of files that differ or stand on one side only."""
    names = {
        str(p.relative_to(root)) for root in (left, right) for p in root.rglob("*.py*") if "__pycache__" not in p.parts
    }
    return sorted(
        n
        for n in names
        if not (left / n).is_file() or not (right / n).is_file() or not filecmp.cmp(left / n, right / n, False)
    )


def main() -> int:
    """Generate, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if engine/pb is stale")
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        check = parser.parse_args().check
        generate(fresh)
        stale = differences(fresh, TARGET)
        if check and stale:
            print("stale, run `make proto`:", *stale)
            return 1
        if not check:
            shutil.rmtree(TARGET, ignore_errors=True)
            shutil.copytree(fresh, TARGET)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
