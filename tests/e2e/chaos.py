"""What the chaos tests are made of: a clock whose ticks are things that happen, `kill -9` at seeded ticks of it, and what
a run may leave behind: processes, files, descriptors."""

import collections
import os
import random
import re
import threading
import time

from processes import DEADLINE_S, Failure

TICK_BYTES = 16384


class Clock:
    """Counts what happens: a line in any daemon's log is a tick, and so are TICK_BYTES through a proxy. So "a random
    moment" is as likely in the middle of an upload as between two steps, and needs no time."""

    def __init__(self):
        self.ticks = 0
        self._bytes = 0
        self._changed = threading.Condition()

    def tick(self):
        with self._changed:
            self.ticks += 1
            self._changed.notify_all()

    def passed(self, _direction, count):
        with self._changed:
            self._bytes += count
            self.ticks += self._bytes // TICK_BYTES
            self._bytes %= TICK_BYTES
            self._changed.notify_all()

    def wait(self, ticks, until, timeout=DEADLINE_S):
        """Blocks for so many ticks; false if `until()` holds before that."""
        deadline = time.monotonic() + timeout
        with self._changed:
            goal = self.ticks + ticks
            while self.ticks < goal and not until():
                if time.monotonic() >= deadline:
                    raise Failure(f'{goal - self.ticks} of {ticks} ticks are still to come: nothing happens')
                self._changed.wait(0.5)
            return self.ticks >= goal


class Killer:
    """Kills and starts again what `victims` names, {name: harness's Server or Client}, as the seed has it."""

    def __init__(self, clock, victims, seed, ticks_max):
        self.clock = clock
        self.victims = victims
        self.random = random.Random(seed)
        self.ticks_max = ticks_max
        self.killed = collections.Counter()

    def draw(self, count):
        """The server is one victim among many, and the more interesting one: it is as likely as two clients."""
        names = sorted(self.victims) + ['server'] * ('server' in self.victims)
        chosen = []
        while len(chosen) < count:
            name = self.random.choice(names)
            chosen += [name] * (name not in chosen)
        return chosen

    def run(self, kills, until):
        """`kills` ends without warning, some of two at once; fewer only if `until()` holds before that."""
        while sum(self.killed.values()) < kills:
            if not self.clock.wait(self.random.randint(1, self.ticks_max), until):
                return
            together = 2 if len(self.victims) > 1 and self.random.random() < 0.2 else 1
            names = self.draw(min(together, kills - sum(self.killed.values())))
            for name in names:
                self.victims[name].kill9()
            for name in names:
                self.killed[name] += 1
                self.victims[name].daemon.start()  # whoever starts may be killed before it is ready


def descriptors(pid):
    """What a process has open, without what differs from run to run: a sorted list of kinds and file names."""
    found = []
    try:
        entries = os.listdir(f'/proc/{pid}/fd')
    except PermissionError:  # the programs hide from debuggers of their own user: only root sees this
        return found
    for entry in entries:
        try:
            target = os.readlink(f'/proc/{pid}/fd/{entry}')
        except FileNotFoundError:  # closed since
            continue
        found.append(re.sub(r':\[\d+\]$', '', os.path.basename(target)))
    return sorted(found)


def files(folder):
    """All files under `folder`, relative to it."""
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, _, names in os.walk(folder) for name in names)


def processes_of(text):
    """[(pid, command line)] of whatever names `text` on its command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                line = file.read().replace(b'\0', b' ').decode(errors='replace')
        except OSError:
            continue
        if text in line and int(pid) != os.getpid():
            found.append((int(pid), line))
    return found
