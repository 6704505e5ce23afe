#!/usr/bin/python3
"""An update of 76 MB over a line of 4 Mbit/s that goes dead for longer than any time-out, again and again: it arrives,
and next to nothing is sent twice. Time is scaled: the line is SCALE times as fast, and time-outs are as much shorter."""

import random

import harness
import jobs
from proxy import UP, Proxy
from runs import SIDE, RunCase

SCALE = 50
RATE = 4e6 / 8 * SCALE
IDLE_S = 120 / SCALE
UPDATE_BYTES = 76_000_000
OUTAGES = 4
TWICE_MAX = 0.02


class SlowLink(RunCase):
    def setUp(self):
        harness.TestCase.setUp(self)
        self.proxies = []
        self.srv = self.server({'limits': {'idle_s': IDLE_S}, 'log': {'level': 'debug'}})
        self.proxy = Proxy(self.srv.port)
        self.site0 = self.site(self.srv, 0, through=self.proxy)
        harness.edit_json(self.site0.config, {'idle_s': IDLE_S})

    def submit_large(self, update_bytes):
        hidden = update_bytes // 4 // (SIDE ** 2 + 1 + 4)
        job = jobs.squares('large', side=SIDE, hidden=[hidden], rounds=1, clients=1)
        job['training']['batch_size'] = 1000
        job['rounds']['seconds'] = {'max': 600}
        self.srv.submit(job)

    def outage(self):
        """Blocks until the line is dead, and then until both ends have given up; the line works again."""
        self.assertTrue(self.proxy.dead.wait(harness.DEADLINE_S), self.srv.daemon.tail())
        given_up = 'no byte has moved|not connected'
        for daemon, since in ((self.srv.daemon, self.srv.daemon.mark()), (self.site0.daemon, self.site0.daemon.mark())):
            daemon.wait_log(given_up, since)
        self.proxy.revive()

    def test_an_upload_with_outages_sends_next_to_nothing_twice(self):
        source = random.Random(7)
        self.proxy.rates[UP] = RATE
        self.proxy.outages = sorted(source.randrange(UPDATE_BYTES // 20, UPDATE_BYTES * 19 // 20)
                                    for _ in range(OUTAGES))
        self.site0.start_connected()
        self.submit_large(UPDATE_BYTES)
        for _ in range(OUTAGES):
            self.outage()
        self.srv.wait_finished('large')
        self.assertEqual(self.site0.trainings('large', 1), 1)
        sent = self.proxy.taken[UP]
        print(f'{sent:,} bytes for an update of {UPDATE_BYTES:,}: {100 * (sent / UPDATE_BYTES - 1):.2f} % twice')
        self.assertLess(sent, UPDATE_BYTES * (1 + TWICE_MAX), self.srv.daemon.tail())

    def test_a_line_that_is_very_slow_is_not_taken_for_a_dead_one(self):
        """64 kbit/s: what the sockets hold takes longer than a time-out, but bytes do move."""
        self.proxy.rates[UP] = 64e3 / 8 * SCALE
        self.site0.start_connected()
        self.submit_large(4_000_000)
        self.srv.wait_finished('large')
        self.assertEqual(self.site0.daemon.count('no byte has moved'), 0, self.site0.daemon.tail())
        self.assertEqual(self.srv.daemon.count('client site0 connected'), 1, self.srv.daemon.tail())


if __name__ == '__main__':
    harness.main()
