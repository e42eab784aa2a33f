"""Guards the suite itself: a test that reaches beyond this machine fails at once."""

import socket

import pytest


def test_a_test_cannot_connect_to_another_machine() -> None:
    with socket.socket() as attempt, pytest.raises(PermissionError, match="beyond this machine"):
        attempt.connect(("192.0.2.1", 443))  # an address for documentation (RFC 5737)


def test_a_test_cannot_look_up_a_name() -> None:
    with pytest.raises(PermissionError, match="beyond this machine"):
        socket.getaddrinfo("register.example", 443)


def test_a_test_can_talk_to_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
