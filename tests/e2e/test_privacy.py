#!/usr/bin/python3
"""Differential privacy: `fedserver privacy plan` gives the figures that others publish for the same questions; a job with a
section "privacy" clips, adds the noise that it says, enters what that costs in its ledger and stops when the budget is spent; a
state folder that was restored from a backup is noticed by the other side's ledger."""

import json
import math
import os
import shutil
import stat

import numpy

import datasets
import harness
import jobs

INPUTS = 3000


def plan(*arguments):
    done = harness.fedserver('privacy', 'plan', '--json', *arguments)
    assert done.status == 0, done.err
    return json.loads(done.out)


class Plan(harness.TestCase):
    def test_what_a_noise_promises(self):
        # Poisson-sampled Gaussian, epsilon of Opacus and of TensorFlow Privacy.
        for rate, noise, rounds, delta, epsilon in ((0.04, 1.5, 2250, 1e-5, 7.32911117143),
                                                    (150 / 60000, 1.3, 6000, 1e-5, 0.7242234026),
                                                    (0.001, 1, 30000, 1e-7, 1.4154988495)):
            found = plan('--sampling-rate', repr(rate), '--noise-multiplier', str(noise), '--rounds', str(rounds), '--delta',
                         str(delta))
            self.assertAlmostEqual(found['epsilon'], epsilon, places=6)

    def test_what_a_promise_needs(self):
        asked = ('--sampling-rate', '0.04', '--epsilon', '8')
        found = plan(*asked, '--rounds', '2250')
        self.assertAlmostEqual(found['noise_multiplier'], 1.416, places=3)
        self.assertLessEqual(found['epsilon'], 8)
        # As many rounds as that noise allows, and not one more.
        noise = repr(found['noise_multiplier'])
        self.assertEqual(plan(*asked, '--noise-multiplier', noise)['rounds'], 2250)

    def test_one_laplace_release(self):
        # Its epsilon is 1 / multiplier, with no delta at all; accounting by Renyi costs adds up to 0.01.
        found = plan('--mechanism', 'local_laplace', '--noise-multiplier', '1', '--rounds', '1', '--delta', '1e-8')
        self.assertGreater(found['epsilon'], 1 - 1e-6)
        self.assertLess(found['epsilon'], 1.01)
        self.assertIn('nobody but the client is trusted', found['adversary'])

    def test_text_says_for_whom_and_against_whom(self):
        done = harness.fedserver('privacy', 'plan', '--noise-multiplier', '1.5', '--sampling-rate', '0.04', '--rounds', '2250')
        self.assertEqual(done.status, 0)
        self.assertIn('epsilon           7.32911 at delta 1e-05', done.out)
        self.assertIn('one client added or removed', done.out)

    def test_so_much_noise_that_delta_is_enough(self):
        done = harness.fedserver('privacy', 'plan', '--epsilon', '1e-9', '--rounds', '3')
        self.assertEqual(done.status, 0)
        self.assertIn('epsilon is 0 at delta 1e-05, which is enough by itself with so much noise', done.out)
        self.assertNotIn('by itself', harness.fedserver('privacy', 'plan', '--epsilon', '1', '--rounds', '3').out)

    def test_questions_without_an_answer(self):
        for arguments, *parts in (
                ((), 'two of noise multiplier, epsilon and rounds'),
                (('--epsilon', '1', '--rounds', '-3'), '--rounds is -3'),
                (('--epsilon', '0', '--rounds', '3'), 'epsilon'),
                (('--epsilon', '1', '--rounds', '3', '--delta', '2'), 'delta'),
                (('--mechanism', 'gauss', '--epsilon', '1', '--rounds', '3'), '--mechanism gauss', 'local_laplace'),
                (('--mechanism', 'distributed_gaussian', '--epsilon', '1', '--rounds', '3'), '--survivors-min'),
                (('--mechanism', 'local_laplace', '--sampling-rate', '0.1', '--noise-multiplier', '2', '--rounds', '3'),
                 '--sampling-rate 0.1 is for --mechanism central_gaussian only', 'local_laplace', 'leave it out'),
                (('--parameters', '9', '--epsilon', '1', '--rounds', '3'), '--parameters', 'distributed_gaussian only'),
                (('--epsilon', '0.5', '--noise-multiplier', '0.1'), 'one round', 'costs more')):
            self.assertFails(harness.fedserver('privacy', 'plan', *arguments), 2, *parts)
        self.assertFails(harness.fedserver('privacy', 'guess'), 2, 'plan')


def noisy(name, rounds=1, learning_rate=1e-9, **privacy):
    """Two sites; with this learning rate their updates are next to nothing."""
    job = jobs.plain(name, INPUTS, rounds=rounds, clients=2, learning_rate=learning_rate)
    job['aggregation'] = {'weighting': 'uniform'}
    job['privacy'] = {'clipping_norm': 2, 'noise_multiplier': 1.5, 'epsilon_max': 100, **privacy}
    return job


class PrivacyCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.sites = []
        for number in range(2):
            path = self.path(f'site{number}.csv')
            datasets.plain_table(path, 6, INPUTS, seed=number)
            self.sites.append(self.client(self.srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'target', 'test_fraction': 0}))


class Jobs(PrivacyCase):
    def weights(self, job):
        self.srv.submit(job)
        self.srv.wait_finished(job['name'])
        _, tensors = datasets.read_safetensors(self.srv.export(job['name'], f'{job["name"]}.safetensors'))
        return numpy.concatenate([tensors[name].ravel() for name in sorted(tensors)]).astype(float)

    def test_the_noise_is_what_the_job_says(self):
        quiet = noisy('quiet')
        del quiet['privacy']
        noise = (self.weights(noisy('noisy')) - self.weights(quiet)) * 2  # of the sum
        deviation = 1.5 * 2
        # Six standard errors of a mean and of a variance.
        self.assertLess(abs(noise.mean()), 6 * deviation / math.sqrt(noise.size))
        self.assertLess(abs(noise.var() / deviation**2 - 1), 6 * math.sqrt(2 / noise.size))
        inside = numpy.mean(abs(noise) < deviation)
        self.assertLess(abs(inside - math.erf(math.sqrt(0.5))), 6 * 0.5 / math.sqrt(noise.size))
        # Another job draws other noise.
        again = (self.weights(noisy('again')) - self.weights(quiet | {'name': 'still'})) * 2
        self.assertLess(abs(numpy.corrcoef(noise, again)[0, 1]), 6 / math.sqrt(noise.size))

    def test_long_updates_are_clipped_by_their_clients(self):
        # Gradients here are in the thousands, and the noise next to nothing.
        job = noisy('long', learning_rate=0.001, clipping_norm=1, noise_multiplier=0.01, epsilon_max=1e6)
        quiet = noisy('quiet')
        del quiet['privacy']
        moved = numpy.linalg.norm(self.weights(job) - self.weights(quiet))
        self.assertLess(moved, 1 + 0.01 * math.sqrt(INPUTS))
        self.assertGreater(moved, 0.1)
        self.assertEqual([row['refused'] for row in self.srv.show('long')['rounds']], [0])

    def test_the_budget_ends_the_job_and_the_ledger_says_why(self):
        paid = 3
        asked = ('--noise-multiplier', '1.5', '--rounds')
        budget = (plan(*asked, str(paid))['epsilon'] + plan(*asked, str(paid + 1))['epsilon']) / 2
        self.srv.submit(noisy('spent', rounds=50, epsilon_max=budget))
        self.srv.wait_for('spent', lambda shown: shown['version'] >= 1)
        self.srv.kill9()
        self.srv.start()
        shown = self.srv.wait_finished('spent')
        self.assertEqual(shown['version'], paid)
        self.assertIn('epsilon_max', shown['detail'])
        spent = self.srv.ask('privacy', 'show', 'spent')
        expected = plan(*asked, str(paid))['epsilon']
        self.assertAlmostEqual(spent['epsilon'], expected, places=9)
        self.assertEqual({(row['client'], row['versions']) for row in spent['clients']}, {('site0', paid), ('site1', paid)})
        self.assertIn(f'epsilon {expected:.4g} of {budget:.4g}', self.srv.cli('show', 'spent').out)
        # What an institution spends adds up over jobs.
        self.weights(noisy('more', rounds=2))
        more = self.srv.ask('privacy', 'show', 'more')['clients'][0]
        self.assertEqual((more['versions'], more['versions_of_all_jobs']), (2, paid + 2))
        self.assertAlmostEqual(more['epsilon_of_all_jobs'], plan(*asked, str(paid + 2))['epsilon'], places=9)
        self.assertIn('site1', self.srv.cli('privacy', 'show', 'more').out)

    def test_a_site_keeps_its_own_account_and_its_own_limit(self):
        asked = ('--noise-multiplier', '1.5', '--rounds')
        site = self.sites[0]
        site.kill9()
        limit = (plan(*asked, '2')['epsilon'] + plan(*asked, '3')['epsilon']) / 2
        harness.edit_json(site.config, {'jobs': {'privacy': {'epsilon_max': limit}}})
        site.start_connected()
        job = noisy('spent', rounds=4)
        job['rounds']['contributions'] = {'min': 1, 'goal': 2}
        self.srv.submit(job)
        self.srv.daemon.wait_log(r'site0 cannot do its task: this site\'s privacy budget is spent.*jobs\.privacy\.epsilon_max')
        self.srv.wait_finished('spent')
        spent = {row['client']: row['versions'] for row in self.srv.ask('privacy', 'show', 'spent')['clients']}
        self.assertEqual(spent, {'site0': 2, 'site1': 4})
        with open(os.path.join(site.state, 'privacy.ledger'), encoding='ascii') as ledger:
            self.assertEqual(ledger.read(), 'spent 1 1.5\nspent 1 accepted\nspent 2 1.5\nspent 2 accepted\n')
        told = site.ask('status')['privacy']
        self.assertEqual((told['tasks'], told['epsilon_max'], told['spent']), (2, limit, True))
        refused = site.ask('status')['own_refusal']
        self.assertEqual((refused['job'], refused['reason']), ('spent', 'unsupported'))
        self.assertIn('privacy budget is spent', refused['detail'])
        self.assertRegex(site.cli('status').out, r'(?m)^refused here +job spent task \d: .*privacy budget is spent')
        self.assertAlmostEqual(told['epsilon'], plan(*asked, '2')['epsilon'], places=9)
        self.assertIn(f'epsilon {told["epsilon"]:.4g} of', site.cli('status').out)
        # For good, also in another job and after a restart; a damaged ledger is no empty one.
        site.kill9()
        with open(os.path.join(self.sites[1].state, 'privacy.ledger'), 'a', encoding='ascii') as ledger:
            ledger.write('spent')
        self.sites[1].kill9()
        self.sites[1].start_connected()
        site.start_connected()
        self.srv.submit(noisy('more', rounds=1))
        for said in (r'site0 cannot do its task: this site\'s privacy budget is spent',
                     r'site1 cannot do its task: this site\'s privacy ledger is damaged'):
            self.srv.daemon.wait_log('job more.*' + said)
        for said in (self.sites[1].ask('status')['privacy']['problem'], self.sites[1].cli('status').out):
            self.assertIn(os.path.join(self.sites[1].state, 'privacy.ledger') + ' is no privacy ledger any more', said)
        self.assertIn('ledger is damaged', self.sites[1].ask('status')['own_refusal']['detail'])

    def test_a_site_can_ask_for_privacy(self):
        for site in self.sites:
            site.kill9()
            harness.edit_json(site.config, {'jobs': {'privacy': {'required': True}}})
            site.start_connected()
        refused = self.srv.try_submit(jobs.plain('open', INPUTS, clients=2, learning_rate=1e-9))
        self.assertFails(refused, 1, 'the job has no section "privacy"', 'jobs.privacy.required')
        self.weights(noisy('private'))

    def test_what_does_not_go_with_privacy_is_refused_with_the_reason(self):
        job = noisy('a')
        job['training']['update'] = 'weights'
        job['aggregation'] = {'update_limit': 1}
        job['rounds'] |= {'selection': {'by': 'loss'}, 'staleness': {'max': 2}}
        job['keep'] = {'rounds': 3}
        path = self.write('job.json', json.dumps(job))
        self.assertFails(harness.fedserver('check', path), 2, *(
            f'{pointer}: does not go with "privacy"; allowed: {allowed}' for pointer, allowed in (
                ('/training/update', '"delta"'), ('/aggregation/weighting', '"uniform"'),
                ('/aggregation/update_limit', 'at least "clipping_norm", which is 2'), ('/rounds/staleness/max', '0'),
                ('/rounds/selection/by', '"uniform"'), ('/keep/rounds', '0'))))
        refused = self.srv.try_submit(noisy('poor', epsilon_max=0.1))
        self.assertFails(refused, 1, 'pays for no version', 'noise_multiplier')
        self.assertFails(harness.fedserver('check', self.write('poor.json', json.dumps(noisy('poor', epsilon_max=0.1)))), 2,
                         'poor.json: ', 'pays for no version')
        self.srv.submit(jobs.plain('open', INPUTS, clients=2))
        self.assertFails(self.srv.cli('privacy', 'show', 'open'), 1, 'no section "privacy"')


class Shown(harness.TestCase):
    def test_whom_each_mechanism_hides_and_from_whom(self):
        zeros = 'client level, all that one client sends replaced by zeros'
        nobody = 'the server and everybody else; nobody but the client is trusted'
        said = {'central_gaussian': ('client level, one client added or removed',
                                     'everybody who sees the models; the server is trusted with the updates'),
                # Of the four that are left at the least, one may be corrupted and tell its noise.
                'distributed_gaussian': (zeros, 'the server, and everybody who sees the models, as long as the server sees '
                                                'nothing but sums with the noise of at least 3 clients'),
                'local_gaussian': (zeros, nobody),
                'local_laplace': (zeros, nobody)}
        server = self.server()
        for mechanism, (neighbours, adversary) in said.items():
            name = mechanism.replace('_', '-')
            job = noisy(name, mechanism=mechanism)
            job['rounds'] |= {'cohort': 5, 'contributions': {'min': 4, 'goal': 5}}
            if mechanism == 'distributed_gaussian':
                job['secure_aggregation'] = {'corrupted': 0.2}
            if mechanism == 'local_laplace':
                job['privacy'] |= {'epsilon_max': 1e6}
            server.submit(job)
            shown = server.ask('privacy', 'show', name)
            self.assertEqual(shown['job'], name)
            self.assertEqual((shown['mechanism'], shown['neighbours'], shown['adversary']), (mechanism, neighbours, adversary))
            self.assertEqual((shown['clipping_norm'], shown['noise_multiplier'], shown['delta']), (2, 1.5, 1e-5))
            self.assertEqual((shown['versions'], shown['epsilon'], shown['clients']), (0, 0, []))
            lines = server.cli('privacy', 'show', name).out.splitlines()
            self.assertRegex(lines[0], rf'^{name}: epsilon 0 of .* at delta 1e-05; 0 of {shown["versions_paid"]} versions$')
            self.assertEqual(lines[1:4], [f'  mechanism  {mechanism}, clipping norm 2, noise multiplier 1.5',
                                          f'  neighbours {neighbours}', f'  adversary  {adversary}'])


    def test_a_budget_that_ends_a_job_early_is_noted(self):
        server = self.server()
        short, whole = noisy('short', rounds=50, epsilon_max=8), noisy('whole', rounds=2, epsilon_max=8)
        note = r'note: the privacy budget pays for (\d+) of 50 rounds, after which the job ends'
        checked = harness.fedserver('check', self.write('short.json', json.dumps(short)))
        self.assertEqual(checked.status, 0)
        self.assertRegex(checked.out, r'short\.json: good\n.*short\.json: ' + note)
        submitted = server.try_submit(short)
        self.assertEqual(submitted.status, 0)
        self.assertRegex(submitted.out, r'submitted; .*\n' + note)
        shown = server.ask('privacy', 'show', 'short')
        self.assertIn(f'pays for {shown["versions_paid"]} of 50', submitted.out)
        told = json.loads(harness.fedserver('check', '--json', self.write('whole.json', json.dumps(whole))).out)
        self.assertEqual((told[0]['problems'], told[0]['notes']), ([], []))
        self.assertNotIn('note', server.try_submit(whole).out)


def copy_state(folder, to):
    """Of a process that does not run; without its socket."""
    def sockets(at, names):
        return [name for name in names if stat.S_ISSOCK(os.lstat(os.path.join(at, name)).st_mode)]

    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to, ignore=sockets)


class Rollbacks(PrivacyCase):
    """A job that needs both sites stands still where the second one's own limit is."""

    def both(self, name, **privacy):
        job = noisy(name, rounds=50, **privacy)
        job['rounds'] |= {'contributions': {'min': 2, 'goal': 2}, 'seconds': {'max': 60, 'select': 0.2}}
        return job

    def budget(self, versions):
        """Pays for so many, and not for one more."""
        asked = ('--noise-multiplier', '1.5', '--rounds')
        return (plan(*asked, str(versions))['epsilon'] + plan(*asked, str(versions + 1))['epsilon']) / 2

    def let(self, versions):
        site = self.sites[1]
        site.kill9()
        harness.edit_json(site.config, {'jobs': {'privacy': {'epsilon_max': self.budget(versions)}}})
        site.start_connected()

    def goes_to(self, version):
        self.let(version)
        self.srv.wait_for('long', lambda shown: shown['version'] == version)

    def test_a_site_that_has_gone_back_has_again_what_the_server_counts(self):
        paid = 7
        self.let(2)
        self.srv.submit(self.both('long', epsilon_max=self.budget(paid)))
        self.srv.wait_for('long', lambda shown: shown['version'] == 2)
        site = self.sites[0]
        site.kill9()
        backup = self.path('backup')
        copy_state(site.state, backup)
        site.start_connected()
        self.goes_to(5)
        site.kill9()
        copy_state(backup, site.state)
        restored = site.daemon.mark()
        site.start_connected()
        self.let(50)
        shown = self.srv.wait_finished('long')
        # The job has all that its budget pays for, and the site has entered each version once.
        self.assertEqual((shown['version'], 'epsilon_max' in shown['detail']), (paid, True))
        site.daemon.wait_log(r'ALARM: .*privacy\.ledger lacks [0-9] tasks of job long.*entered as spent', restored)
        with open(os.path.join(site.state, 'privacy.ledger'), encoding='ascii') as ledger:
            lines = [line.split() for line in ledger]
        self.assertEqual(sorted(int(task) for _, task, what in lines if what == '1.5'), list(range(1, paid + 1)))
        lost = [int(task) for _, task, what in lines if what == 'lost']
        self.assertIn(5, lost)
        told = site.ask('status')['privacy']
        self.assertEqual((told['tasks'], told['lost']), (paid, len(lost)))
        self.assertAlmostEqual(told['epsilon'], plan('--noise-multiplier', '1.5', '--rounds', str(paid))['epsilon'], places=9)
        self.assertRegex(site.cli('status').out, rf'ALARM +.*privacy\.ledger had lost {len(lost)} tasks')
        self.assertNotIn('ALARM', self.sites[1].cli('status').out)

    def test_a_server_that_has_gone_back_gets_no_second_update(self):
        self.sites[1].kill9()
        self.srv.submit(self.both('long'))
        self.srv.kill9()
        backup = self.path('backup')
        copy_state(self.srv.folder, backup)
        self.srv.start()
        self.goes_to(3)
        self.srv.kill9()
        copy_state(backup, self.srv.folder)
        restored = self.srv.daemon.mark()
        since = [site.daemon.mark() for site in self.sites]
        self.srv.start()
        why = r'task 1 is not given again: cancel the job, and submit it under another name.*restored from a backup'
        for site, mark in zip(self.sites, since):
            self.srv.daemon.wait_log(f'{site.name} cannot do its task: {why}', restored, count=2)
            site.daemon.wait_log(f'job long task 1: {why}', mark)
        self.assertEqual(self.srv.show('long')['version'], 0)
        # What it says helps.
        self.srv.ask('cancel', 'long')
        self.let(50)
        self.srv.submit(noisy('anew'))
        self.assertEqual(self.srv.wait_finished('anew')['version'], 1)


if __name__ == '__main__':
    harness.main()
