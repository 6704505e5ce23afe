#!/usr/bin/env python3
"""What fedclient makes of a state folder that it cannot read, and what it hides. Usage: at_rest_test.py PROGRAM"""

import json
import os
import subprocess
import sys
import unittest

import fedclient_test as base


class Outbox(base.Case):
    def test_an_outbox_that_cannot_be_read(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        os.mkdir(self.path('state', 'outbox'))
        kept = [self.path('state', 'outbox', f'job.{task}.{kind}') for task in (1, 2) for kind in ('update', 'offer')]
        for path in kept:  # with the identifier of a key that nobody has
            with open(path, 'wb') as file:
                file.write(b'fedseal1' + bytes([1]) + bytes(7) + b'no key!!' + bytes(200))

        def told():
            return json.loads(base.call('status', '--config', config, '--json')[1])

        self.assertEqual((told()['outbox'], told()['outbox_unreadable']['updates']), ([], 2))
        self.assertIn('another key than this client.key', told()['outbox_unreadable']['why'])
        self.assertIn('2 updates cannot be read: sealed with another key', base.call('status', '--config', config)[1])
        # The daemon says so in one line, leaves them there and goes on.
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            line = daemon.stderr.readline()
            self.assertIn('sealed with another key than this client.key', line)
            self.assertIn('job.1.offer, job.2.offer', line)
            self.assertIn('not connected', daemon.stderr.readline())
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.assertEqual(daemon.returncode, 0)
        self.assertTrue(all(map(os.path.exists, kept)))
        os.remove(self.path('state', 'client.key'))
        self.assertEqual(told()['outbox_unreadable']['updates'], 2)
        self.assertIn('this command has no key', told()['outbox_unreadable']['why'])

    def test_an_outbox_that_is_not_whole(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        os.mkdir(self.path('state', 'outbox'))
        offer = self.write(os.path.join('state', 'outbox', 'job.1.offer'), 'torn')
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            self.assertRegex(daemon.stderr.readline(), 'not whole.*job.1.offer')
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.assertFalse(os.path.exists(offer))


class State(base.Case):
    """`check` finds what `run` would stumble over, and says the same."""

    def setUp(self):
        super().setUp()
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        self.config = self.csv_config('a,outcome\n1,0\n')

    def check(self):
        return base.call('check', '--config', self.config)

    def told(self):
        status, out, err = base.call('check', '--config', self.config, '--json')
        self.assertEqual((status, err), (0, ''))
        return json.loads(out)

    def starts(self):
        """What a run says before it looks for its server, which it does."""
        said = ''
        with subprocess.Popen([base.PROGRAM, 'run', '--config', self.config], stderr=subprocess.PIPE, text=True) as daemon:
            for line in daemon.stderr:
                if 'not connected' in line:
                    break
                said += line
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.assertEqual(daemon.returncode, 0)
        return said

    def test_keys_are_refused_as_a_run_refuses_them(self):
        self.assertIn('client.key and identity.key are good', self.check()[1])
        self.assertEqual((self.told()['keys'], self.told()['warnings']), ({'found': True, 'held': False}, []))

        def damage(name):
            self.write(name, '12ab\n')

        def open_up(name):
            os.chmod(self.path(name), 0o644)

        holder = self.path('holder.key')
        for name in ('state/client.key', 'state/identity.key', 'holder.key'):
            if name == 'holder.key':
                base.call('key', holder)
                self.config = self.write_config({'format': 'csv', 'path': 'data.csv', 'label': 'outcome'},
                                                jobs={'homomorphic_encryption': {'secret_key': holder}})
                self.assertTrue(self.told()['keys']['held'])
                self.assertIn(f'as a key holder, of jobs with the public key of {holder}', self.check()[1])
            with open(self.path(name), encoding='ascii') as file:
                good = file.read()
            for harm, words in ((damage, 'is not a key file'), (open_up, 'chmod 600')):
                harm(name)
                run = base.call('run', '--config', self.config)
                self.assertEqual(run, self.check())
                self.assertEqual((run[0], run[1]), (1, ''))
                self.assertIn(words, run[2])
                self.write(name, good)
                os.chmod(self.path(name), 0o600)
        os.remove(holder)
        self.assertEqual(self.check(), base.call('run', '--config', self.config))

    def test_before_joining_it_says_so(self):
        os.remove(self.path('state', 'client.key'))
        self.assertIn('fedclient join', self.check()[1])
        self.assertFalse(self.told()['keys']['found'])

    def test_a_state_folder_that_others_can_use(self):
        os.chmod(self.path('state'), 0o750)
        state = self.path('state')
        expected = f'others can look into {state} (mode 0750): run `chmod 700 {state}`'
        self.assertEqual(self.told()['warnings'], [expected])
        self.assertRegex(self.check()[1], r'(?m)^  WARNING +others can look into')
        self.assertIn(expected, self.starts())

    def test_a_privacy_ledger_that_is_damaged(self):
        self.write('state/privacy.ledger', 'a 1 2\nnonsense\n')
        status, out, err = self.check()
        self.assertEqual((status, out), (1, ''))
        words = self.path('state', 'privacy.ledger') + ' is no privacy ledger any more, from byte 6: restore it'
        self.assertIn(words, err)
        self.assertIn(words, self.starts())
        self.assertIn(words, base.call('status', '--config', self.config)[1])

    def test_records_that_are_damaged(self):
        for name in ('roster', 'secure.answered', 'decrypted'):
            self.write(f'state/{name}', 'nonsense\n')
            words = self.path('state', name) + ', line 1: '
            if name == 'decrypted':
                self.assertEqual(self.check()[0], 0)  # it is no key holder's
                base.call('key', self.path('holder.key'))
                self.config = self.write_config({'format': 'csv', 'path': 'data.csv', 'label': 'outcome'},
                                                jobs={'homomorphic_encryption': {'secret_key': self.path('holder.key')}})
            status, out, err = self.check()
            self.assertEqual((status, out), (1, ''))
            self.assertIn(words, err)
            self.assertIn(words, self.starts())
            os.remove(self.path('state', name))

    def test_a_privacy_budget_that_is_spent(self):
        self.write('state/privacy.ledger', 'a 1 2\na 2 2\n')
        self.assertFalse(self.told()['privacy']['spent'])  # no limit

        def limit(most):
            self.config = self.write_config({'format': 'csv', 'path': 'data.csv', 'label': 'outcome'},
                                            jobs={'privacy': {'epsilon_max': most}})

        spent = self.told()['privacy']['epsilon']
        limit(spent * 1.01)  # more than is spent, and too little for another task
        self.assertTrue(self.told()['privacy']['spent'])
        self.assertRegex(self.check()[1], 'SPENT .*jobs.privacy.epsilon_max')
        self.assertIn('privacy budget is spent: after 2 tasks', self.starts())
        self.assertTrue(json.loads(base.call('status', '--config', self.config, '--json')[1])['privacy']['spent'])
        limit(spent * 2)
        self.assertFalse(self.told()['privacy']['spent'])
        # With a job there is a task to weigh, also before the first one.
        os.remove(self.path('state', 'privacy.ledger'))
        job = {'name': 'trial', 'model': {'type': 'logistic'}, 'rounds': {'max': 1, 'cohort': 4},
               'inputs': {'columns': [{'name': 'a', 'type': 'number'}], 'label': {'name': 'outcome', 'classes': ['0', '1']}},
               'aggregation': {'weighting': 'uniform', 'update_limit': 4},
               'privacy': {'mechanism': 'central_gaussian', 'clipping_norm': 1, 'noise_multiplier': 2, 'epsilon_max': 9}}
        file = self.write('job.json', json.dumps(job))
        limit(spent * 2)
        status, out, err = base.call('check', '--config', self.config, '--job', file)
        self.assertEqual((status, err), (0, ''))
        self.assertIn('the server adds noise to the sum', out)
        limit(spent / 9)
        status, out, err = base.call('check', '--config', self.config, '--job', file)
        self.assertEqual((status, out), (2, ''))
        self.assertRegex(err, "this site's privacy budget is spent: .*jobs.privacy.epsilon_max")


class HeldKey(base.Case):
    def test_whether_a_key_was_made_is_said_beside_it(self):
        file = self.path('holder.key')
        made = base.call('key', file)
        self.assertEqual((made[0], made[2]), (0, f'made a new key in {file}\n'))
        self.assertEqual(base.call('key', file), (0, made[1], f'the key in {file}\n'))
        told = json.loads(base.call('key', file, '--json')[1])
        self.assertEqual(told, {'secret_key': file, 'public_key': made[1].strip(), 'made': False})
        status, out, err = base.call('key', self.path('other.key'), '--json')
        self.assertEqual((status, json.loads(out)['made'], err), (0, True, ''))

    def test_it_is_in_the_status(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        told = json.loads(base.call('status', '--config', config, '--json')[1])
        self.assertEqual((told['key_held'], told['own_refusal'], told['stale']), (None, None, False))
        file = self.path('holder.key')
        config = self.write_config({'format': 'csv', 'path': 'data.csv', 'label': 'outcome'},
                                   jobs={'homomorphic_encryption': {'secret_key': file}})
        told = json.loads(base.call('status', '--config', config, '--json')[1])
        self.assertEqual(told['key_held'], {'secret_key': file, 'public_key': None, 'jobs': []})
        self.assertIn(f'that in {file}, of no job', base.call('status', '--config', config)[1])


class Memory(base.Case):
    def test_it_is_not_dumped(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            daemon.stderr.readline()
            with open(f'/proc/{daemon.pid}/limits', encoding='ascii') as file:
                self.assertRegex(file.read(), r'Max core file size +0 +0 ')
            daemon.terminate()
            daemon.communicate(timeout=60)


if __name__ == '__main__':
    base.PROGRAM = sys.argv.pop(1)
    unittest.main()
