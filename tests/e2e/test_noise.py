#!/usr/bin/python3
"""Noise that clients add, between real processes: a secure sum has the noise of its fewest survivors and no more of any site, both
ledgers have what `fedserver privacy plan` says, a site whose limit is spent says so, and next to no noise changes next to nothing."""

import json
import math
import os
import sqlite3

import numpy

import datasets
import harness
import jobs

INPUTS = 2000
COORDINATES = INPUTS + 1
SITES = 5
STEPS = 65536
NORM = 2


def seen(name, rounds=1, learning_rate=1e-9):
    """Every site counts alike; with this learning rate their updates are next to nothing."""
    job = jobs.plain(name, INPUTS, rounds=rounds, clients=SITES, learning_rate=learning_rate)
    job['aggregation'] = {'weighting': 'uniform'}
    return job


def noisy(name, mechanism='distributed_gaussian', rounds=1, learning_rate=1e-9, noise=1.5, epsilon_max=1e6):
    job = seen(name, rounds, learning_rate)
    job['rounds']['contributions'] = {'min': SITES - 1, 'goal': SITES}
    job['privacy'] = {'mechanism': mechanism, 'clipping_norm': NORM, 'noise_multiplier': noise, 'epsilon_max': epsilon_max}
    if mechanism == 'distributed_gaussian':
        job['secure_aggregation'] = {}
    return job


def plan(rounds, mechanism='distributed_gaussian', noise=1.5):
    asked = ['--mechanism', mechanism, '--noise-multiplier', str(noise), '--rounds', str(rounds)]
    if mechanism == 'distributed_gaussian':
        asked += ['--survivors-min', str(SITES - 1), '--parameters', str(COORDINATES), '--clip-steps', str(STEPS)]
    done = harness.fedserver('privacy', 'plan', '--json', *asked)
    assert done.status == 0, done.err
    return json.loads(done.out)['epsilon']


class Noise(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.sites = []
        for number in range(SITES):
            path = self.path(f'site{number}.csv')
            datasets.plain_table(path, 6 + number, INPUTS, seed=number)
            self.sites.append(self.client(self.srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'target',
                                                                      'test_fraction': 0.2}))

    def weights(self, job):
        self.srv.submit(job)
        self.srv.wait_finished(job['name'])
        _, tensors = datasets.read_safetensors(self.srv.export(job['name'], f'{job["name"]}.safetensors'))
        return numpy.concatenate([tensors[name].ravel() for name in sorted(tensors)]).astype(float)

    def entered(self, site):
        """The lines of its ledger, but for what the server has said to them."""
        with open(os.path.join(site.state, 'privacy.ledger'), encoding='ascii') as ledger:
            return ''.join(line for line in ledger if not line.endswith(' accepted\n'))

    def assertDeviation(self, noise, expected):
        # Six standard errors of a mean and of a variance.
        self.assertLess(abs(noise.mean()), 6 * expected / math.sqrt(noise.size))
        self.assertLess(abs(noise.var() / expected**2 - 1), 6 * math.sqrt(2 / noise.size))

    def test_a_secure_sum_has_the_shares_of_all_who_are_in_it(self):
        quiet = self.weights(seen('quiet'))
        noise = (self.weights(noisy('noisy')) - quiet) * SITES
        # Of four at the least, and five are in it.
        self.assertDeviation(noise, 1.5 * NORM * math.sqrt(SITES / (SITES - 1)))
        spent = self.srv.ask('privacy', 'show', 'noisy')
        self.assertEqual(spent['mechanism'], 'distributed_gaussian')
        self.assertAlmostEqual(spent['epsilon'], plan(1), places=6)
        self.assertEqual({row['versions'] for row in spent['clients']}, {1})
        for site in self.sites:
            self.assertEqual(self.entered(site),
                             f'noisy 1 1.5 distributed_gaussian {SITES - 1} {COORDINATES} {STEPS} {math.exp(-0.5)!r}\n')
            self.assertAlmostEqual(site.ask('status')['privacy']['epsilon'], plan(1), places=6)
        shown = self.srv.show('noisy')
        self.assertEqual([row['metrics'] for row in shown['rounds']], [{}])

    def test_each_site_by_itself(self):
        for mechanism, times in (('local_gaussian', 1), ('local_laplace', math.sqrt(2))):
            quiet = self.weights(seen(f'{mechanism}-quiet'))
            noise = (self.weights(noisy(mechanism, mechanism)) - quiet) * SITES
            # The longest vector after rounding is a little longer than the norm.
            longest = 1 + (math.sqrt(COORDINATES) / 2 / STEPS if times > 1 else 0)
            deviation = 1.5 * NORM * longest * math.sqrt(SITES) * times
            # The kurtosis of Laplace noise is larger, and here bounded by that of one site's.
            self.assertLess(abs(noise.var() / deviation**2 - 1), 6 * math.sqrt(5 / noise.size))
            self.assertAlmostEqual(self.srv.ask('privacy', 'show', mechanism)['epsilon'], plan(1, mechanism), places=6)
        with sqlite3.connect(os.path.join(self.srv.folder, 'registry.db')) as registry:
            rows = registry.execute("SELECT examples, metrics FROM contributions WHERE job LIKE 'local%' "
                                    "AND job NOT LIKE '%quiet'").fetchall()
        self.assertEqual(set(rows), {(1, '{}')})

    def test_next_to_no_noise_changes_next_to_nothing(self):
        start = self.weights(seen('start'))
        small = self.weights(seen('small', rounds=3, learning_rate=1e-6))
        moved = numpy.linalg.norm(small - start)
        self.assertGreater(moved, 0.05)
        self.assertLess(moved, NORM)  # so nobody is clipped
        found = self.weights(noisy('found', rounds=3, learning_rate=1e-6, noise=0.01))
        deviation = 0.01 * NORM / math.sqrt((SITES - 1) * SITES) * math.sqrt(3)
        self.assertLess(abs(found - small).max(), 7 * deviation)

    def test_a_norm_that_adapts_survives_a_killed_server(self):
        job = noisy('adaptive', rounds=8, noise=0.01)
        job['privacy'] |= {'clipping_norm': 1000, 'adaptive': {'learning_rate': 0.5, 'count_noise': 0.1}}
        self.srv.submit(job)
        self.srv.wait_for('adaptive', lambda shown: shown['version'] >= 3)
        self.srv.kill9()
        self.srv.start()
        shown = self.srv.wait_finished('adaptive')
        norms = [1000] + [row['metrics']['clipping_norm'] for row in shown['rounds']]
        self.assertEqual(len(norms), 9)
        # All updates are within it: its logarithm falls by a quarter in each round, but for the noise.
        for before, after in zip(norms, norms[1:]):
            self.assertLess(abs(math.log(before / after) - 0.25), 0.1)

    def test_a_budget_that_is_spent_ends_the_job(self):
        budget = (plan(2) + plan(3)) / 2
        self.srv.submit(noisy('spent', rounds=9, epsilon_max=budget))
        shown = self.srv.wait_finished('spent')
        self.assertEqual(shown['version'], 2)
        self.assertIn('epsilon_max', shown['detail'])
        self.assertIn(f'epsilon {plan(2):.4g} of {budget:.4g}', self.srv.cli('show', 'spent').out)

    def test_a_site_keeps_its_own_limit(self):
        site = self.sites[0]
        site.kill9()
        harness.edit_json(site.config, {'jobs': {'privacy': {'epsilon_max': (plan(1) + plan(2)) / 2}}})
        site.start_connected()
        self.srv.submit(noisy('limited', rounds=2))
        self.srv.daemon.wait_log(r'site0 cannot do its task: this site\'s privacy budget is spent.*jobs\.privacy\.epsilon_max')
        self.srv.wait_finished('limited')
        self.assertEqual([row['accepted'] for row in self.srv.show('limited')['rounds']], [5, 4])
        self.assertEqual(self.entered(site).count('\n'), 1)
        # A job that promises next to nothing is refused by the same account.
        reckless = noisy('reckless', noise=0.01)
        self.srv.submit(reckless)
        self.srv.daemon.wait_log(r'job reckless.*site0 cannot do its task: this site\'s privacy budget is spent')

    def test_what_does_not_go_with_it_is_refused_with_the_reason(self):
        job = noisy('a')
        del job['secure_aggregation']
        job['quantisation'] = {'clipping_norm': 16}
        job['evaluation'] = {'patience': 3}
        path = self.write('job.json', json.dumps(job))
        self.assertFails(harness.fedserver('check', path), 2, '/privacy/mechanism: is "distributed_gaussian"',
                         '/quantisation/clipping_norm: is 16', '/evaluation/patience: does not go with "privacy"')
        coarse = noisy('coarse', noise=0.01)
        coarse['quantisation'] = {'steps': 8}
        self.assertFails(self.srv.try_submit(coarse), 1, 'quantisation.steps')


if __name__ == '__main__':
    harness.main()
