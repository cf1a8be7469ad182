"""Optional parts: what to install for them, said before an import fails somewhere inside."""

from __future__ import annotations

from importlib.util import find_spec


def require(extra: str, *modules: str) -> None:
    """Check that the libraries of an optional part are installed.

    Raises:
        ModuleNotFoundError: Naming what is missing and the command that installs it.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"expected {', '.join(missing)}; install the optional part with: pip install -e '.[{extra}]'",
            name=missing[0],
        )
