"""Hooks that a stopped run had asked for already: a long run goes on where it was stopped."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from engine.core.errors import FailedPrecondition, InvalidInput, UnsupportedVersion
from generators.brief_plain import brief_plain
from generators.hooks import HookModel, HookRequest

_SCHEMA = "armsreach.copy.progress"
_VERSION = 1


class RememberedHooks:
    """A hook model with a file of what it answered.

    Only proposals are kept: they are what takes time, and composing, checking and ranking follow from them without a
    draw. So a run that was stopped and begun again gives the same variants, byte for byte, as one that was not. Each
    answer stands under a digest of its whole question (brief, tone, number, seed, model and version): answers to other
    questions are left alone, and a changed brief is simply asked again.
    """

    def __init__(self, model: HookModel, path: Path) -> None:
        """Open the file, or begin it.

        Raises:
            InvalidInput: The folder cannot be written, or the file is something else.
            UnsupportedVersion: A newer armsreach wrote it.
            FailedPrecondition: Another run is writing it.
        """
        self._model, self._path = model, path
        self.name, self.version, self.languages = model.name, model.version, model.languages
        self._known: dict[str, list[str]] = {}
        self._file = self._opened()

    @property
    def model_behind(self) -> HookModel:
        """The model that answers what nobody has asked before."""
        return self._model

    @property
    def known(self) -> int:
        """How many answers an earlier run left."""
        return len(self._known)

    def prompt(self, request: HookRequest) -> str:
        """Return what the model is given for a request."""
        return self._model.prompt(request)

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return the candidates of each request; only those not answered before are asked for."""
        keys = [self._key(request) for request in requests]
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._known}
        if missing:
            answers = self._model.propose(list(missing.values()))
            for key, hooks in zip(missing, answers, strict=True):
                self._known[key] = hooks
                if not hooks:  # an endpoint that did not answer may do so next time
                    continue
                self._file.write(json.dumps({"request": key, "hooks": hooks}, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        return [list(self._known[key]) for key in keys]

    def discard(self) -> None:
        """Remove the file, once the result is safe."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another run have the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _key(self, request: HookRequest) -> str:
        question = [self.name, self.version, request.entropy, brief_plain(request.brief)]
        text = json.dumps(question, ensure_ascii=False, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _opened(self) -> IO[bytes]:
        with _refused(self._path):
            file = self._path.open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            message = f"another run is writing {self._path}; wait for it, or choose another --output"
            raise FailedPrecondition(message) from None
        try:
            whole = self._read_whole(file)
        except (InvalidInput, UnsupportedVersion):
            file.close()
            raise
        file.truncate(whole)
        if not whole:
            file.write(json.dumps({"schema": f"{_SCHEMA}.v{_VERSION}"}).encode() + b"\n")
        return file

    def _read_whole(self, file: IO[bytes]) -> int:
        """Read every whole line; returns where they end. A line that a kill cut short has no end, and is left out."""
        file.seek(0)
        whole = 0
        for number, line in enumerate(file.read().splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break
            self._read(number, line)
            whole += len(line)
        return whole

    def _read(self, number: int, line: bytes) -> None:
        try:
            record = json.loads(line)
            if number == 1:
                self._check(str(record["schema"]))
                return
            key, hooks = record["request"], record["hooks"]
        except (ValueError, KeyError, TypeError) as error:
            message = "not the progress of a copy run; move it away, or choose another --output"
            raise InvalidInput(message, file=str(self._path), line=number) from error
        self._known[key] = [str(hook) for hook in hooks]

    def _check(self, schema: str) -> None:
        name, _, version = schema.rpartition(".v")
        if name != _SCHEMA or not version.isdigit():
            raise KeyError("schema")
        if int(version) > _VERSION:
            message = f"{self._path} is {schema}, this armsreach knows up to v{_VERSION}; upgrade armsreach"
            raise UnsupportedVersion(message)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot write there ({error.strerror}); make the folder or choose another"
        raise InvalidInput(message, field="--output", file=str(path)) from error
