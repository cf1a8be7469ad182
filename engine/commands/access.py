"""How a command proves who it is to a server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from engine.core.errors import InvalidInput

TOKEN = "ARMSREACH_TOKEN"

TokenFileOption = Annotated[
    Path | None, typer.Option("--token-file", help=f"File that holds the token; or set {TOKEN} to the token itself.")
]
CaOption = Annotated[
    Path | None, typer.Option("--ca", help="PEM file with the authority of the server's certificate; turns TLS on.")
]
CertificateOption = Annotated[Path | None, typer.Option("--cert", help="PEM file with this client's certificate.")]
KeyOption = Annotated[Path | None, typer.Option("--key", help="PEM file with the private key of --cert.")]


@dataclass(frozen=True, slots=True)
class Access:
    """What a command was given.

    A token never stands on the command line, where every user of the machine could read it.

    Attributes:
        token_file: File that holds the token.
        ca: Authority of the server's certificate.
        certificate: This client's certificate.
        key: Its private key.
    """

    token_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def token(self, environment: Mapping[str, str] = os.environ) -> str:
        """The token; empty where none was given.

        Raises:
            InvalidInput: If the file cannot be read.
        """
        if self.token_file is None:
            return environment.get(TOKEN, "")
        try:
            return self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"cannot be read: {error}", field="--token-file") from None


_given: ContextVar[Access | None] = ContextVar("access", default=None)


def given_access() -> Access:
    """What the command that runs was given."""
    return _given.get() or Access()


def remember_access(
    token_file: TokenFileOption = None,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    key: KeyOption = None,
) -> None:
    """Keep what was given for the command that follows."""
    _given.set(Access(token_file, ca, certificate, key))
