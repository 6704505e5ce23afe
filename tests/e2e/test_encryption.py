#!/usr/bin/python3
"""Homomorphic encryption between real processes: the model is that of the same integers without it, the server sees ciphertexts
only, and a key holder that is away, or a server that is killed, costs nothing but time."""

import os
import signal
import sqlite3

import numpy

import datasets
import harness
import jobs

INPUTS = 200
SITES = 3


class Encryption(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.holder_file = self.path('holder', 'holder.key')
        self.key = self.make_key(self.holder_file)
        self.sites = [self.site(number, self.key) for number in range(SITES)]

    def make_key(self, file):
        done = harness.fedclient('key', file)
        self.assertEqual(done.status, 0, done)
        return done.out.strip()

    def site(self, number, key):
        path = self.path(f'site{number}.csv')
        datasets.plain_table(path, 20 + number, INPUTS, seed=number)
        return self.client(self.srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'target', 'test_fraction': 0.2},
                           settings={'jobs': {'homomorphic_encryption': {'public_key': key}}})

    def holder(self, start=True, **settings):
        """A client that holds the key, and has no data."""
        jobs_section = {'homomorphic_encryption': {'secret_key': self.holder_file, **settings}}
        client = self.client(self.srv, 'holder', settings={'jobs': jobs_section}, start=False)
        self.without_data(client)
        return client.start_connected() if start else client

    def without_data(self, client):
        with open(client.config, encoding='utf-8') as file:
            content = harness.json.load(file)
        content.pop('data', None)
        harness.write_json(client.config, content)

    def job(self, name, rounds=2, encrypted=True, **sections):
        """Every site counts alike. Rounding to the grid is by chance, so models are compared to within some steps of it."""
        job = jobs.plain(name, INPUTS, rounds=rounds, clients=SITES, learning_rate=0.0001)
        job['aggregation'] = {'weighting': 'uniform', 'update_limit': 4096}
        job['quantisation'] = {'clipping_norm': 10000, 'steps': 1 << 24}
        if encrypted:
            job['homomorphic_encryption'] = {'public_key': self.key, 'key_holder': 'holder'}
        return {**job, **sections}

    def weights(self, name):
        _, tensors = datasets.read_safetensors(self.srv.export(name, f'{name}.safetensors'))
        return numpy.concatenate([tensors[each].ravel() for each in sorted(tensors)]).astype(float)

    def assert_model_of_all(self, name, rounds=2):
        self.srv.submit(self.job('plain', rounds=rounds, encrypted=False))
        self.srv.wait_finished('plain')
        expected = self.weights('plain')
        self.assertGreater(numpy.linalg.norm(expected), 0.01)
        self.assertLess(abs(self.weights(name) - expected).max(), 5e-3)

    def test_the_model_is_that_of_the_sum_and_the_server_sees_ciphertexts(self):
        holder = self.holder()
        self.srv.submit(self.job('secret', rounds=2))
        shown = self.srv.wait_finished('secret')
        self.assertEqual([row['accepted'] for row in shown['rounds']], [SITES, SITES])
        self.assertGreater(shown['rounds'][-1]['metrics']['clients']['rmse'], 0)
        with sqlite3.connect(os.path.join(self.srv.folder, 'registry.db')) as registry:
            rows = registry.execute("SELECT examples, weight, metrics, bytes FROM contributions").fetchall()
        self.assertEqual({row[:3] for row in rows}, {(1, 1.0, '{}')})
        self.assertEqual({row[3] % 768 for row in rows}, {0})
        self.assertEqual(holder.daemon.count('decrypting the sum of 3 clients'), 2)
        told = holder.ask('status')['key_held']
        self.assertEqual((told['secret_key'], told['public_key']), (self.holder_file, self.key))
        self.assert_model_of_all('secret')

    def test_columns_are_scaled_by_an_encrypted_sum(self):
        self.holder()
        for number, site in enumerate(self.sites):
            site.kill9()
            path = self.path(f'colours{number}.csv')
            datasets.write_table(path, datasets.table(60, seed=number))
            harness.edit_json(site.config, {'data': {'path': path, 'label': 'colour'}})
            site.start_connected()
        job = jobs.colours('colours', rounds=2, clients=SITES)
        job['homomorphic_encryption'] = {'public_key': self.key, 'key_holder': 'holder'}
        self.srv.submit(job)
        shown = self.srv.wait_finished('colours')
        self.srv.submit(jobs.colours('seen', rounds=1, clients=SITES))
        seen = self.srv.wait_finished('seen')
        self.assertEqual(shown['rounds'][0]['metrics']['scaling'], seen['rounds'][0]['metrics']['scaling'])

    def test_a_round_waits_for_its_key_holder(self):
        holder = self.holder(start=False)
        self.srv.submit(self.job('waits', rounds=1))
        self.srv.daemon.wait_log('job waits round 1: the sum of 3 updates is to be decrypted by holder, which is not there')
        self.assertIn('waits for the key holder holder, which is not connected or does not hold the job\'s key', self.srv.cli('why', 'waits').out)
        self.assertIn('waits for the key holder', self.srv.cli('status').out)
        self.srv.kill9()
        self.srv.start()
        self.srv.daemon.wait_log('job waits round 1: the sum of 3 updates is to be decrypted by holder')
        holder.start_connected()
        self.srv.wait_finished('waits')
        self.assertEqual([site.trainings('waits', 1) for site in self.sites], [1] * SITES)
        self.assert_model_of_all('waits', rounds=1)

    def test_a_server_that_is_killed_at_work_asks_for_the_same_sum_again(self):
        holder = self.holder()
        holder.daemon.signal(signal.SIGSTOP)
        self.srv.submit(self.job('again', rounds=1))
        self.srv.daemon.wait_log('job again round 1: the sum of 3 updates is to be decrypted by holder')
        self.srv.kill9()
        holder.daemon.signal(signal.SIGCONT)  # it may have got the question, or not
        self.srv.start()
        self.srv.wait_finished('again')
        self.assertEqual(holder.daemon.count('the sum is not decrypted'), 0)
        self.assertEqual([site.trainings('again', 1) for site in self.sites], [1] * SITES)
        self.assert_model_of_all('again', rounds=1)

    def test_a_job_of_a_key_holder_that_has_not_joined_is_refused(self):
        self.assertFails(self.srv.try_submit(self.job('nobody', rounds=1)), 1, 'key_holder: no client "holder" has joined')
        self.holder(start=False)
        self.srv.cli('revoke', 'holder')
        self.assertFails(self.srv.try_submit(self.job('nobody', rounds=1)), 1, 'key_holder: no client "holder" has joined')

    def test_a_waiting_job_can_be_cancelled(self):
        self.holder(start=False)
        self.srv.submit(self.job('gone', rounds=1))
        self.srv.daemon.wait_log('job gone round 1: the sum of 3 updates is to be decrypted')
        self.assertEqual(self.srv.cli('cancel', 'gone').status, 0)
        self.srv.daemon.wait_log('job gone: cancelled')
        self.sites[0].daemon.wait_log('job gone has ended')

    def test_a_client_without_data_says_so(self):
        holder = self.holder(start=False)
        done = holder.cli('check')
        self.assertEqual(done.status, 0, done)
        self.assertIn('no data: this client trains nothing', done.out)
        self.assertIn('holds the key in ' + self.holder_file, done.out)
        harness.write_json(self.path('job.json'), self.job('checked', encrypted=False))
        self.assertFails(holder.cli('check', '--job', self.path('job.json')), 2, 'this client has no data')

    def test_whoever_has_another_key_declines(self):
        self.holder(start=False)
        other = self.make_key(self.path('other.key'))
        job = self.job('other')
        job['homomorphic_encryption']['public_key'] = other
        self.assertFails(self.srv.try_submit(job), 1, "the job's public key is not the one that it was given")

    def test_a_key_holder_decrypts_no_sum_of_too_few(self):
        holder = self.holder(clients_min=4)
        self.srv.submit(self.job('few'))
        self.srv.daemon.wait_log('job few: paused')
        self.assertIn('decrypts sums of at least 4', self.srv.show('few')['detail'])
        told = holder.ask('status')
        self.assertEqual(told['key_held']['jobs'], ['few'])
        self.assertIn('decrypts sums of at least 4', told['own_refusal']['detail'])
        self.assertIn(f'that in {self.holder_file}, of the jobs few', holder.cli('status').out)

    def test_a_key_holder_whose_record_is_damaged_decrypts_nothing(self):
        holder = self.holder(start=False)
        with open(os.path.join(holder.state, 'decrypted'), 'w', encoding='utf-8') as file:
            file.write('nonsense\n')
        holder.start_connected()
        self.srv.submit(self.job('damaged'))
        holder.daemon.wait_log('decrypted, line 1')
        self.srv.daemon.wait_log('job damaged: paused')

    def test_wrong_keys_and_jobs_are_told_apart(self):
        done = harness.fedclient('key', self.holder_file)
        self.assertEqual(done.out.strip(), self.key)  # always the same
        os.chmod(self.holder_file, 0o644)
        self.assertFails(harness.fedclient('key', self.holder_file), 1, 'chmod')
        os.chmod(self.holder_file, 0o600)
        broken = self.job('broken')
        broken['homomorphic_encryption']['public_key'] = 'A' * 516
        self.assertFails(self.srv.try_submit(broken), 1, 'public key')
        both = self.job('both', secure_aggregation={})
        self.assertFails(self.srv.try_submit(both), 2, 'homomorphic_encryption', 'one of the two')
        large = self.job('large', model={'type': 'mlp', 'inputs': INPUTS, 'hidden': [300], 'outputs': 1})
        self.assertFails(self.srv.try_submit(large), 1, 'at most 50000 parameters')


if __name__ == '__main__':
    harness.main()
