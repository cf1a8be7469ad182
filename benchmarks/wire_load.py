"""Loads a gRPC method over plain sockets, from a process of its own: HTTP/2 frames made beforehand, distinct bodies.

    python benchmarks/wire_load.py HOST:PORT /package.Service/Method BODIES --seconds 5 [--rate R] [--token T]

`BODIES` holds length-prefixed gRPC messages, used in turn and never twice, so that request ids stay distinct. Without
`--rate` the loop is closed: `--in-flight` calls are always under way. With it, calls start on a fixed schedule whatever
the server does (latency then counts from the scheduled moment, or with
`--from-sending 1` from that of sending, where this process itself cannot keep to the schedule). Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_LARGE = (1 << 31) - 1


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name: str, value: str) -> bytes:
    """A header field without indexing or compression."""
    return b"\x00" + _text(name) + _text(value)


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) < 127:
        return bytes((len(data),)) + data
    rest, prefix = len(data) - 127, b"\x7f"
    while rest >= 128:
        prefix += bytes((rest % 128 + 128,))
        rest //= 128
    return prefix + bytes((rest,)) + data


class Connection:
    """One HTTP/2 connection with many streams."""

    def __init__(self, address: tuple[str, int], headers: bytes) -> None:
        self._socket = socket.create_connection(address, 5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._headers = headers
        self._out = bytearray(
            _PREFACE
            + frame(_SETTINGS, 0, 0, struct.pack(">HIHI", 1, 0, 4, _LARGE))  # headers in plain text, for `_code`
            + frame(_WINDOW, 0, 0, struct.pack(">I", _LARGE - 65_535))
        )
        self._in = bytearray()
        self._stream = 1
        self._window, self._stream_window = 65_535, 65_535
        self._waiting: deque[tuple[bytes, float]] = deque()
        self.started: dict[int, float] = {}
        self.answered: set[int] = set()
        self.done: list[tuple[float, bool]] = []
        self.codes: Counter[str] = Counter()
        self.is_open = True

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    @property
    def under_way(self) -> int:
        """Calls asked and not finished."""
        return len(self.started) + len(self._waiting)

    def ask(self, message: bytes, at: float) -> None:
        """Start a call."""
        self._waiting.append((message, at))
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._waiting[0][0]) <= min(self._window, self._stream_window):
            message, at = self._waiting.popleft()
            stream, self._stream = self._stream, self._stream + 2
            self._window -= len(message)
            self.started[stream] = at
            self._out += frame(_HEADERS, _END_HEADERS, stream, self._headers)
            self._out += frame(_DATA, _END_STREAM, stream, message)

    def write(self) -> bool:
        """Send what can be sent; whether something is left."""
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                return True
            del self._out[:sent]
        return False

    def read(self) -> None:
        """Take in what has come."""
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.is_open = False
            return
        self._in += data
        at, now = 0, time.perf_counter()
        while len(self._in) - at >= 9:
            length = int.from_bytes(self._in[at : at + 3], "big")
            if len(self._in) - at < 9 + length:
                break
            kind, flags = self._in[at + 3], self._in[at + 4]
            stream = int.from_bytes(self._in[at + 5 : at + 9], "big") & _LARGE
            self._take(kind, flags, stream, bytes(self._in[at + 9 : at + 9 + length]), now)
            at += 9 + length
        del self._in[:at]
        self._start()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes, now: float) -> None:
        if kind == _DATA:
            self.answered.add(stream)
        elif kind == _SETTINGS and not flags & _ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == 4:
                    self._stream_window = value
            self._out += frame(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING and not flags & _ACK:
            self._out += frame(_PING, _ACK, 0, payload)
        elif kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _GOAWAY:
            self.is_open = False
        if (kind in (_DATA, _HEADERS) and flags & _END_STREAM) or kind == _RESET:
            started = self.started.pop(stream, None)
            if started is not None:
                self.codes[f"reset_{int.from_bytes(payload)}" if kind == _RESET else _code(payload)] += 1
                self.done.append((now - started, stream in self.answered and kind != _RESET))
            self.answered.discard(stream)


def _code(block: bytes) -> str:
    """The gRPC status in a block of trailers that uses neither indexes nor Huffman's code."""
    _, found, rest = block.partition(b"grpc-status")
    return f"status_{rest[1 : 1 + rest[0]].decode()}" if found else "status_unknown"


def messages(path: Path) -> Iterator[bytes]:
    """Length-prefixed messages, as gRPC frames them; the file is read at once, before the clock starts."""
    data = path.read_bytes()

    def framed() -> Iterator[bytes]:
        at = 0
        while at < len(data):
            (size,) = struct.unpack_from(">I", data, at + 1)
            yield data[at : at + 5 + size]
            at += 5 + size

    return framed()


def load(
    connections: list[Connection],
    bodies: Iterator[bytes],
    seconds: float,
    in_flight: int,
    rate: float,
    from_sending: bool = False,
) -> dict[str, float]:
    """Ask until the time is over, then wait for what is under way."""
    begun = time.perf_counter()
    ends, next_at, asked = begun + seconds, begun, 0
    exhausted, behind = False, 0.0
    while True:
        now = time.perf_counter()
        over = now >= ends or exhausted
        under_way = sum(c.under_way for c in connections)
        if over and (not under_way or now > ends + 5):
            break
        while not over and (next_at <= now if rate else under_way < in_flight):
            body = next(bodies, None)
            if body is None:
                exhausted = over = True
                break
            connections[asked % len(connections)].ask(
                body, next_at if rate and not from_sending else time.perf_counter()
            )
            asked, under_way = asked + 1, under_way + 1
            if rate:
                behind = max(behind, time.perf_counter() - next_at)
                next_at += 1 / rate
        unsent = [c for c in connections if c.write()]
        wait = 0.05 if over or not rate else max(0.0, min(0.05, next_at - time.perf_counter()))
        readable, _, _ = select.select(connections, unsent, [], wait)
        for connection in readable:
            connection.read()
            if not connection.is_open:
                raise SystemExit("the server closed a connection")
    elapsed = min(time.perf_counter(), ends) - begun
    done = [item for c in connections for item in c.done]
    waits = sorted(1e3 * wait for wait, good in done if good)
    return {
        "rps": len(waits) / elapsed,
        "answered": len(waits),
        "failed": sum(not good for _, good in done),
        "behind_ms": 1e3 * behind,
        "unfinished": sum(c.under_way for c in connections),
        **sum((c.codes for c in connections), Counter()),
        "p50_ms": waits[len(waits) // 2] if waits else 0.0,
        "p99_ms": waits[int(len(waits) * 0.99)] if waits else 0.0,
        "p999_ms": waits[int(len(waits) * 0.999)] if waits else 0.0,
    }


def headers(address: str, path: str, token: str) -> bytes:
    """The header block of every call."""
    fields = {
        ":method": "POST", ":scheme": "http", ":path": path, ":authority": address,
        "te": "trailers", "content-type": "application/grpc", "user-agent": "armsreach-bench",
    }  # fmt: skip
    if token:
        fields["authorization"] = f"Bearer {token}"
    return b"".join(literal(name, value) for name, value in fields.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("path")
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument(
        "--from-sending", type=int, default=0, help="1: latency counts from sending, not from schedule."
    )
    parser.add_argument("--token", default="")
    parser.add_argument("--skip", type=int, default=0, help="Bodies that an earlier run used.")
    options = parser.parse_args()
    host, port = options.address.rsplit(":", 1)
    block = headers(options.address, options.path, options.token)
    connections = [Connection((host, int(port)), block) for _ in range(options.connections)]
    bodies = messages(options.bodies)
    for _ in range(options.skip):
        next(bodies)
    print(json.dumps(load(connections, bodies, options.seconds, options.in_flight, options.rate, options.from_sending)))


if __name__ == "__main__":
    main()
