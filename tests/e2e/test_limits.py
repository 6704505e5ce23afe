#!/usr/bin/python3
"""A site's own limits: which jobs it agrees to, its hours, its rates, its nice level; what its administrator sees of
them, and what the server's operator is told."""

import glob
import json
import time

import datasets
import harness
import jobs
from proxy import UP, Proxy
from runs import CLASSES, HIDDEN, MODEL_BYTES, SIDE

BYTES_PER_MBIT = 125_000


def burst_of(mbit_s):
    """What common/base/token_bucket.h lets go at once."""
    return min(max(mbit_s * BYTES_PER_MBIT * 0.05, 4096), 256 * 1024)


def clock(hours):
    """The wall clock in so many hours."""
    return time.strftime('%H:%M', time.localtime(time.time() + 3600 * hours))


class MeasuringProxy(Proxy):
    """Knows when how many bytes had come from the client: [(seconds since it began, bytes)]."""

    def __init__(self, target_port):
        self.began = time.monotonic()
        self.measured = []
        super().__init__(target_port)

    def _send(self, line, source, data):
        super()._send(line, source, data)
        self.measured.append((time.monotonic() - self.began, self.totals[UP]))


class Limits(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()

    def table(self, number, rows=40, inputs=3):
        path = self.path(f'site{number}.csv')
        datasets.plain_table(path, rows, inputs, seed=number)
        return {'format': 'csv', 'path': path, 'label': 'target'}

    def images(self):
        paths = self.path('images'), self.path('labels')
        datasets.images(*paths, count=60, side=SIDE, classes=CLASSES, seed=1)
        return {'format': 'idx', 'images': paths[0], 'labels': paths[1]}

    def seen(self, job, client):
        """What `why` says of one client."""
        return next(c for c in self.srv.ask('why', job)['clients'] if c['client'] == client)


class Agreement(Limits):
    def test_a_declined_job_is_visible_with_the_reason_on_both_sides(self):
        willing = self.client(self.srv, 'willing', self.table(0))
        site = self.client(self.srv, 'choosy', self.table(1), settings={'jobs': {'names': ['heart-*']}})
        self.srv.submit(jobs.plain('lung', 3, clients=2))
        site.daemon.wait_log('job lung is declined')
        willing.daemon.wait_log('job lung: .* rows to train on')
        shown = self.srv.wait_for('lung', lambda _: self.seen('lung', 'choosy')['state'] == 'unable')
        self.assertEqual(shown['state'], 'running')
        self.assertIn('jobs.names in its client.json', self.seen('lung', 'choosy')['detail'])
        self.assertIn('it takes part in jobs of other names only', self.srv.cli('why', 'lung').out)
        self.assertIn('jobs.names', site.ask('status')['declined']['lung'])
        self.assertIn('declined      job lung: this site does not agree', site.cli('status').out)
        self.srv.submit(jobs.plain('heart-1', 3, clients=2))
        self.srv.wait_finished('heart-1')
        self.assertEqual(site.trainings('lung', 1), 0)

    def test_a_job_that_nobody_agrees_to_is_refused_with_their_reasons(self):
        self.client(self.srv, 'models', self.table(0), settings={'jobs': {'models': ['mlp']}})
        self.client(self.srv, 'rows', self.table(1, rows=30), settings={'jobs': {'rows_min': 50}})
        self.client(self.srv, 'updates', self.table(2), settings={'jobs': {'leaves': ['gradient']}})
        self.client(self.srv, 'sizes', self.table(3), settings={'jobs': {'update_bytes_max': 8}})
        refused = self.srv.try_submit(jobs.plain('trial', 3))
        self.assertFails(refused, 1, 'no connected client can do this job', 'models: this site does not agree',
                         'jobs.models', 'jobs.rows_min', 'jobs.leaves', 'jobs.update_bytes_max')

    def test_metrics_stay_where_they_are_not_to_leave(self):
        site = self.client(self.srv, 'quiet', self.table(0), settings={'jobs': {'leaves': ['delta']}})
        self.srv.submit(jobs.plain('trial', 3, rounds=2, clients=1))
        shown = self.srv.wait_finished('trial')
        self.assertEqual([row['accepted'] for row in shown['rounds']], [1, 1])
        for row in shown['rounds']:
            self.assertFalse(row.get('metrics', {}).get('clients'), row)
        told = site.ask('check')['leaves']
        self.assertFalse([line for line in told if 'how good' in line or 'loss' in line], told)
        self.assertEqual(len(told), 4, told)  # the update, its noise, rows, what is said of the work


class Hours(Limits):
    def test_outside_its_hours_a_client_is_not_asked_and_both_sides_say_until_when(self):
        closed = {'limits': {'hours': [{'from': clock(2), 'to': clock(3)}]}}
        site = self.client(self.srv, 'north', self.table(0), settings=closed)
        self.srv.daemon.wait_log('client north: resting until')
        self.srv.submit(jobs.plain('trial', 3, clients=1))
        site.daemon.wait_log('job trial: .* rows to train on')
        self.srv.wait_for('trial', lambda _: self.seen('trial', 'north')['state'] == 'resting')
        until = f'resting until {closed["limits"]["hours"][0]["from"]}'
        self.assertEqual(self.seen('trial', 'north')['detail'], until)
        self.assertIn(f'north is {until}', self.srv.ask('why', 'trial')['summary'])
        self.assertIn(until, self.srv.cli('why', 'trial').out)
        self.assertIn(until, self.srv.cli('clients').out)
        status = site.ask('status')
        self.assertEqual(status['limits']['open'], False)
        self.assertEqual(status['limits']['state'], until)
        self.assertIn(until, site.cli('check').out)
        self.assertEqual(site.daemon.count('training on'), 0)

        # The administrator opens it, and the round goes on with whoever waits for it.
        site.daemon.terminate()
        harness.edit_json(site.config, {'limits': {'hours': [{'from': clock(-1), 'to': clock(2)}]}})
        site.start_connected()
        self.srv.wait_finished('trial')
        self.assertEqual(site.trainings('trial', 1), 1)

    def test_a_window_that_is_too_short_for_a_task_is_not_used(self):
        """The rates say how long a task takes at least: here longer than the hours still last."""
        limits = {'hours': [{'from': clock(-1), 'to': clock(3 / 60)}],  # for two to three minutes
                  'upload_mbit_s_max': 0.01, 'download_mbit_s_max': 0.1}  # 184 s and 18 s for this model
        site = self.client(self.srv, 'north', self.images(), settings={'limits': limits})
        self.srv.daemon.wait_log('client north: open')
        job = jobs.squares('trial', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=1, clients=1)
        self.srv.submit(job)
        self.srv.wait_for('trial', lambda _: self.seen('trial', 'north')['state'] == 'left out')
        self.assertRegex(self.seen('trial', 'north')['detail'], "its site's hours end in .*; its tasks take 3 min")
        self.assertIn('0.01 Mbit/s up, 0.1 Mbit/s down, hours', self.srv.cli('why', 'trial').out)
        self.assertEqual(site.daemon.count('training on'), 0)

    def test_an_update_that_is_done_waits_in_the_outbox(self):
        """The link breaks in the upload, the hours are over when it is back: nothing moves until they begin again."""
        data = self.images()
        site = self.client(self.srv, 'north', data, settings={'limits': {'upload_mbit_s_max': 0.05}})
        self.srv.submit(jobs.squares('trial', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=1, clients=1))
        site.daemon.wait_log('job trial task 1: done')
        site.kill9()
        harness.edit_json(site.config, {'limits': {'hours': [{'from': clock(2), 'to': clock(3)}],
                                                   'upload_mbit_s_max': 0}})
        site.start_connected()
        site.daemon.wait_log('job trial: .* rows to train on')
        self.srv.wait_for('trial', lambda _: self.seen('trial', 'north')['state'] == 'resting')
        self.assertEqual([kept['bytes'] for kept in site.ask('status')['outbox']], [MODEL_BYTES])
        site.daemon.terminate()
        harness.edit_json(site.config, {'limits': {'hours': []}})
        site.start_connected()
        self.srv.wait_finished('trial')
        self.assertEqual(site.trainings('trial', 1), 1)


class Rates(Limits):
    def submit(self, rounds=1):
        self.srv.submit(jobs.squares('trial', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=rounds, clients=1))

    def test_an_upload_is_at_no_moment_ahead_of_its_rate(self):
        mbit_s = 2
        proxy = MeasuringProxy(self.srv.port)
        self.addCleanup(proxy.close)
        site = self.client(self.srv, 'north', self.images(), start=False,
                           settings={'limits': {'upload_mbit_s_max': mbit_s}})
        harness.edit_json(site.config, {'server': proxy.address})
        proxy.began = time.monotonic()
        site.start_connected()
        self.submit()
        self.srv.wait_finished('trial')
        self.assertGreater(proxy.totals[UP], MODEL_BYTES)
        handshake = 1024
        for seconds, sent in proxy.measured:
            self.assertLessEqual(sent, seconds * mbit_s * BYTES_PER_MBIT + 2 * burst_of(mbit_s) + handshake)

    def test_a_download_is_no_faster_than_its_rate_and_the_operator_sees_both(self):
        mbit_s = 2
        site = self.client(self.srv, 'north', self.images(),
                           settings={'limits': {'download_mbit_s_max': mbit_s, 'upload_mbit_s_max': 50}})
        began = time.monotonic()
        self.submit()
        site.daemon.wait_log('job trial task 1: training on')
        least = (MODEL_BYTES - 2 * burst_of(mbit_s)) / (mbit_s * BYTES_PER_MBIT)
        self.assertGreaterEqual(time.monotonic() - began, least)
        self.assertEqual(self.seen('trial', 'north')['limits'], '50 Mbit/s up, 2 Mbit/s down')
        self.srv.wait_finished('trial')

    def test_a_site_too_slow_for_a_round_is_not_asked_and_the_reason_is_told(self):
        site = self.client(self.srv, 'narrow', self.images(),
                           settings={'limits': {'upload_mbit_s_max': 0.02}})
        job = jobs.squares('trial', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=1, clients=1)
        job['rounds']['seconds'] = {'max': 20}
        self.srv.submit(job)
        self.srv.wait_for('trial', lambda _: self.seen('trial', 'narrow')['state'] == 'left out')
        self.assertIn('0.02 Mbit/s up', self.seen('trial', 'narrow')['detail'])
        self.assertEqual(site.daemon.count('training on'), 0)


class Machine(Limits):
    def test_every_thread_yields_as_far_as_the_site_says(self):
        site = self.client(self.srv, 'north', self.table(0), settings={'limits': {'nice': 7}})
        self.srv.submit(jobs.plain('trial', 3, clients=1))
        self.srv.wait_finished('trial')  # every thread has been needed
        levels = []
        for path in glob.glob(f'/proc/{site.daemon.process.pid}/task/*/stat'):
            with open(path, encoding='utf-8') as file:
                levels.append(int(file.read().rsplit(')', 1)[1].split()[16]))
        self.assertGreater(len(levels), 1)
        self.assertEqual(set(levels), {7})

    def test_who_is_not_chosen_is_told_why_and_for_how_long_at_most(self):
        sites = [self.client(self.srv, f'site{number}', self.table(number), settings={'log': {'level': 'debug'}})
                 for number in range(3)]
        job = jobs.plain('trial', 3, rounds=5, clients=2)
        job['rounds']['seconds'] = {'max': 60, 'select': 60}
        self.srv.submit(job)
        self.srv.wait_finished('trial')
        told = sum(site.daemon.count('job trial: round [0-9]+ does not ask this client') for site in sites)
        self.assertGreaterEqual(told, 1, json.dumps([site.daemon.tail() for site in sites]))


if __name__ == '__main__':
    harness.main()
