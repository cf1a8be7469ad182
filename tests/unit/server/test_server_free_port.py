"""Asking for a port does not take it, and sees who has it."""

import socket

from engine.server.free_port import is_free


def test_a_port_is_free_until_somebody_listens_and_after_that():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        listening.listen()
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port), "asking took nothing"


def test_an_address_of_another_machine_cannot_be_had():
    assert not is_free("203.0.113.1", 50_551)
