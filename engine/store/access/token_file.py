"""Tokens in a TOML file: their digests, never themselves."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.core.errors import ConfigError, FailedPrecondition, InvalidInput, NotFound
from engine.core.grant import Grant
from engine.core.reading import read
from engine.core.scope import Scope
from engine.store.durable_files import sync_folder
from engine.store.folder_lock import folder_lock

_PREFIX = "ar_"
_HEAD = "# Digests of tokens; written by `python -m engine tokens`. A server takes changes up within a second.\n"


@dataclass(frozen=True, slots=True)
class _Document:
    token: tuple[Grant, ...] = ()


def token_digest(token: str) -> str:
    """SHA-256 of a token, as hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenFile:
    """The grants of a server; changed by people through the command line, read by servers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def grants(self) -> tuple[Grant, ...]:
        """All grants, in the order of the file; none where there is no file yet.

        Raises:
            ConfigError: Naming file and key of what cannot be used.
            FailedPrecondition: If others than the owner may write the file.
        """
        try:
            with open(self.path, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=str(self.path)) from None
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise FailedPrecondition(
                f"{self.path}: others than its owner may write it, and so could let anybody in; run chmod 600"
            )
        return self._read(data)

    def add(
        self,
        name: str,
        scopes: Iterable[Scope],
        at: datetime,
        campaigns: Sequence[str] = (),
        rows_per_s: float = 0.0,
    ) -> str:
        """Make a token.

        Returns:
            The token: it is in no file, so this is the only time that anybody sees it.

        Raises:
            FailedPrecondition: If there is one of that name.
            InvalidInput: Naming the field that is wrong.
        """
        token = _PREFIX + secrets.token_urlsafe(32)
        with self._changing():
            grants = self.grants()
            if any(grant.name == name for grant in grants):
                raise FailedPrecondition(f"a token {name!r} exists; revoke it first, or choose another name")
            made = Grant(name, token_digest(token), tuple(scopes), tuple(campaigns), rows_per_s, at)
            self._write((*grants, made))
        return token

    def revoke(self, name: str) -> None:
        """Make a token worthless.

        Raises:
            NotFound: If there is none of that name.
        """
        with self._changing():
            grants = self.grants()
            left = tuple(grant for grant in grants if grant.name != name)
            if len(left) == len(grants):
                known = ", ".join(grant.name for grant in grants) or "none"
                raise NotFound(f"no token {name[:64]!r}; there are: {known}")
            self._write(left)

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes whenever the file does; None where there is none."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _changing(self) -> AbstractContextManager[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return folder_lock(self.path.parent)

    def _read(self, data: bytes) -> tuple[Grant, ...]:
        try:
            document = tomllib.loads(data.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"not valid TOML: {error}", file=str(self.path)) from None
        grants = read(_Document, document, file=str(self.path)).token
        for kind in ("name", "digest"):
            values = [getattr(grant, kind) for grant in grants]
            if len(set(values)) < len(values):
                raise ConfigError(f"expected every {kind} once", field=f"token.{kind}", file=str(self.path))
        return grants

    def _write(self, grants: Sequence[Grant]) -> None:
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(_HEAD + "".join(map(_table, grants)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise InvalidInput(f"cannot be written: {error.strerror}", file=str(self.path)) from None


def _table(grant: Grant) -> str:
    """One grant in TOML, whose strings and lists of strings are JSON's."""
    lines = [
        "\n[[token]]",
        f"name = {json.dumps(grant.name)}",
        f"digest = {json.dumps(grant.digest)}",
        f"scopes = {json.dumps([str(scope) for scope in grant.scopes])}",
    ]
    if grant.campaigns:
        lines.append(f"campaigns = {json.dumps(list(grant.campaigns))}")
    if grant.rows_per_s:
        lines.append(f"rows_per_s = {grant.rows_per_s!r}")
    if grant.created_at is not None:
        lines.append(f"created_at = {grant.created_at.isoformat()}")
    return "\n".join(lines) + "\n"
