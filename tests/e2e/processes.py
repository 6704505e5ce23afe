"""Processes under test: started, watched line by line, and gone when the test is over.

Nothing here sleeps. A daemon says on stderr what it does; `Daemon.wait_log` blocks until a line says so. Every wait
has a deadline, and a wait that fails shows the last lines of the log.
"""

import collections
import re
import signal
import subprocess
import threading
import time

DEADLINE_S = 60  # for anything that should come at once; generous, since test machines are busy
SHOWN_LINES = 40


class Failure(AssertionError):
    """Something did not happen, with what was seen instead."""


class Daemon:
    """One process and the lines of its stderr, in order, from the first start on (restarts add to them)."""

    def __init__(self, name, command):
        self.name = name
        self.command = [str(part) for part in command]
        self.process = None
        self.lines = []
        self._changed = threading.Condition()
        self._listeners = []
        self._reader = None

    def listen(self, callback):
        """`callback()` after every line, on the reader's thread."""
        self._listeners.append(callback)

    def start(self, **options):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, **options)
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        return self

    def _read(self, stream):
        with stream:
            for raw in stream:
                with self._changed:
                    self.lines.append(raw.decode(errors='replace').rstrip('\n'))
                    self._changed.notify_all()
                for callback in self._listeners:
                    callback()
        with self._changed:
            self._changed.notify_all()

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def mark(self):
        """A place in the log: waits can look at what comes after it."""
        with self._changed:
            return len(self.lines)

    def count(self, pattern, since=0):
        with self._changed:
            return sum(1 for line in self.lines[since:] if re.search(pattern, line))

    def wait_log(self, pattern, since=0, count=1, timeout=DEADLINE_S):
        """Blocks until `count` lines match; returns the match of the last of them."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [match for match in map(expression.search, self.lines[since:]) if match]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0 or (not self.running and not self._reader.is_alive()):
                    raise Failure(f'{self.name} has not said {pattern!r} {count} times\n{self.tail()}')
                self._changed.wait(min(left, 0.5))

    def signal(self, number):
        self.process.send_signal(number)

    def kill9(self):
        """The end without warning. Returns when the process is gone and its last line has been read."""
        if self.process is not None:
            self.process.kill()
            self.wait_exit()

    def terminate(self, timeout=DEADLINE_S):
        self.process.terminate()
        return self.wait_exit(timeout)

    def wait_exit(self, timeout=DEADLINE_S):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f'{self.name} does not end\n{self.tail()}') from None
        self._reader.join(timeout)
        return status

    def stop_for_good(self):
        if self.running:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def tail(self):
        with self._changed:
            shown = self.lines[-SHOWN_LINES:]
        state = 'running' if self.running else f'status {self.process and self.process.poll()}'
        return f'--- {self.name} ({state}), last {len(shown)} lines\n' + '\n'.join(shown)


Ran = collections.namedtuple('Ran', 'status out err')


def run(command, timeout=DEADLINE_S, **options):
    """A command to its end: exit status, stdout, stderr."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, check=False, **options)
    return Ran(done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace'))
