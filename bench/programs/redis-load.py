"""Sets, reads and deletes values of 1 to 16 MiB in a redis server.

usage: redis-load.py SOCKET OPERATIONS

The commands are the same in every run. Prints how long they took: ns=NANOSECONDS.
"""

import random
import socket
import sys
import time

SEED = 1
MIB = 1 << 20
KEYS = 24
VALUE_MAX = 16 * MIB
WEIGHTS = {"SET": 5, "GET": 4, "DEL": 1}
RECEIVE_BYTES = MIB


def main():
    order = random.Random(SEED)
    values = memoryview(order.randbytes(MIB) * (VALUE_MAX // MIB))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        server = Server(connection)
        begin = time.monotonic_ns()
        for _ in range(int(sys.argv[2])):
            step(server, order, values)
        print(f"ns={time.monotonic_ns() - begin}")


def step(server, order, values):
    """One command, and a look at its reply."""
    key = f"key{order.randrange(KEYS)}"
    command = order.choices(list(WEIGHTS), WEIGHTS.values())[0]
    if command == "SET":
        size = order.randint(MIB, VALUE_MAX)
        server.set(key, values[:size])
    elif command == "GET":
        server.get(key)
    else:
        server.delete(key)


class Server:
    """What was set is known here too, so that each reply can be checked."""

    def __init__(self, connection):
        self.connection = connection
        self.replies = connection.makefile("rb", buffering=RECEIVE_BYTES)
        self.received = memoryview(bytearray(VALUE_MAX))
        self.known = {}

    def set(self, key, value):
        self.send(f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(value)}\r\n", value)
        self.expect(b"+OK")
        self.known[key] = value

    def get(self, key):
        self.send(f"*2\r\n$3\r\nGET\r\n${len(key)}\r\n{key}\r\n")
        value = self.known.get(key)
        if value is None:
            return self.expect(b"$-1")
        self.expect(b"$%d" % len(value))
        self.replies.readinto(self.received[:len(value)])
        ends = (0, len(value) // 2, len(value) - 1)
        if any(self.received[at] != value[at] for at in ends):
            sys.exit(f"redis-load.py: another value than was set came back for {key}")
        return self.expect(b"")

    def delete(self, key):
        self.send(f"*2\r\n$3\r\nDEL\r\n${len(key)}\r\n{key}\r\n")
        self.expect(b":1" if self.known.pop(key, None) is not None else b":0")

    def send(self, head, value=None):
        self.connection.sendall(head.encode())
        if value is not None:
            self.connection.sendall(value)
            self.connection.sendall(b"\r\n")

    def expect(self, wanted):
        line = self.replies.readline().rstrip(b"\r\n")
        if line != wanted:
            sys.exit(f"redis-load.py: redis answered {line[:80]!r}, not {wanted!r}")


if __name__ == "__main__":
    main()
