#!/usr/bin/python3
"""The live server against a second implementation of its channel, against strangers, and against members that break
the rules. Whoever does so loses that one connection; everybody else trains on."""

import base64
import hashlib
import os
import random
import resource
import socket
import struct
import sys
import threading

import datasets
import harness
import jobs

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../common/channel'))
import noise_peer  # noqa: E402

# The address sanitizer keeps what was freed for a while.
GROWTH_MAX_KB = 65536 if os.environ.get('FED_SANITIZE') else 8192
PREAMBLE = b'FEDL' + struct.pack('<HBB', 1, 1, 1)
DEADLINE_S = 30


def decode_code(code):
    """The parts of a join code: suites, server key, join id, secret, address."""
    text = code.removeprefix('fed1-')
    raw = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    return {'suites': raw[:1], 'server': raw[1:33], 'id': raw[33:41], 'psk': raw[41:73], 'address': raw[73:-4]}


def encode_code(parts):
    raw = b''.join(parts[key] for key in ('suites', 'server', 'id', 'psk', 'address'))
    checksum = hashlib.sha256(b'fed1-' + raw).digest()[:4]
    return 'fed1-' + base64.urlsafe_b64encode(raw + checksum).decode().rstrip('=')


def key_text(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip('=')


class ChannelTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server({'limits': {'handshake_s': 1}})
        path = datasets.write_table(self.path('data.csv'), datasets.table(60, 1))
        self.data = {'format': 'csv', 'path': path, 'label': 'colour'}

    def server_key(self):
        text = self.srv.public_key
        return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)).hex()

    def member(self, name='peer'):
        """A client that has joined and does not run: (its private key, the client)."""
        client = self.client(self.srv, name, self.data, start=False)
        with open(os.path.join(client.state, 'client.key'), encoding='ascii') as file:
            return file.read().strip(), client

    def peer(self, key, **options):
        return noise_peer.Peer('127.0.0.1', self.srv.port, key, options.pop('server_key', self.server_key()),
                               timeout_s=DEADLINE_S, **options)

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.srv.port), timeout=DEADLINE_S)

    def wait_closed(self, stranger):
        """All that the server says until it hangs up. Fails after the deadline."""
        said = b''
        try:
            while data := stranger.recv(65536):
                said += data
        except ConnectionResetError:
            pass
        except TimeoutError:
            self.fail(f'the server does not hang up\n{self.srv.daemon.tail()}')
        stranger.close()
        return said

    def assertTrains(self):
        """The last word of every test here."""
        client = self.client(self.srv, 'honest', self.data)
        self.srv.submit(jobs.colours('after', rounds=2, clients=1))
        self.srv.wait_finished('after')
        client.daemon.wait_log('job after has ended')

    def assertPings(self, peer):
        for body in (b'', b'are you there?', os.urandom(60000)):
            peer.send_record(noise_peer.PING, body)
            self.assertEqual(peer.recv_record(), (noise_peer.PONG, body))

    def assertDropped(self, peer):
        """The server ends this session (it may say why first)."""
        peer.socket.settimeout(DEADLINE_S)
        try:
            while peer.recv_record()[0] != noise_peer.END:
                pass
            self.assertEqual(peer.stream.read(1), b'')
        except (EOFError, ConnectionResetError):
            pass
        peer.close()


class Peers(ChannelTest):
    def test_an_independent_client_in_both_suites(self):
        key, _ = self.member()
        for suite in ('AESGCM', 'ChaChaPoly'):
            peer = self.peer(key, suite=suite)
            self.assertPings(peer)
            peer.end()
        self.assertTrains()

    def test_fedclient_in_the_other_suite(self):
        client = self.client(self.srv, 'chacha', self.data, settings={'cipher': 'chachapoly'})
        self.srv.submit(jobs.colours('chacha', rounds=2, clients=1))
        self.srv.wait_finished('chacha')
        self.assertEqual(client.trainings('chacha', 1), 1)

    def test_an_unknown_key(self):
        stranger = self.peer(os.urandom(32).hex())  # in XK the server decides after the last message
        with self.assertRaises((EOFError, ConnectionError)):
            stranger.send_record(noise_peer.PING, b'hello')
            stranger.recv_record()
        stranger.close()
        self.assertTrains()

    def test_a_wrong_server_key(self):
        key, client = self.member()
        with self.assertRaises((EOFError, ConnectionError)):
            self.peer(key, server_key=os.urandom(32).hex())
        harness.edit_json(client.config, {'server_key': key_text(os.urandom(32))})
        client.start()
        client.daemon.wait_log('not connected')
        self.assertEqual(self.srv.daemon.count('client peer connected'), 0)
        client.daemon.stop_for_good()
        self.assertTrains()

    def test_a_preamble_changed_on_the_way(self):
        key, _ = self.member()
        real = socket.create_connection

        class Changed:
            """The socket of a peer whose choice of suite somebody changes on the line."""

            def __init__(self, inner):
                self.inner = inner
                self.first = True

            def sendall(self, data):
                if self.first:
                    data = data[:6] + bytes([3 - data[6]]) + data[7:]
                    self.first = False
                self.inner.sendall(data)

            def __getattr__(self, name):
                return getattr(self.inner, name)

        noise_peer.socket.create_connection = lambda *a, **k: Changed(real(*a, **k))
        try:
            with self.assertRaises((EOFError, ConnectionError)):
                self.peer(key)
        finally:
            noise_peer.socket.create_connection = real
        self.assertTrains()


class Joining(ChannelTest):
    def join(self, code, name='x'):
        return harness.fedclient('join', code, '--state', self.path(name, ''), '--json')

    def test_a_code_works_once(self):
        code = self.srv.invite('first')
        self.assertEqual(self.join(code, 'first').status, 0)
        again = self.join(code, 'second')
        self.assertFails(again, 1, 'ask the operator for a new one')
        self.assertFalse(os.path.exists(self.path('second', 'client.json')))
        names = [client['name'] for client in self.srv.ask('clients')['clients']]
        self.assertEqual(names, ['first'])
        self.assertTrains()

    def test_a_code_with_another_secret(self):
        parts = decode_code(self.srv.invite('guessed'))
        parts['psk'] = os.urandom(32)
        self.assertFails(self.join(encode_code(parts)), 1, 'ask the operator')
        parts = decode_code(self.srv.invite('unknown'))
        parts['id'] = os.urandom(8)
        self.assertFails(self.join(encode_code(parts)), 1, 'did not accept the code')
        self.assertEqual(self.srv.ask('clients')['clients'], [])
        self.assertTrains()

    def test_a_code_for_another_server(self):
        parts = decode_code(self.srv.invite('lost'))
        parts['server'] = os.urandom(32)
        self.assertFails(self.join(encode_code(parts)), 1, 'did not accept the code')
        self.assertTrains()

    def test_an_expired_code(self):
        code = self.srv.invite('late', '--expires', '1s')
        for _ in range(2):  # the server's own clock: each silent peer is closed after handshake_s, a second
            self.wait_closed(self.connect())
        self.assertFails(self.join(code), 1, 'it has expired')
        self.assertTrains()

    def test_a_mistyped_code(self):
        code = self.srv.invite('typo')
        for bad in (code[:-1], code[:20] + ('A' if code[20] != 'A' else 'B') + code[21:], 'fed1-', 'hello'):
            done = self.join(bad)
            self.assertEqual(done.status, 2, done)
            self.assertNotIn(code[10:50], done.err)
        self.assertEqual(self.join(code[:30] + '\n  ' + code[30:]).status, 0)  # wrapped by a mail program

    def test_a_join_that_does_not_join(self):
        """A connection made with a good secret that then says something else."""
        parts = decode_code(self.srv.invite('rude'))
        for record in ((noise_peer.CONTROL, b'\x01garbage'), (noise_peer.CHUNK, b'x' * 100), (77, b'')):
            peer = self.peer(os.urandom(32).hex(), join_id=parts['id'].hex(), psk=parts['psk'].hex())
            peer.send_record(*record)
            self.assertDropped(peer)
        # The secret is still good: nobody has joined by it.
        self.assertEqual(self.join(encode_code(parts)).status, 0)
        self.assertTrains()


class Strangers(ChannelTest):
    def test_garbage_of_all_lengths(self):
        source = random.Random(1)
        for length in [*range(0, 70), 126, 127, 128, 129, 511, 512, 513, 65535, 65536, 300000]:
            for start in (b'', PREAMBLE):
                stranger = self.connect()
                try:
                    stranger.sendall(start + source.randbytes(length))
                    stranger.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it hung up before the last byte: as good
                self.assertEqual(self.wait_closed(stranger), b'', f'{length} random bytes were answered')
        self.assertTrains()

    def test_handshake_messages_of_wrong_lengths(self):
        for length in (0, 1, 47, 49, 96, 512, 513, 65535):
            stranger = self.connect()
            try:
                stranger.sendall(PREAMBLE + struct.pack('>H', length) + bytes(length))
            except OSError:
                pass
            self.assertEqual(self.wait_closed(stranger), b'')
        self.assertTrains()

    def test_silent_peers_are_closed(self):
        silent = [self.connect() for _ in range(3)]
        silent[1].sendall(PREAMBLE[:5])
        silent[2].sendall(PREAMBLE + struct.pack('>H', 48) + bytes(40))
        for stranger in silent:
            self.assertEqual(self.wait_closed(stranger), b'')
        self.assertTrains()

    def test_a_drip_of_bytes_does_not_keep_a_stranger_alive(self):
        stranger = self.connect()
        closed = threading.Event()
        watcher = threading.Thread(target=lambda: (self.wait_closed(stranger), closed.set()), daemon=True)
        watcher.start()
        for number in range(600):
            try:
                stranger.sendall(PREAMBLE[number:number + 1] or b'\0')
            except OSError:
                break
            if closed.wait(0.1):
                break
        watcher.join(DEADLINE_S)
        self.assertTrue(closed.is_set())
        self.assertTrains()

    def test_a_flood_of_half_open_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        _, client = self.member('legitimate')
        self.flood(100)  # what any first connections cost is not growth
        before = self.memory_kb()
        flood = []
        for number in range(600):
            stranger = self.connect()
            flood.append(stranger)
            if number % 3:
                stranger.sendall(PREAMBLE + struct.pack('>H', 48)[:number % 2])
            if number == 400:
                since = client.start()
        client.daemon.wait_log('connected to', since)
        self.srv.submit(jobs.colours('during', rounds=2, clients=1))
        self.srv.wait_finished('during')
        self.assertLess(self.memory_kb() - before, GROWTH_MAX_KB, 'the flood has made the server grow')
        for stranger in flood:
            self.assertEqual(self.wait_closed(stranger), b'')
        self.flood(600)
        self.assertLess(self.memory_kb() - before, GROWTH_MAX_KB, 'two floods have made the server grow')
        self.assertTrains()

    def flood(self, count):
        strangers = [self.connect() for _ in range(count)]
        for stranger in strangers:
            self.wait_closed(stranger)

    def memory_kb(self):
        with open(f'/proc/{self.srv.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


class Members(ChannelTest):
    """Those who may connect and then break the rules."""

    def setUp(self):
        super().setUp()
        self.key, _ = self.member()
        _, self.witness = self.member('witness')
        self.witness.start_connected()

    def tearDown(self):
        # Only that connection has ended.
        self.assertEqual(self.srv.daemon.count('client witness disconnected'), 0, self.srv.daemon.tail())
        super().tearDown()

    def test_a_truncated_record(self):
        peer = self.peer(self.key)
        sealed = peer.sending.seal(bytes([noise_peer.PING]) + b'cut short')
        peer.socket.sendall(struct.pack('>H', len(sealed)) + sealed[:-3])
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertDropped(peer)
        self.assertTrains()

    def test_flipped_bits(self):
        source = random.Random(2)
        for _ in range(12):
            peer = self.peer(self.key)
            self.assertPings(peer)
            sealed = bytearray(peer.sending.seal(bytes([noise_peer.PING]) + b'whole'))
            sealed[source.randrange(len(sealed))] ^= 1 << source.randrange(8)
            peer.socket.sendall(struct.pack('>H', len(sealed)) + sealed)
            self.assertDropped(peer)
        self.assertTrains()

    def test_a_record_sent_twice(self):
        peer = self.peer(self.key)
        sealed = peer.sending.seal(bytes([noise_peer.PING]) + b'again')
        for _ in range(2):
            peer.socket.sendall(struct.pack('>H', len(sealed)) + sealed)
        self.assertEqual(peer.recv_record(), (noise_peer.PONG, b'again'))
        self.assertDropped(peer)
        self.assertTrains()

    def test_lengths_that_no_record_has(self):
        for length, body in ((0, b''), (1, b'x'), (16, bytes(16)), (65535, os.urandom(65535))):
            peer = self.peer(self.key)
            try:
                peer.socket.sendall(struct.pack('>H', length) + body)
            except OSError:
                pass
            self.assertDropped(peer)
        self.assertTrains()

    def test_messages_that_do_not_verify(self):
        source = random.Random(3)
        bodies = [b'', b'\x01', b'\x02hello', b'\x01' + b'\xff' * 64, b'\x01' + struct.pack('<I', 0x7fffffff),
                  b'\x01' + bytes(1000), *(b'\x01' + source.randbytes(n) for n in (4, 8, 30, 200, 60000))]
        for body in bodies:
            peer = self.peer(self.key)
            peer.send_record(noise_peer.CONTROL, body)
            self.assertDropped(peer)
        self.assertTrains()

    def test_a_message_that_never_ends(self):
        peer = self.peer(self.key)
        try:
            for _ in range(40):
                peer.send_record(noise_peer.CONTROL, b'\x00' + bytes(60000))
        except OSError:
            pass
        self.assertDropped(peer)
        self.assertTrains()

    def test_kinds_that_a_client_does_not_send(self):
        for kind, body in ((0, b''), (7, b''), (255, b'x'), (noise_peer.STRETCH, struct.pack('<I', 100)),
                           (noise_peer.STRETCH, struct.pack('<I', 0xffffffff)), (noise_peer.STRETCH, b''),
                           (noise_peer.CHUNK, b'short')):
            peer = self.peer(self.key)
            try:
                peer.send_record(kind, body)
                peer.socket.sendall(bytes(200))
            except OSError:
                pass
            self.assertDropped(peer)
        self.assertTrains()

    def test_pings_whose_answers_are_not_read(self):
        peer = self.peer(self.key)
        peer.socket.settimeout(DEADLINE_S)
        before = Strangers.memory_kb(self)
        with self.assertRaises(OSError, msg='256 MB of unread pongs were buffered'):
            for _ in range(256 << 4):
                peer.send_record(noise_peer.PING, bytes(65000))
        self.assertLess(Strangers.memory_kb(self) - before, 32 << 10)
        peer.close()
        self.assertTrains()

    def test_a_second_connection_of_the_same_client_replaces_the_first(self):
        _, twin = self.member('twin')
        twin.start_connected()
        copy = self.path('copy', '')
        harness.shutil.copytree(twin.state, copy, dirs_exist_ok=True, ignore=harness.shutil.ignore_patterns('*.tmp'))
        config = os.path.join(copy, 'client.json')
        harness.edit_json(config, {'state_dir': copy})
        other = harness.Daemon('copy', [harness.BINARIES['fedclient'], 'run', '--config', config])
        self.daemons.append(other)
        other.start()
        other.wait_log('connected to')
        twin.daemon.wait_log('connected again')
        self.assertTrains()


if __name__ == '__main__':
    harness.main()
