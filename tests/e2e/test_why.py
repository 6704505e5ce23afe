#!/usr/bin/python3
"""`fedserver why` names the site that holds a round up, and the cause, in its first sentence; --json has the numbers."""

import signal
import time

import harness
import jobs
from processes import Failure
from proxy import UP, Fault, Proxy
from runs import CLASSES, SIDE, RunCase

UPDATE_BYTES, RATE = 8_000_000, 1_000_000
IDLE_S = 8  # a client that says nothing for 3 s stands still


class Why(RunCase):
    def setUp(self):
        harness.TestCase.setUp(self)
        self.proxies = []
        self.srv = self.server({'limits': {'idle_s': IDLE_S}})

    def submit_large(self, clients=2, name='large'):
        job = jobs.squares(name, side=SIDE, hidden=[UPDATE_BYTES // 4 // (SIDE ** 2 + 5)], classes=CLASSES, rounds=2,
                           clients=clients)
        job['training']['batch_size'] = 1000
        job['rounds']['seconds'] = {'max': 300, 'select': 120}
        job['rounds']['contributions'] = {'min': clients, 'goal': clients}
        self.srv.submit(job)

    def slow_site(self):
        """site0 behind a slow line, site1 on a good one; site0 is all that the round waits for."""
        proxy = Proxy(self.srv.port)
        proxy.rates[UP] = RATE
        clients = [self.site(self.srv, 0, through=proxy).start_connected(), self.site(self.srv, 1).start_connected()]
        self.submit_large()
        clients[1].daemon.wait_log('task 1: accepted')
        clients[0].daemon.wait_log('bytes to send')
        return proxy, clients

    def first_sentence(self):
        done = self.srv.cli('why', 'large')
        self.assertEqual(done.status, 0, done)
        return done.out.split('. ')[0]

    def wait_why(self, wanted):
        """Asks until the first sentence holds the words; returns why's JSON of that moment."""
        deadline = time.monotonic() + harness.DEADLINE_S
        while True:
            sentence, answer = self.first_sentence(), self.srv.ask('why', 'large')
            if wanted in sentence:
                return sentence, answer
            if time.monotonic() > deadline:
                raise Failure(f'{wanted!r} is not in {sentence!r}\n{self.srv.cli("why", "large").out}')

    @staticmethod
    def of(answer, name):
        return next(client for client in answer['clients'] if client['client'] == name)

    def test_a_slow_upload(self):
        proxy, _ = self.slow_site()
        sentence, answer = self.wait_why('to go')
        self.assertRegex(sentence, r'^Round 1 waits for site0: it uploads its update at [\d.]+ [kM]B/s, .* of 8.0 MB')
        self.assertEqual(answer['holds_up'], 'site0')
        self.assertEqual(answer['quorum'], {'min': 2, 'goal': 2, 'accepted': 1, 'missing': 1, 'outstanding': 1})
        slow = self.of(answer, 'site0')
        self.assertLess(slow['bytes_per_s'], 1.5 * RATE)
        self.assertGreater(slow['bytes_per_s'], 0)
        self.assertGreater(slow['ready_s'], 0)
        self.assertFalse(slow['stands_still'])
        self.assertGreater(slow['done'], 0)
        self.assertEqual(self.of(answer, 'site1')['state'], 'accepted')
        self.assertGreater(answer['disk']['free_bytes'], 0)
        self.assertGreater(answer['memory']['bytes_max'], answer['memory']['jobs_bytes'])
        # The same, for all jobs, in status.
        (job,) = self.srv.ask('status')['jobs']
        self.assertEqual(job['holds_up'], 'site0')
        self.assertIn('site0', job['summary'])
        self.assertIn('waits for site0', self.srv.cli('status').out)
        proxy.rates[UP] = None
        self.srv.wait_finished('large')

    def test_a_site_that_is_stopped_while_it_uploads(self):
        proxy, clients = self.slow_site()
        self.wait_why('uploads its update at')
        clients[0].daemon.signal(signal.SIGSTOP)
        sentence, answer = self.wait_why('nothing has come from it')
        self.assertRegex(sentence, r'^Round 1 is held up by site0: it has stopped uploading its update at .* of 8.0 MB')
        stopped = self.of(answer, 'site0')
        self.assertTrue(stopped['stands_still'])
        self.assertNotIn('ready_s', stopped)
        # When the server has given the connection up, it says so.
        sentence, answer = self.wait_why('is not connected')
        self.assertRegex(sentence, r'^Round 1 is held up by site0: it is not connected (for|since) .* \(no byte has moved')
        self.assertEqual(self.of(answer, 'site0')['state'], 'gone')
        clients[0].daemon.signal(signal.SIGCONT)
        proxy.rates[UP] = None
        self.srv.wait_finished('large')

    def test_a_line_that_stands_still(self):
        """The client lives, its line takes nothing more."""
        proxy = Proxy(self.srv.port, [Fault(UP, UPDATE_BYTES // 2, 'hold')])
        self.site(self.srv, 0, through=proxy).start_connected()
        self.submit_large(clients=1)
        self.assertTrue(proxy.held.wait(harness.DEADLINE_S))
        sentence, _ = self.wait_why('is held up by site0')
        self.assertIn('has stopped uploading its update', sentence)
        proxy.release()
        self.srv.wait_finished('large')

    def test_a_round_that_cannot_begin(self):
        self.site(self.srv, 0).start_connected()
        away = self.site(self.srv, 1)
        self.submit_large()
        sentence, answer = self.wait_why('cannot begin')
        self.assertEqual(sentence, 'Round 1 cannot begin: it needs 2 sites, and 1 can take part now')
        self.assertIn('Missing: site1 is not connected', answer['summary'])
        self.assertEqual(self.of(answer, 'site1')['state'], 'away')
        away.start()
        self.srv.wait_finished('large')


if __name__ == '__main__':
    harness.main()
