#!/usr/bin/python3
"""Secure aggregation between real processes: the model is that of the sum, whoever drops out or is killed, the server has no
value of a single site, and a site that does not trust takes no part and says why."""

import json
import os
import signal
import sqlite3

import numpy

import datasets
import harness
import jobs

INPUTS = 200
SITES = 4
SLOW = 3  # the site that is at work for a moment


def seen(name, sites=SITES, rounds=1):
    """Every site counts alike. So many epochs that a site of a thousand rows is at work for a moment."""
    job = jobs.plain(name, INPUTS, rounds=rounds, clients=sites, learning_rate=0.0001)
    job['training']['epochs'] = 2000
    job['aggregation'] = {'weighting': 'uniform', 'update_limit': 4096}
    return job


def secret(name, sites=SITES, rounds=1, phase_s=60, **sections):
    job = seen(name, sites, rounds)
    job['rounds']['contributions'] = {'min': 3, 'goal': sites}
    job['quantisation'] = {'clipping_norm': 10000, 'steps': 1 << 24}
    job['secure_aggregation'] = {'phase_s': phase_s}
    return {**job, **sections}


class SecureCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.sites = [self.site(number) for number in range(SITES)]

    def site(self, number, **options):
        path = self.path(f'site{number}.csv')
        datasets.plain_table(path, 1500 if number == SLOW else 5 + number, INPUTS, seed=number)
        return self.client(self.srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'target', 'test_fraction': 0.2},
                           **options)

    def weights(self, name):
        _, tensors = datasets.read_safetensors(self.srv.export(name, f'{name}.safetensors'))
        return numpy.concatenate([tensors[each].ravel() for each in sorted(tensors)]).astype(float)

    def assertModelOf(self, name, sites):
        """That of the updates of these sites, as a job without any secrets makes it of them."""
        for number, site in enumerate(self.sites):
            if number not in sites and site.daemon.running:
                site.kill9()
        plain = seen(f'{name}-plain', len(sites))
        self.srv.submit(plain)
        self.srv.wait_finished(plain['name'])
        expected = self.weights(plain['name'])
        self.assertGreater(numpy.linalg.norm(expected), 0.01)
        # The grid has steps of 10000 / 2^24.
        self.assertLess(abs(self.weights(name) - expected).max(), 5e-3)

    def freeze_one(self, job):
        """The slow site stands still until the others are ready; then site 0 does, and the slow one makes the sum begin."""
        self.srv.submit(job)
        self.sites[SLOW].daemon.wait_log(rf'job {job["name"]} task [0-9]+: training on')
        self.sites[SLOW].daemon.signal(signal.SIGSTOP)
        self.srv.wait_for(job['name'], lambda shown: shown['accepted'] == 3)
        self.sites[0].daemon.signal(signal.SIGSTOP)
        self.sites[SLOW].daemon.signal(signal.SIGCONT)
        self.srv.daemon.wait_log(rf'job {job["name"]} round 1: sum 1 of the updates of 4 clients begins')

    def waits_for(self, job, number):
        """Only that site's answer is missing in the sum."""
        self.srv.wait_for(job, lambda _: f'waits for site{number};' in self.srv.cli('why', job).out)


class Sums(SecureCase):
    def test_the_model_is_that_of_the_sum_and_no_site_is_seen(self):
        self.srv.submit(secret('secret', rounds=2))
        shown = self.srv.wait_finished('secret')
        self.assertEqual([row['accepted'] for row in shown['rounds']], [4, 4])
        # Means over the sites, of their own test rows.
        self.assertGreater(shown['rounds'][-1]['metrics']['clients']['rmse'], 0)
        with sqlite3.connect(os.path.join(self.srv.folder, 'registry.db')) as registry:
            rows = registry.execute('SELECT examples, weight, metrics FROM contributions').fetchall()
        self.assertEqual(set(rows), {(1, 1.0, '{}')})
        peers = self.sites[0].ask('roster')['peers']
        self.assertEqual({peer['name'] for peer in peers}, {'site1', 'site2', 'site3'})

        self.srv.submit(seen('plain', rounds=2))
        self.srv.wait_finished('plain')
        self.assertLess(abs(self.weights('secret') - self.weights('plain')).max(), 5e-3)

    def test_who_falls_silent_is_left_out(self):
        self.freeze_one(secret('silent', phase_s=1))
        self.srv.wait_finished('silent')
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.sites[0].daemon.wait_log('job silent task 1: discarded')
        self.assertModelOf('silent', {1, 2, 3})

    def test_a_killed_server_goes_on_with_the_sum(self):
        self.freeze_one(secret('resumed'))
        why = self.srv.cli('why', 'resumed').out
        self.assertIn('site0', why)
        self.assertIn('keys', why)
        self.assertEqual([site['client'] for site in self.srv.ask('why', 'resumed')['clients'] if 'examples' in site], [])
        self.srv.kill9()
        self.srv.start()
        self.srv.daemon.wait_log('job resumed round 1: goes on with sum 1, step keys')
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.srv.wait_finished('resumed')
        self.assertEqual([site.trainings('resumed', 1) for site in self.sites], [1, 1, 1, 1])
        self.assertModelOf('resumed', {0, 1, 2, 3})

    def test_a_killed_client_has_dropped_out_of_the_sum(self):
        self.freeze_one(secret('dropped'))
        self.waits_for('dropped', 0)
        self.sites[1].kill9()
        self.sites[1].start_connected()
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.srv.wait_finished('dropped')
        self.sites[1].daemon.wait_log('takes no part in sum 1: unknown_sum')
        self.sites[1].daemon.wait_log('job dropped task 1: discarded')
        self.assertModelOf('dropped', {0, 2, 3})

    def test_with_too_few_left_another_sum_is_made_and_nobody_trains_again(self):
        self.freeze_one(secret('again', phase_s=2))
        for site in self.sites[1:3]:  # one is left, and one that stands still
            site.kill9()
        self.srv.daemon.wait_log('job again round 1: sum 1 has come to nothing')
        for site in self.sites[1:3]:
            site.start_connected()
        self.srv.wait_finished('again')
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.assertEqual([site.trainings('again', 1) for site in self.sites], [1, 1, 1, 1])
        self.assertModelOf('again', {1, 2, 3})


class Noise(SecureCase):
    def test_a_sum_that_is_tried_again_costs_its_sites_again(self):
        """One site after the other stands still, so that all but one have masked when two are killed."""
        job = secret('dear', quantisation={'clipping_norm': 10000}, privacy={
            'mechanism': 'distributed_gaussian', 'clipping_norm': 10000, 'noise_multiplier': 1.5, 'epsilon_max': 1000})
        job['rounds']['seconds'] = {'max': 60, 'select': 2}
        self.freeze_one(job)
        for still, goes_on in ((1, 0), (0, 1)):
            self.waits_for('dear', goes_on)
            self.sites[still].daemon.signal(signal.SIGSTOP)
            self.sites[goes_on].daemon.signal(signal.SIGCONT)
        self.waits_for('dear', 0)
        for site in self.sites[1:3]:
            site.kill9()
            site.start_connected()
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.srv.daemon.wait_log('job dear round 1: sum 1 has come to nothing')
        self.srv.wait_finished('dear')
        self.assertEqual([site.trainings('dear', 1) for site in self.sites], [1, 1, 1, 1])
        self.assertEqual({row['versions'] for row in self.srv.ask('privacy', 'show', 'dear')['clients']}, {1})
        spent = self.srv.ask('privacy', 'show', 'dear')['epsilon']
        for site in self.sites[1:]:
            with open(os.path.join(site.state, 'privacy.ledger'), encoding='ascii') as ledger:
                drawn = [line for line in ledger if line.startswith('dear 1 1.5 distributed_gaussian 3 ')]
            self.assertEqual(len(drawn), 2)
            self.assertGreater(site.ask('status')['privacy']['epsilon'], 1.2 * spent)


class Buffered(SecureCase):
    """Asynchronous rounds: those who began from the same version are summed up together."""

    def buffered(self, name, goal=SITES, **rounds):
        job = secret(name)
        job['rounds'].update({'contributions': {'min': 3, 'goal': goal}, 'staleness': {'max': 3}, **rounds})
        return job

    def test_versions_come_from_groups_and_no_site_is_seen(self):
        job = self.buffered('buffered', goal=3, max=6)
        job['training']['epochs'] = 20
        job['training']['optimizer']['learning_rate'] = 0.01
        self.srv.submit(job)
        shown = self.srv.wait_finished('buffered')
        rows = [row for row in shown['rounds'] if row['state'] == 'committed']
        self.assertEqual([row['round'] for row in rows], [1, 2, 3, 4, 5, 6])
        self.assertTrue(all(3 <= row['accepted'] <= 4 for row in rows), rows)
        truth = numpy.array([0.5, *range(1, INPUTS + 1)])  # of plain_table
        self.assertLess(numpy.linalg.norm(self.weights('buffered') - truth), numpy.linalg.norm(truth))
        with sqlite3.connect(os.path.join(self.srv.folder, 'registry.db')) as registry:
            rows = registry.execute("SELECT DISTINCT examples, weight, metrics FROM contributions"
                                    " WHERE outcome = 'accepted'").fetchall()
            left = registry.execute("SELECT count(*) FROM tasks").fetchone()
        self.assertEqual(rows, [(1, 1.0, '{}')])
        self.assertLessEqual(left[0], 1)  # of a client that was still at work at the end

    def test_a_killed_server_goes_on_with_the_sum(self):
        self.freeze_one(self.buffered('resumed'))
        self.srv.kill9()
        self.srv.start()
        self.srv.daemon.wait_log('job resumed round 1: goes on with sum 1, step keys')
        self.sites[0].daemon.signal(signal.SIGCONT)
        self.srv.wait_finished('resumed')
        self.assertEqual([site.trainings('resumed', '[0-9]+') for site in self.sites], [1, 1, 1, 1])
        self.assertModelOf('resumed', {0, 1, 2, 3})


class Columns(harness.TestCase):
    def test_the_scaling_comes_from_a_sum_under_masks(self):
        srv = self.server()
        tables = [datasets.table(size, seed) for seed, size in enumerate((60, 90, 40, 75))]
        for number, rows in enumerate(tables):
            path = datasets.write_table(self.path(f'site{number}.csv'), rows)
            self.client(srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'colour', 'test_fraction': 0})
        job = jobs.colours('columns', rounds=2, clients=4)
        job['rounds']['contributions'] = {'min': 3}
        job['secure_aggregation'] = {}
        srv.submit(job)
        shown = srv.wait_finished('columns')
        self.assertEqual([row['accepted'] for row in shown['rounds']], [4, 4, 4])
        srv.daemon.wait_log('job columns round 0: sum 1 of the updates of 4 clients begins')
        metadata, _ = datasets.read_safetensors(srv.export('columns', 'm.safetensors'))
        scaling = json.loads(metadata['statistics'])
        cells = [[row[i] for table in tables for row in table if row[i] is not None] for i in (0, 1)]
        numpy.testing.assert_allclose(scaling['means'], [numpy.mean(each) for each in cells], rtol=1e-9)
        numpy.testing.assert_allclose(scaling['deviations'], [numpy.std(each) for each in cells], rtol=1e-7)


class Distrust(SecureCase):
    def test_a_site_that_pins_refuses_strangers_and_says_so(self):
        self.sites[0].kill9()
        harness.edit_json(self.sites[0].config, {'jobs': {'secure_aggregation': {'peers': 'pinned'}}})
        self.sites[0].start_connected()
        self.srv.submit(secret('pinned'))
        self.srv.wait_finished('pinned')
        self.sites[0].daemon.wait_log('takes no part in sum 1: unknown_peer')
        self.srv.daemon.wait_log('site0 takes no part in sum 1: unknown_peer')
        told = self.sites[0].ask('status')['own_refusal']
        self.assertEqual((told['job'], told['task'], told['reason']), ('pinned', 1, 'unknown_peer'))
        self.assertModelOf('pinned', {1, 2, 3})

    def test_a_site_declines_what_protects_less_than_it_asks(self):
        self.sites[0].kill9()
        harness.edit_json(self.sites[0].config, {'jobs': {'secure_aggregation': {'required': True, 'clients_min': 4}}})
        self.sites[0].start_connected()
        self.srv.submit(jobs.plain('open', INPUTS))
        self.sites[0].daemon.wait_log('job open is declined: .*jobs.secure_aggregation.required')
        self.srv.submit(secret('few'))
        self.sites[0].daemon.wait_log('job few is declined: .*jobs.secure_aggregation.clients_min')

    def test_jobs_that_cannot_be_secret_are_refused_with_the_reason(self):
        for status, changes, *parts in (
                (2, {'rounds': {'max': 1, 'cohort': 4, 'contributions': {'min': 2}}}, '/rounds/contributions/min', '3'),
                (2, {'keep': {'rounds': 1}}, '/keep/rounds', 'allowed: 0'),
                (2, {'rounds': {'max': 1, 'cohort': 4, 'contributions': {'min': 3}, 'selection': {'by': 'examples'}}},
                 '/rounds/selection/by', 'uniform'),
                (2, {'rounds': {'max': 1, 'cohort': 3, 'contributions': {'min': 3, 'goal': 4}, 'staleness': {'max': 3}}},
                 '/rounds/contributions/goal', 'at most rounds.cohort'),
                (1, {'secure_aggregation': {'corrupted': 0.5, 'dropped': 0.5}}, 'secure_aggregation.corrupted',
                 'allowed: secure_aggregation.dropped up to')):
            job = {**secret('refused'), **changes}
            self.assertFails(self.srv.try_submit(job), status, *parts)
            # Of the file alone, all that can be known of it.
            self.assertFails(harness.fedserver('check', self.write('refused.json', json.dumps(job))), 2, *parts)


if __name__ == '__main__':
    harness.main()
