"""Computes again what the program `secagg_transcript` prints, from the secrets that its clients drew: keys, shares,
commitments, graph, masked inputs, sum and parameters. Written from the headers of common/secagg, with Python's
integers and exact fractions, hashlib, hmac, and OpenSSL for the primitives. Usage: transcript.py PROGRAM"""

import hashlib
import hmac
import json
import subprocess
import sys
from fractions import Fraction
from math import comb, lgamma, log

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError:
    print('python3-cryptography is not installed')
    sys.exit(77)

ORDER = 2**252 + 27742317777372353535851937790883648493
unhex = bytes.fromhex


def field(value):
    if isinstance(value, int):
        value = value.to_bytes(8, 'little')
    if isinstance(value, str):
        value = value.encode()
    return len(value).to_bytes(8, 'little') + value


def transcript(purpose, *fields):
    return hashlib.sha256(b''.join(field(f) for f in ('fed secagg v1', purpose) + fields)).digest()


def hkdf(salt, secret):
    temporary = hmac.new(salt, secret, 'sha256').digest()
    return hmac.new(temporary, b'\x01', 'sha256').digest()


def scalar_bytes(number):
    return number.to_bytes(32, 'little')


def keystream(key, size):
    return Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(size))


def public_of(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared(private, public):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def shuffled(seed, count):
    stream, at = keystream(seed, 64 * count + 4096), 0
    order = list(range(count))
    for i in range(count, 1, -1):
        while True:
            value = int.from_bytes(stream[at:at + 8], 'little')
            at += 8
            if value >= 2**64 % i:
                break
        order[i - 1], order[value % i] = order[value % i], order[i - 1]
    return order


def neighbours_in(order, k, member):
    n, place = len(order), order.index(member)
    if k == n - 1:
        return sorted(set(order) - {member})
    return sorted(order[(place + step) % n] for step in range(-(k // 2), k // 2 + 1) if step)


def polynomial(secret, threshold, random):
    return [secret] + [int.from_bytes(random.take(64), 'little') % ORDER for _ in range(threshold - 1)]


def value_at(coefficients, x):
    return sum(c * pow(x, i, ORDER) for i, c in enumerate(coefficients)) % ORDER


class Drawn:
    def __init__(self, digits):
        self.bytes = unhex(digits)

    def take(self, count):
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        assert len(taken) == count
        return taken


class Member:
    """One client, from the random bytes that it drew."""

    def __init__(self, index, said, terms):
        self.index, self.said, self.keys = index, said, said['keys']
        self.id, self.random = self.keys['id'], Drawn(said['random'])
        self.mask_scalar = int.from_bytes(self.random.take(64), 'little') % ORDER
        self.self_scalar = int.from_bytes(self.random.take(64), 'little') % ORDER
        self.share_private = self.random.take(32)
        self.mask_private = hkdf(transcript('mask key', terms, self.id), scalar_bytes(self.mask_scalar))
        self.statement = transcript('keys', terms, self.id, unhex(self.keys['mask_key']),
                                    unhex(self.keys['share_key']), unhex(self.keys['self_commitment']))
        self.identity = Ed25519PublicKey.from_public_bytes(unhex(self.keys['identity']))
        assert public_of(self.mask_private).hex() == self.keys['mask_key']
        assert public_of(self.share_private).hex() == self.keys['share_key']
        commitment = transcript('self commitment', terms, self.id, scalar_bytes(self.self_scalar))
        assert commitment.hex() == self.keys['self_commitment']
        self.identity.verify(unhex(self.keys['signature']), self.statement)

    def deal(self, threshold, neighbours):
        of_mask = polynomial(self.mask_scalar, threshold, self.random)
        of_self = polynomial(self.self_scalar, threshold, self.random)
        assert not self.random.bytes
        self.mask_shares = {h: value_at(of_mask, h + 1) for h in neighbours}
        self.self_shares = {h: value_at(of_self, h + 1) for h in neighbours}


def check_dealt(dealer, holders, context):
    assert [s['holder'] for s in dealer.said['shares']] == dealer.said['neighbours']
    for said in dealer.said['shares']:
        holder = holders[said['holder']]
        mask_share = scalar_bytes(dealer.mask_shares[holder.index])
        self_share = scalar_bytes(dealer.self_shares[holder.index])
        key = hkdf(transcript('share key', context, dealer.id, holder.id),
                   shared(holder.share_private, unhex(dealer.keys['share_key'])))
        plain = ChaCha20Poly1305(key).decrypt(bytes(12), unhex(said['sealed']), context)
        assert plain == mask_share + self_share
        for kind, share, name in ((1, mask_share, 'mask_commitment'), (2, self_share, 'self_commitment')):
            expected = transcript('share commitment', context, kind, dealer.id, holder.id, share)
            assert expected.hex() == said[name]


def mask_words(key, bits, length):
    size = 4 if bits <= 32 else 8
    stream = keystream(key, size * length)
    return [int.from_bytes(stream[size * i:size * i + size], 'little') for i in range(length)]


def pair_key(one, other, context):
    low, high = sorted((one.id, other.id))
    return hkdf(transcript('pair mask', context, low, high), shared(one.mask_private, unhex(other.keys['mask_key'])))


def masked(member, members, context, bits):
    """The packed input of one client, by the definition: x + its own mask + masks of later ids - those of earlier."""
    total = list(member.said['input'])
    own = hkdf(transcript('self mask', context, member.id), scalar_bytes(member.self_scalar))
    parts = [(1, own)]
    for peer in member.said['neighbours']:
        parts.append((1 if members[peer].id > member.id else -1, pair_key(member, members[peer], context)))
    for sign, key in parts:
        for i, word in enumerate(mask_words(key, bits, len(total))):
            total[i] += sign * word
    number = sum((value % 2**bits) << (bits * i) for i, value in enumerate(total))
    return number.to_bytes((bits * len(total) + 7) // 8, 'little').hex()


def terms_hash(t):
    return transcript('terms', t['job'], t['round'], t['attempt'], unhex(t['model']), unhex(t['settings']),
                      t['adversary'], t['corrupted_permille'], t['dropped_permille'], t['clients'],
                      t['modulus_bits'], t['length'])


def check_attempt(said):
    terms, bits = terms_hash(said['terms']), said['terms']['modulus_bits']
    members = [Member(i, client, terms) for i, client in enumerate(said['clients'])]
    entries = [f for m in members for f in (m.statement, unhex(m.keys['signature']))]
    keys = transcript('roster', terms, len(members), *entries)
    context = transcript('context', keys, said['neighbours'], said['threshold'])
    assert context.hex() == said['context']
    order = shuffled(transcript('graph', keys), len(members))
    survivors, dropped = said['survivors'], said['dropped']
    assert dropped and sorted(survivors + dropped) == list(range(len(members)))
    for member in members:
        assert member.said['neighbours'] == neighbours_in(order, said['neighbours'], member.index)
        member.deal(said['threshold'], member.said['neighbours'])
    for member in members:
        check_dealt(member, members, context)
    number_list = lambda numbers: b''.join(n.to_bytes(4, 'little') for n in numbers)
    statement = transcript('survivors', context, number_list(survivors), number_list(dropped))
    assert [signer for signer, _ in said['signatures']] == survivors
    for signer, signature in said['signatures']:
        members[signer].identity.verify(unhex(signature), statement)
    for index in survivors:
        member = members[index]
        assert member.said['masked'] == masked(member, members, context, bits)
        expected = [[about, scalar_bytes((members[about].self_shares if about in survivors else
                                          members[about].mask_shares)[index]).hex()]
                    for about in member.said['neighbours']]
        assert member.said['revealed'] == expected
    columns = zip(*(members[i].said['input'] for i in survivors))
    assert said['sum'] == [sum(column) % 2**bits for column in columns]


def check_sharing(said):
    random = Drawn(said['random'])
    secret = int.from_bytes(random.take(64), 'little') % ORDER
    assert scalar_bytes(secret).hex() == said['secret']
    coefficients = polynomial(secret, said['threshold'], random)
    points = [x for x, _ in said['shares']]
    for x, y in said['shares']:
        assert scalar_bytes(value_at(coefficients, x)).hex() == y
    for mine, weight in zip(points, said['weights']):
        expected = 1
        for other in points:
            if other != mine:
                expected = expected * other * pow(other - mine, -1, ORDER) % ORDER
        assert scalar_bytes(expected).hex() == weight


def check_graph(said):
    order = shuffled(unhex(said['seed']), said['n'])
    for member, neighbours in enumerate(said['neighbours']):
        assert neighbours == neighbours_in(order, said['k'], member)


def tail_beyond(n, marked, k, bound):
    """The smallest a with P(more than a of k draws are marked) <= bound, exactly."""
    weight = lambda hits: Fraction(comb(marked, hits) * comb(n - marked, k - hits), comb(n, k))
    tail, most = Fraction(0), k
    while most > 0 and tail + weight(most) <= bound:
        tail += weight(most)
        most -= 1
    return most


def threshold_for(n, k, corrupted, dropped, malicious):
    """The smallest safe threshold, or None if it cannot be relied upon to be reached."""
    if k == n - 1:
        hostile, remaining = corrupted, k - dropped
    else:
        gone = corrupted + dropped
        if k <= gone:
            disconnected = (log(n) + log(n - k - 1) - log(2) + lgamma(gone + 1) + lgamma(n - k + 1)
                            - lgamma(n + 1) - lgamma(gone - k + 1))
            if disconnected >= -41 * log(2):
                return None
        hostile = tail_beyond(n, corrupted, k, Fraction(1, 2**41 * n))
        remaining = k - tail_beyond(n, dropped, k, Fraction(1, 2**20 * n))
    threshold = max((k + hostile) // 2 + 1 if malicious else hostile + 1, 2)
    return threshold if threshold <= remaining else None


def check_parameters(said):
    n, malicious = said['clients'], said['adversary'] == 2
    corrupted, dropped = (n * said[rate] // 1000 for rate in ('corrupted_permille', 'dropped_permille'))
    expected = (0, 0)
    for k in [n - 1] if n <= 128 else range(2, n - 1, 2):
        threshold = threshold_for(n, k, corrupted, dropped, malicious)
        if threshold:
            expected = (k, threshold)
            break
    assert (said['neighbours'], said['threshold']) == expected, (said, expected)


def main():
    output = subprocess.run([sys.argv[1]], capture_output=True, check=True, text=True).stdout
    checks = {'attempt': check_attempt, 'sharing': check_sharing, 'graph': check_graph,
              'parameters': check_parameters}
    counts = dict.fromkeys(checks, 0)
    for line in output.splitlines():
        said = json.loads(line)
        checks[said['kind']](said)
        counts[said['kind']] += 1
    assert all(counts.values()), counts
    print(counts)


if __name__ == '__main__':
    main()
