"""The library against Python's integers, both ways: what either side makes, the other one must make or
understand. Usage: check_peer.py PEER"""
import math
import random
import subprocess
import sys
import unittest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

P = int('d75b41ef240e7b52bc56f51245bb639c7fcb997cba25c66ded77db67a191a006'
        'e74c24a892dba88285e0d34eb16a612c1d1fc8df8a8c6e06554e335ca752a72e'
        'b2d99cabbefdbf081fda318b9312ccc1b9d97f2394255bc46c42c215952d6c9c'
        '40070e4ca7165fc60ad04e9506f59783372c8cdb7fff06f09adaadfcf6a2a2c7'
        'aa3705f84e7e1c512057a458d95914ae0d9ab8cdd55faba3c5bb95759f4fb0c6'
        'd63e303e74e329137e60087c06b0684107718d1bcf4c7f6e4f344a87fc08fc63', 16)
Q = int('efbefaeba48184aa66e7e793e7b82dbf0a1e1b4512c068da75abdcdb74bc4ae0'
        '836002150b38fc45919c9c55becaab013ab36b34e9be8c799516ccb86cbd0bdf'
        'eba5b8c19560e3405a04caa8affb5d007c3c5d56f7dbf9c06ad2ace15e7ebe77'
        '8f3b641d19da650d7be10ebda08e16139e2adccdc7cc04f00bcffb386d92f020'
        '9a85ed41cf8daf2cc188c4a9ad6cf35f970430baff09b45a85a163a7a142aac6'
        'ab9417aa3746b7737da875a879e20e7deb26e957849cb15c2d4b00b0e755623b', 16)
N = P * Q
SQUARE = N * N
N_BYTES, SQUARE_BYTES, PRIME_BYTES = 384, 768, 192


def to_hex(number, size):
    return number.to_bytes(size, 'little').hex()


def from_hex(text):
    return int.from_bytes(bytes.fromhex(text), 'little')


def encrypt(m, r):
    """The scheme as Paillier wrote it, g^m r^n, and not in the form that the library computes."""
    return pow(N + 1, m, SQUARE) * pow(r, N, SQUARE) % SQUARE


def decrypt(c):
    """With lambda, without the Chinese remainder theorem."""
    order = math.lcm(P - 1, Q - 1)
    return (pow(c, order, SQUARE) - 1) // N * pow(order, -1, N) % N


def stream(seed, size):
    """RFC 8439's keystream; the counter begins at 0, the nonce is 0."""
    return Cipher(algorithms.ChaCha20(seed, bytes(16)), None).encryptor().update(bytes(size))


def is_prime(number):
    """Fermat's test to two bases: enough to see which of random numbers is meant."""
    return math.gcd(number, 3 * 5 * 7 * 11 * 13) == 1 and all(pow(base, number - 1, number) == 1 for base in (2, 3))


def primes_of(seed, count):
    found, at, random_bytes = [], 0, stream(seed, 6000 * PRIME_BYTES)
    while len(found) < count:
        candidate = int.from_bytes(random_bytes[at:at + PRIME_BYTES], 'little')
        at += PRIME_BYTES
        candidate |= 3 << 8 * PRIME_BYTES - 2 | 1
        if is_prime(candidate):
            found.append(candidate)
    return found


class Peer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        secret = bytes([1]) + PRIME_BYTES.to_bytes(2, 'little')
        secret += P.to_bytes(PRIME_BYTES, 'little') + Q.to_bytes(PRIME_BYTES, 'little')
        cls.public = cls.ask('key', secret.hex())
        cls.random = random.Random(1)

    @classmethod
    def tearDownClass(cls):
        cls.peer.communicate()
        assert cls.peer.returncode == 0

    @classmethod
    def ask(cls, *words):
        print(*words, file=cls.peer.stdin, flush=True)
        return cls.peer.stdout.readline().strip()

    def numbers(self):
        """Plaintexts: the borders, and some between."""
        return [0, 1, N - 1, 1 << 3071, P, Q] + [self.random.randrange(N) for _ in range(3)]

    def unit(self):
        return self.random.randrange(1, N)

    def test_public_key(self):
        self.assertEqual(self.public, '01' + to_hex(N_BYTES, 2) + to_hex(N, N_BYTES))
        self.assertEqual(from_hex(self.ask('square')), SQUARE)

    def test_the_key_of_a_seed(self):
        seed = bytes(range(32))
        p, q = primes_of(seed, 2)
        self.assertEqual(self.ask('seed', seed.hex()), '01' + to_hex(N_BYTES, 2) + to_hex(p * q, N_BYTES))

    def test_encryption_is_the_same_number(self):
        m, r = self.random.randrange(N), self.unit()
        c = self.ask('encrypt', to_hex(m, N_BYTES), to_hex(r, N_BYTES))
        self.assertEqual(len(c), 2 * SQUARE_BYTES)
        self.assertEqual(from_hex(c), encrypt(m, r))

    def test_python_decrypts_what_the_library_encrypted_and_added(self):
        a, b = self.random.randrange(N), self.random.randrange(N)
        ciphertexts = [self.ask('encrypt', to_hex(m, N_BYTES), to_hex(self.unit(), N_BYTES)) for m in (a, b)]
        total = from_hex(self.ask('add', *ciphertexts))
        self.assertEqual(total, from_hex(ciphertexts[0]) * from_hex(ciphertexts[1]) % SQUARE)
        self.assertEqual(decrypt(total), (a + b) % N)

    def test_the_library_decrypts_what_python_encrypted(self):
        mask = pow(self.unit(), N, SQUARE)
        for m in self.numbers():
            mask = mask * mask % SQUARE  # of r^2: Python's powers are slow
            self.assertEqual(from_hex(self.ask('decrypt', to_hex((1 + m * N) * mask % SQUARE, SQUARE_BYTES))), m)

    def test_the_library_decrypts_any_unit_as_python_does(self):
        for c in (SQUARE - 1, self.random.randrange(SQUARE)):
            self.assertEqual(from_hex(self.ask('decrypt', to_hex(c, SQUARE_BYTES))), decrypt(c))
        self.assertEqual(from_hex(self.ask('decrypt', to_hex(1, SQUARE_BYTES))), 0)

    def test_products_of_the_largest_numbers(self):
        for a, b in ((SQUARE - 1, SQUARE - 1), (SQUARE - 2, SQUARE - 1), (1, SQUARE - 1)):
            product = self.ask('add', to_hex(a, SQUARE_BYTES), to_hex(b, SQUARE_BYTES))
            self.assertEqual(from_hex(product), a * b % SQUARE)

    def test_packing_both_ways(self):
        for bits, summands in ((2, 1), (8, 5), (16, 100), (24, 33), (32, 1 << 20), (60, 7), (62, 2)):
            width = bits + math.ceil(math.log2(summands))
            count, offset = 3071 // width, 1 << bits - 1
            updates = [[self.random.randrange(-offset, offset) for _ in range(count)]
                       for _ in range(min(summands, 5))]
            updates[0][:2] = [-offset, offset - 1]
            packed = [from_hex(self.ask('pack', bits, summands, *update)) for update in updates]
            for number, update in zip(packed, updates):
                self.assertEqual(number, sum((x + offset) << i * width for i, x in enumerate(update)))
            answer = self.ask('unpack', bits, summands, len(updates), count, to_hex(sum(packed), N_BYTES))
            self.assertEqual([int(word) for word in answer.split()], [sum(xs) for xs in zip(*updates)])

    def test_refusals(self):
        for c in (0, SQUARE, SQUARE + 1, N, P, 2 * Q):
            self.assertRegex(self.ask('decrypt', to_hex(c, SQUARE_BYTES)), '^error: not a ciphertext')
        r = to_hex(5, N_BYTES)
        self.assertRegex(self.ask('encrypt', to_hex(N, N_BYTES), r), '^error: the plaintext is not less')
        self.assertRegex(self.ask('encrypt', r, to_hex(P, N_BYTES)), '^error: .*not invertible')
        self.assertRegex(self.ask('decrypt', '00'), '^error: a ciphertext has 768 bytes')


if __name__ == '__main__':
    PROGRAM = sys.argv.pop(1)
    unittest.main()
