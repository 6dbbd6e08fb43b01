"""Ports are free, wanted ones first, and none of those that outgoing connections are given."""

import socket

from devstack.processes.ports import CHOICE, free_port


def test_a_wanted_port_is_taken_if_it_is_free():
    port = free_port()
    assert free_port(port) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert free_port(port) != port


def test_no_connection_takes_a_port_between_its_choice_and_its_use():
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 15  # stacks that start at once choose different ones
    assert all(port in CHOICE for port in ports)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as lent:
        assert lent.getsockname()[1] not in CHOICE
