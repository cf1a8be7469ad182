"""An environment of its own for obp 0.5.7, which pins versions that ours cannot have."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache" / "obp"
#: The newest that obp's code still runs with; torch is pinned to the CPU build.
NEEDED = (
    "numpy<2",
    "pandas==1.5.3",
    "scikit-learn<1.6",
    "scipy<1.15",
    "torch==2.13.0",
    "matplotlib",
    "seaborn",
    "tqdm",
    "pyyaml",
    "mypy_extensions",
)
WITHOUT_DEPENDENCIES = ("pyieoe", "obp==0.5.7")


def obp_python() -> Path:
    """Give the Python that can import obp, making its environment on first use."""
    python, stamp = FOLDER / "bin" / "python", FOLDER / "made-of.txt"
    wanted = "\n".join((sys.version, *NEEDED, *WITHOUT_DEPENDENCIES))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"making an environment for obp in {FOLDER.relative_to(ROOT)} (once, about a gigabyte)", flush=True)
    venv.create(FOLDER, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *NEEDED], check=True)
    subprocess.run([*install, "--no-deps", "--ignore-requires-python", *WITHOUT_DEPENDENCIES], check=True)
    stamp.write_text(wanted)
    return python


def run_obp(*arguments: object) -> str:
    """Run the script that lives in obp's environment, and give what it prints.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    script = Path(__file__).with_name("obp_side.py")
    command = [str(obp_python()), "-W", "ignore", str(script), *(str(argument) for argument in arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
