"""Certificates that are read again when their files change."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from pathlib import Path
from typing import Any

import grpc

from engine.core.errors import ConfigError

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class _Files:
    """Certificate, key and, for mutual TLS, the authority of clients; grpc asks for them at every handshake."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._paths = [certificate, key, *([client_ca] if client_ca is not None else [])]
        self._lock = threading.Lock()
        self._stamp: Stamp = self._stamped()
        self.first = self._read()

    def news(self) -> Any:
        """The configuration if the files changed since they were last used, else None: then grpc keeps what it has.

        Certificate and key are two files, so that one may be new while the other is not yet. What does not fit together
        is not taken up, and looked at again with the next change.
        """
        with self._lock:
            try:
                stamp = self._stamped()
                if stamp == self._stamp:
                    return None
                self._stamp = stamp
                found = self._read()
            except ConfigError as error:
                log.error("the certificates stay as they were: %s", error)
                return None
        log.info("certificates read again")
        return found

    def _stamped(self) -> Stamp:
        stamps = []
        for path in self._paths:
            try:
                found = os.stat(path)
            except OSError as error:
                raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
            stamps.append((found.st_mtime_ns, found.st_ino, found.st_size))
        return tuple(stamps)

    def _read(self) -> Any:
        certificate, key, *authority = self._paths
        _require_pair(certificate, key)
        if authority:
            _require_authority(authority[0])
        try:
            contents = [path.read_bytes() for path in self._paths]
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=error.filename) from None
        return grpc.ssl_server_certificate_configuration(
            [(contents[1], contents[0])], root_certificates=contents[2] if authority else None
        )


def server_credentials(certificate: Path, key: Path, client_ca: Path | None) -> grpc.ServerCredentials:
    """Credentials for a listening port; new files are used from the next connection on, without a restart.

    Args:
        certificate: PEM, the server's own first, then those between it and the authority.
        key: PEM, its private key, without a password.
        client_ca: PEM, the authorities of clients; with it, a client without a certificate of theirs is not let in.

    Raises:
        ConfigError: Naming the file that cannot be used, or if certificate and key do not belong together.
    """
    files = _Files(certificate, key, client_ca)
    credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
        files.first, files.news, require_client_authentication=client_ca is not None
    )
    return credentials


def _require_pair(certificate: Path, key: Path) -> None:
    """Check with OpenSSL, as grpc would begin to serve with anything and then fail every handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise ConfigError(
            f"expected a PEM certificate and the private key that belongs to it in {key}, without a password:"
            f" {error.reason or 'not PEM'}",
            file=str(certificate),
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(error.filename or certificate)) from None


def _no_password() -> str:
    """OpenSSL would ask for it at the terminal."""
    return ""


def _require_authority(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(f"expected PEM certificates: {error.reason or 'not PEM'}", file=str(path)) from None
