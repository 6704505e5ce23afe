"""Who links the public library alone gets nothing that decrypts, or that makes or reads a secret key.
Usage: check_symbols.py NM PUBLIC_LIBRARY SECRET_LIBRARY PUBLIC_PROGRAM WHOLE_PROGRAM FEDSERVER"""
import re
import subprocess
import sys
import unittest

SECRET = re.compile(r'SecretKey|decrypt|draw_prime|is_prime_of_a_key|coprime_to_order|negated|make_half', re.IGNORECASE)
# In the secret library these must be found, or the search would find nothing anywhere.
EXPECTED = ['fed::paillier::SecretKey::decrypt(', 'fed::paillier::SecretKey::generate(',
            'fed::paillier::SecretKey::from_bytes(', 'fed::paillier::draw_prime(']


def symbols(path):
    """Names in a library or program of Paillier's namespace, defined or asked for."""
    listed = subprocess.run([NM, '-C', path], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if 'fed::paillier::' in line]


class Symbols(unittest.TestCase):
    def assert_no_secret(self, path):
        names = symbols(path)
        self.assertTrue(any('fed::paillier::encrypt(' in name for name in names), 'nothing was found in ' + path)
        self.assertEqual([name for name in names if SECRET.search(name)], [])

    def test_public_library(self):
        self.assert_no_secret(PUBLIC_LIBRARY)

    def test_program_that_links_the_public_library(self):
        self.assert_no_secret(PUBLIC_PROGRAM)

    def test_the_server_has_no_way_to_decrypt(self):
        self.assert_no_secret(FEDSERVER)

    def test_the_search_finds_what_is_there(self):
        for path in (SECRET_LIBRARY, WHOLE_PROGRAM):
            defined = [name for name in symbols(path) if re.search(r' [Tt] ', name)]
            for expected in EXPECTED:
                if path == WHOLE_PROGRAM and 'generate' in expected:
                    continue  # the linker may drop what the program does not use
                self.assertTrue(any(expected in name and SECRET.search(name) for name in defined), (path, expected))

    def test_the_program_runs(self):
        done = subprocess.run([PUBLIC_PROGRAM], input='01', capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('387 bytes', done.stdout)


if __name__ == '__main__':
    NM, PUBLIC_LIBRARY, SECRET_LIBRARY, PUBLIC_PROGRAM, WHOLE_PROGRAM, FEDSERVER = sys.argv[1:7]
    unittest.main(argv=sys.argv[:1])
