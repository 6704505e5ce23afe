"""A small TCP proxy that misbehaves as told: the line between a client and its server.

Each accepted connection takes the next `Fault` of the plan; without one it is passed on as it is. Offsets count the
bytes of that connection in that direction.

The whole line can be slow (`rates`), and dead from given bytes on until revive(): nothing passes then in either
direction, not even the end of a connection, and nobody can connect.
"""

import collections
import selectors
import socket
import threading
import time

UP, DOWN = 'up', 'down'  # client to server, server to client
BUFFER = 16384

# At byte `offset` of `direction`: 'cut' the connection, 'flip' that byte's lowest bit, or 'hold' what follows until
# release().
Fault = collections.namedtuple('Fault', 'direction offset action')


class _Line:
    """One connection: two sockets, and what may still pass."""

    def __init__(self, client, server, fault):
        self.peers = {client: server, server: client}
        self.directions = {client: UP, server: DOWN}
        self.passed = {UP: 0, DOWN: 0}
        self.fault = fault

    def close(self):
        for end in self.peers:
            end.close()


class Proxy:
    """Listens on `port` of 127.0.0.1, forwards to `target_port`. One thread; close() when done."""

    def __init__(self, target_port, plan=(), watch=None):
        self.target_port = target_port
        self.watch = watch or (lambda direction, count: None)  # told of all that passes, on the proxy's thread
        self.plan = collections.deque(plan)
        self.held = threading.Event()  # a fault has begun to hold
        self.faults = 0                # faults that have happened
        self.rates = {UP: None, DOWN: None}  # bytes a second, all connections together; None: as fast as it goes
        self.outages = []              # the line is dead when so many bytes in all have passed up; ascending
        self.dead = threading.Event()
        self.taken = {UP: 0, DOWN: 0}  # bytes that a sender got rid of, passed on or not
        self.totals = {UP: 0, DOWN: 0}
        self._holding = True
        self._free_at = {UP: 0.0, DOWN: 0.0}  # when the slow line has room again
        self._waiting = set()          # sources that wait for that
        self._lines = {}
        self._paused = {}
        self._closing = False
        self._listener = socket.create_server(('127.0.0.1', 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)  # a line stores next to nothing
        self.port = self._listener.getsockname()[1]
        self.address = f'127.0.0.1:{self.port}'
        self._wake_read, self._wake_write = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def release(self):
        """What is held goes on, and nothing is held from now on."""
        self._holding = False
        self._wake_write.send(b'x')

    def revive(self):
        """The line that was dead works again."""
        self.dead.clear()
        self._wake_write.send(b'x')

    def slam(self):
        """Held connections end towards the server as those of a client that closes with bytes unread: FIN, then RST."""
        for source in list(self._paused):
            line = self._lines[source]
            for end, direction in line.directions.items():
                if direction == DOWN:
                    end.shutdown(socket.SHUT_WR)
                    end.close()
        self.release()

    def close(self):
        self._closing = True
        self._wake_write.send(b'x')
        self._thread.join(10)

    def _run(self):
        while not self._closing:
            for key, _ in self._selector.select(self._pause()):
                if key.fileobj is self._wake_read:
                    self._wake_read.recv(64)
                    self._resume()
                elif self.dead.is_set():
                    self._unhear(key.fileobj)
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._lines:
                    self._forward(key.fileobj)
            self._hear_again()
        for line in set(self._lines.values()):
            line.close()
        for end in (self._listener, self._wake_read, self._wake_write):
            end.close()
        self._selector.close()

    def _unhear(self, source):
        self._selector.unregister(source)
        self._waiting.add(source)

    def _has_room(self, source, now):
        return source is self._listener or self._free_at[self._lines[source].directions[source]] <= now

    def _hear_again(self):
        """Sources that had to wait, and need not any more."""
        now = time.monotonic()
        for source in [] if self.dead.is_set() else [each for each in self._waiting if self._has_room(each, now)]:
            self._waiting.discard(source)
            self._selector.register(source, selectors.EVENT_READ)

    def _pause(self):
        """Until the slow line has room for one of those that wait; None if none does."""
        if self.dead.is_set() or not self._waiting:
            return None
        return max(0.0, min(self._free_at.values()) - time.monotonic(), 0.001)

    def _accept(self):
        client, _ = self._listener.accept()
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)  # what is held is soon felt
        try:
            server.connect(('127.0.0.1', self.target_port))
        except OSError:  # the server is down: so is the line
            server.close()
            client.close()
            return
        line = _Line(client, server, self.plan.popleft() if self.plan else None)
        for end in line.peers:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines[end] = line
            self._selector.register(end, selectors.EVENT_READ)

    def _drop(self, line):
        for end in line.peers:
            if self._lines.pop(end, None):
                if end not in self._paused and end not in self._waiting:
                    self._selector.unregister(end)
                self._paused.pop(end, None)
                self._waiting.discard(end)
        line.close()

    def _forward(self, source):
        line = self._lines[source]
        direction = line.directions[source]
        try:
            data = source.recv(BUFFER)
        except OSError:
            data = b''
        if not data:
            return self._drop(line)
        self.taken[direction] += len(data)
        fault = line.fault
        if fault and fault.direction == direction and fault.offset < line.passed[direction] + len(data):
            data = self._misbehave(line, source, bytearray(data), fault.offset - line.passed[direction])
        self._send(line, source, bytes(data))

    def _misbehave(self, line, source, data, at):
        fault = line.fault
        if fault.action == 'hold' and not self._holding:
            return data
        self.faults += 1
        line.fault = None
        if fault.action == 'flip':
            data[at] ^= 1
            return data
        if fault.action == 'cut':
            self._send(line, source, bytes(data[:at]))
            self._drop(line)
            return b''
        self._paused[source] = bytes(data[at:])
        self._selector.unregister(source)
        self.held.set()
        return data[:at]

    def _resume(self):
        if self._holding:
            return
        for source, data in list(self._paused.items()):
            if source.fileno() < 0:
                self._drop(self._lines[source])
                continue
            self._paused.pop(source)
            self._selector.register(source, selectors.EVENT_READ)
            self._send(self._lines[source], source, data)

    def _send(self, line, source, data):
        if not data or source not in self._lines:
            return
        direction = line.directions[source]
        line.passed[direction] += len(data)
        self.totals[direction] += len(data)
        self.watch(direction, len(data))
        try:
            line.peers[source].sendall(data)
        except OSError:
            self._drop(line)
        self._slow_down(direction, source, len(data))

    def _slow_down(self, direction, source, count):
        if self.rates[direction]:
            begin = max(self._free_at[direction], time.monotonic())
            self._free_at[direction] = begin + count / self.rates[direction]
            if source in self._lines and source not in self._paused:
                self._unhear(source)
        if self.outages and self.totals[UP] >= self.outages[0]:
            self.outages.pop(0)
            self.dead.set()
