"""The tokens that a server accepts, taken up again when their file changes."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable

from engine.core.errors import ArmsreachError, Unauthenticated
from engine.core.scope import Scope
from engine.server.access.permissions import Permissions
from engine.store.access import TokenFile

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_BEARER = "Bearer "
_REMEDY = "send `authorization: Bearer TOKEN`; `python -m engine tokens add` makes one"


class Tokens:
    """Token → permissions, by the token's digest.

    A digest is found in a table and then compared in constant time. What a caller could learn from the time of the
    look-up is about SHA-256 of its own guess, which tells nothing about a token. Headers that were found good are
    remembered until the file changes: Python hashes texts under a secret of the process and compares them only where
    all of the hash is equal, so that the time of that look-up tells nothing either.
    """

    def __init__(self, file: TokenFile, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file.

        Args:
            file: The grants.
            clock: Seconds; tells when to look at the file again.

        Raises:
            ConfigError: If the file cannot be used. Later, a server goes on with what it knows, and says so in its log.
            FailedPrecondition: If others than its owner may write it.
        """
        self._file = file
        self._clock = clock
        self._stamp = file.stamp()
        self._look_at = clock() + _LOOK_S
        self._known = self._read()
        self._good: dict[str, Permissions] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of_header(self, header: str) -> Permissions:
        """Whose an `authorization` header is.

        Raises:
            Unauthenticated: If it holds no valid token.
        """
        if self._clock() >= self._look_at:
            self.refresh()
        known = self._good.get(header)
        if known is not None:
            return known
        if not header.startswith(_BEARER):
            raise Unauthenticated(
                f"expected a bearer token, got {'none' if not header else 'something else'}; {_REMEDY}"
            )
        digest = hashlib.sha256(header[len(_BEARER) :].encode()).digest()
        found = self._known.get(digest)
        if found is None or not hmac.compare_digest(found.digest, digest):
            raise Unauthenticated(f"the token is not valid, or not any more; {_REMEDY}")
        self._good[header] = found
        return found

    def allows(self, header: str, scope: Scope) -> bool:
        """Whether an `authorization` header opens a scope; for pages that are not gRPC, such as metrics."""
        try:
            return scope in self.of_header(header).grant.scopes
        except Unauthenticated:
            return False

    def refresh(self) -> None:
        """Take the file up if it changed. One that cannot be used changes nothing, but one that is gone ends all."""
        self._look_at = self._clock() + _LOOK_S
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._good.clear()
        try:
            self._known = self._read()
        except ArmsreachError as error:
            log.error("the tokens stay as they were: %s", error)
        else:
            log.info("%d tokens in force", len(self._known))
        self._stamp = stamp

    def _read(self) -> dict[bytes, Permissions]:
        made = map(Permissions, self._file.grants())
        return {permissions.digest: permissions for permissions in made}
