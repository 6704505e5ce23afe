#!/usr/bin/python3
"""Bad lines between clients and server: bytes that change on the way, links that break anywhere. The run ends with the
very bytes of the run over a good line, and nobody trains twice for it."""

import os
import random
import signal

import harness
import jobs
from proxy import DOWN, UP, Fault, Proxy
from runs import IN_THE_DOWNLOAD, IN_THE_UPLOAD, MODEL_BYTES, ROUNDS, SIDE, RunCase


class Links(RunCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()

    def run_with(self, plan, options=(), folder=''):
        """The first client behind a proxy with this plan, the second on a good line, from submission to the end."""
        proxy = Proxy(self.srv.port, plan)
        clients = [self.site(self.srv, 0, folder, proxy), self.site(self.srv, 1, folder)]
        self.submit(self.srv)
        for client in clients:
            client.start(*options)
        self.assertAsUndisturbed(self.srv)
        self.assertGreater(proxy.faults, 0, 'nothing has happened to the line')
        self.assertTrained(clients)
        return proxy, clients

    def test_an_altered_download(self):
        self.run_with([Fault(DOWN, offset, 'flip') for offset in (1000, 70_000, IN_THE_DOWNLOAD)])

    def test_an_altered_upload(self):
        self.run_with([Fault(UP, offset, 'flip') for offset in (600, 70_000, IN_THE_UPLOAD)])

    def test_any_byte_may_change(self):
        source = random.Random(5)
        self.run_with([Fault(source.choice((UP, DOWN)), source.randrange(MODEL_BYTES), 'flip') for _ in range(8)])

    def test_a_client_that_ends_with_the_job_survives_altered_bytes(self):
        plan = [Fault(DOWN, IN_THE_DOWNLOAD, 'flip'), Fault(UP, IN_THE_UPLOAD, 'flip'), Fault(UP, 600, 'flip')]
        _, clients = self.run_with(plan, ['--once'])
        for client in clients:
            self.assertEqual(client.daemon.wait_exit(), 0, client.daemon.tail())

    def test_a_broken_upload_goes_on_where_it_was(self):
        proxy, _ = self.run_with([Fault(UP, IN_THE_UPLOAD, 'cut')])
        self.assertLess(proxy.totals[UP], ROUNDS * MODEL_BYTES + IN_THE_UPLOAD / 2)

    def test_a_broken_download_goes_on_where_it_was(self):
        proxy, _ = self.run_with([Fault(DOWN, IN_THE_DOWNLOAD, 'cut')])
        self.assertLess(proxy.totals[DOWN], ROUNDS * MODEL_BYTES + IN_THE_DOWNLOAD / 2)

    def test_links_that_break_anywhere(self):
        for seed in range(3):
            with self.subTest(seed=seed):
                source = random.Random(seed)
                self.srv = self.server(name=f'server{seed}')
                self.run_with([Fault(source.choice((UP, DOWN)), source.randrange(MODEL_BYTES), 'cut')
                               for _ in range(10)], folder=f'sites{seed}')
                for daemon in self.daemons:
                    daemon.stop_for_good()

    def test_links_that_break_at_once(self):
        self.run_with([Fault(direction, offset, 'cut') for offset in (0, 1, 8, 50, 100, 200, 300)
                       for direction in (UP, DOWN)])

    def test_a_frozen_link_is_made_again(self):
        """Nothing moves for idle_s: both ends notice, the client connects again and goes on."""
        self.srv.kill9()
        harness.edit_json(self.srv.config, {'limits': {'idle_s': 2}})
        self.srv.start()
        proxy = Proxy(self.srv.port, [Fault(UP, IN_THE_UPLOAD, 'hold')])
        clients = [self.site(self.srv, 0, through=proxy), self.site(self.srv, 1)]
        self.submit(self.srv)
        for client in clients:
            client.start()
        self.assertTrue(proxy.held.wait(60))
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_a_client_that_vanishes_in_the_middle_of_a_download(self):
        """The server's next write finds the connection broken: an error like others, not the end of the process."""
        proxy = Proxy(self.srv.port, [Fault(DOWN, IN_THE_DOWNLOAD, 'hold')])
        client = self.site(self.srv, 0, through=proxy).start_connected()
        model_bytes_at_least = 6 << 20  # more than the buffers of two sockets hold
        job = jobs.squares('large', side=SIDE, hidden=[model_bytes_at_least // 4 // SIDE ** 2], rounds=1, clients=1)
        job['training']['batch_size'] = 1000
        self.srv.submit(job)
        self.assertTrue(proxy.held.wait(60), self.srv.daemon.tail())
        self.srv.daemon.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.srv.pid, os.WSTOPPED | os.WNOWAIT)
        proxy.slam()
        self.srv.daemon.signal(signal.SIGCONT)
        self.srv.daemon.wait_log('client site0 connected', count=2)
        self.srv.wait_finished('large')
        self.assertEqual(client.trainings('large', 1), 1)

    def test_a_stopped_client_does_not_stop_the_server(self):
        """SIGSTOP: the machine sleeps. The others are served; when it wakes up it goes on."""
        clients = [self.site(self.srv, number).start_connected() for number in range(2)]
        clients[0].daemon.signal(signal.SIGSTOP)
        self.submit(self.srv)
        clients[1].daemon.wait_log('job job: .* rows to train on')
        self.assertIn('job', self.srv.cli('why', 'job').out)
        clients[0].daemon.signal(signal.SIGCONT)
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)


if __name__ == '__main__':
    harness.main()
