#!/usr/bin/env python3
"""fedclient roster as a script sees it, and the alarm in fedclient status. Usage: roster_test.py PROGRAM"""

import json
import os
import subprocess
import sys
import unittest

import fedclient_test
from fedclient_test import Case, call, closed_port, join_code


class Roster(Case):
    KEY, OTHER = 'BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

    def setUp(self):
        super().setUp()
        call('join', join_code(f'127.0.0.1:{closed_port()}'), '--state', self.path('state'))
        self.config = self.write_config({'format': 'csv', 'path': 'data.csv', 'label': 'outcome'}, name='site-1')

    def roster(self, *words, status=0):
        got, out, err = call('roster', *words, '--config', self.config, '--json')
        self.assertEqual(got, status, err)
        return json.loads(out or err)

    def raise_alarm(self):
        self.roster('pin', 'alpha', self.KEY)
        with open(self.path('state', 'roster.alarms'), 'w', encoding='utf-8') as file:
            file.write(f'alpha {self.KEY} {self.OTHER} 2026-11-22T00:15:00Z\n')

    def test_before_joining(self):
        config = self.write('none.json', json.dumps({'server': '127.0.0.1:1', 'server_key': 'A' * 43,
                                                     'state_dir': self.path('none'), 'data': {'format': 'csv', 'path': 'x', 'label': 'y'}}))
        for words in ([], ['pin', 'alpha', self.KEY]):
            status, _, err = call('roster', *words, '--config', config)
            self.assertEqual(status, 1)
            self.assertIn('fedclient join', err)
        self.assertFalse(os.path.exists(self.path('none')))

    def test_this_client_comes_first(self):
        own = self.roster()['self']
        self.assertEqual(own['name'], 'site-1')
        self.assertRegex(own['key'], '^[A-Za-z0-9_-]{43}$')
        status, out, _ = call('roster', '--config', self.config)
        self.assertEqual(status, 0)
        self.assertRegex(out.splitlines()[0], r'^this client +site-1$')
        self.assertIn(own['key'], out.splitlines()[1])
        self.assertRegex(out, r'peers +none')
        os.remove(self.path('state', 'identity.key'))
        own = self.roster()['self']
        self.assertIsNone(own['key'])
        self.assertIn('identity.key', own['problem'])

    def test_pin_and_forget(self):
        self.assertEqual(self.roster('pin', 'beta', self.OTHER), {'pinned': 'beta'})
        self.assertEqual(self.roster('pin', 'alpha', self.KEY), {'pinned': 'alpha'})
        peers = self.roster()['peers']
        self.assertEqual([(peer['name'], peer['key'], peer['how']) for peer in peers],
                         [('alpha', self.KEY, 'pinned'), ('beta', self.OTHER, 'pinned')])
        status, out, _ = call('roster', '--config', self.config)
        self.assertRegex(out, rf'alpha +{self.KEY} +\d{{4}}-\d\d-\d\d +pinned')
        self.assertEqual(self.roster('forget', 'alpha'), {'forgotten': 'alpha'})
        self.assertEqual(self.roster('forget', 'alpha', status=1)['error'], 'not_found')
        self.assertEqual([peer['name'] for peer in self.roster()['peers']], ['beta'])
        status, out, _ = call('roster', 'forget', 'beta', '--config', self.config)
        self.assertEqual((status, out), (0, 'beta is forgotten. `fedclient run` takes it up when it starts.\n'))

    def test_bad_usage(self):
        for words in (['pin'], ['pin', 'alpha'], ['pin', 'alpha', self.KEY, 'x'], ['forget'], ['show', 'alpha'],
                      ['pin', 'alpha', self.KEY[1:]], ['pin', 'al pha', self.KEY], ['pin', '', self.KEY]):
            status, out, err = call('roster', *words, '--config', self.config)
            self.assertEqual((status, out), (2, ''), words)
            self.assertNotEqual(err, '')
        self.assertFalse(os.path.exists(self.path('state', 'roster')))

    def test_what_cannot_be_another_site(self):
        self.roster('pin', 'alpha', self.KEY)
        own = self.roster()['self']['key']
        for words, why in ((['beta', self.KEY], 'the key of alpha'), (['site-1', self.OTHER], 'this client itself'),
                           (['beta', own], "this client's own key")):
            self.assertIn(why, self.roster('pin', *words, status=2)['detail'])
        self.assertEqual([peer['name'] for peer in self.roster()['peers']], ['alpha'])

    def test_a_key_that_is_replaced_is_named(self):
        self.roster('pin', 'alpha', self.KEY)
        _, out, _ = call('roster', 'pin', 'alpha', self.OTHER, '--config', self.config)
        self.assertIn(f'its earlier key {self.KEY} is not accepted any more', out)

    def test_a_damaged_file_is_named_with_its_line(self):
        with open(self.path('state', 'roster'), 'w', encoding='utf-8') as file:
            file.write('# mine\nalpha\n')
        for words in ([], ['pin', 'beta', self.KEY], ['forget', 'alpha']):
            self.assertIn('roster, line 2: ', self.roster(*words, status=2)['detail'])
        status, out, _ = call('status', '--config', self.config)
        self.assertEqual(status, 0)
        self.assertRegex(out, r'ALARM +.*roster, line 2: ')
        told = json.loads(call('status', '--config', self.config, '--json')[1])
        self.assertIn('line 2', told['roster']['problem'])

    def test_an_alarm_is_shown_until_a_person_decides(self):
        status, out, _ = call('status', '--config', self.config)
        self.assertNotIn('ALARM', out)
        self.raise_alarm()
        status, out, _ = call('status', '--config', self.config)
        self.assertEqual(status, 0)
        self.assertEqual(len([line for line in out.splitlines() if line.startswith('ALARM') and 'alpha' in line]), 1)
        told = json.loads(call('status', '--config', self.config, '--json')[1])
        self.assertEqual(told['roster'], {'peers': 1, 'alarms': ['alpha']})
        status, out, _ = call('roster', '--config', self.config)
        self.assertRegex(out, f'(?s)ALARM: .*alpha, {self.OTHER}, than the known one, {self.KEY}')
        self.assertEqual(self.roster()['alarms'], [{'name': 'alpha', 'known': self.KEY, 'offered': self.OTHER,
                                                    'at': '2026-11-22T00:15:00Z'}])
        self.roster('pin', 'alpha', self.OTHER)
        self.assertEqual(self.roster()['alarms'], [])
        self.assertNotIn('ALARM', call('status', '--config', self.config)[1])

    def test_a_running_client_keeps_its_roster(self):
        with subprocess.Popen([fedclient_test.PROGRAM, 'run', '--config', self.config], stderr=subprocess.PIPE, text=True) as daemon:
            self.assertIn('not connected', daemon.stderr.readline())
            for words in (['pin', 'alpha', self.KEY], ['forget', 'alpha']):
                self.assertIn('stop it first', self.roster(*words, status=1)['detail'])
            self.assertEqual(self.roster()['peers'], [])
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.roster('pin', 'alpha', self.KEY)

    @unittest.skipUnless(os.geteuid() == 0, 'only root can give files away')
    def test_what_root_pins_the_service_can_read(self):
        os.chown(self.path('state'), 61234, 61235)
        self.roster('pin', 'alpha', self.KEY)
        for name in ('roster', 'lock'):
            there = os.stat(self.path('state', name))
            self.assertEqual((there.st_uid, there.st_gid), (61234, 61235), name)


if __name__ == '__main__':
    fedclient_test.PROGRAM = sys.argv.pop(1)
    unittest.main()
