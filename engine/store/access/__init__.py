"""Who may call: tokens by their digests, in a file."""

from engine.store.access.token_file import TokenFile, token_digest

__all__ = ["TokenFile", "token_digest"]
