#!/usr/bin/python3
"""A second, independent implementation of the channel, for tests.

The handshake is that of Debian's python3-dissononce, the ciphers are those of python3-cryptography; nothing is
shared with the C++ code. `Peer` connects, sends the preamble, does a Noise XK (or, with a join id and psk, XKpsk3)
handshake as the client, and then sends and receives records (common/channel/README.md). Run as a program it sends
pings, expects a pong with the same body for each, ends the session, expects the server's end or a clean close, and
exits with status 0.

  noise_peer.py --address 127.0.0.1:7600 --client-key HEX --server-key HEX --suite AESGCM
"""

import argparse
import socket
import struct
import sys

from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.XK import XKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

CONTROL, CHUNK, STRETCH, PING, PONG, END = range(1, 7)
RECORDS_PER_REKEY = 1 << 16
SUITES = {"AESGCM": (1, AESGCMCipher), "ChaChaPoly": (2, ChaChaPolyCipher)}


class Direction:
    """One direction's key and counter. dissononce's own rekey keeps 48 bytes and resets n; this follows the text."""

    def __init__(self, cipher_state):
        self.cipher = cipher_state.cipher
        self.key = cipher_state._key
        self.n = 0

    def _count(self):
        self.n += 1
        if self.n % RECORDS_PER_REKEY == 0:
            self.key = self.cipher.encrypt(self.key, 2**64 - 1, b"", bytes(32))[:32]

    def seal(self, plaintext):
        sealed = self.cipher.encrypt(self.key, self.n, b"", plaintext)
        self._count()
        return sealed

    def open(self, ciphertext):
        opened = self.cipher.decrypt(self.key, self.n, b"", ciphertext)
        self._count()
        return opened


class Peer:
    """A connected client. Keys are hexadecimal text; `payload` travels in message 3."""

    def __init__(self, host, port, client_key, server_key, suite="AESGCM", payload=b"", join_id=None, psk=None,
                 timeout_s=30):
        number, cipher = SUITES[suite]
        joining = join_id is not None
        pattern = PSKPatternModifier(3).modify(XKHandshakePattern()) if joining else XKHandshakePattern()
        preamble = b"FEDL" + struct.pack("<HBB", 1, number, 2 if joining else 1)
        name = "Noise_%s_25519_%s_SHA256" % (pattern.name, suite)

        dh = X25519DH()
        state = HandshakeState(SymmetricState(CipherState(cipher()), SHA256Hash()), dh)
        state.initialize(pattern, True, preamble + name.encode(),
                         s=dh.generate_keypair(PrivateKey(bytes.fromhex(client_key))),
                         rs=PublicKey(bytes.fromhex(server_key)),
                         psks=[bytes.fromhex(psk)] if joining else None)

        self.socket = socket.create_connection((host, port), timeout=timeout_s)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(preamble)
        self._write_handshake(state, bytes.fromhex(join_id) if joining else b"")
        payload_2 = bytearray()
        state.read_message(self._read_message(), payload_2)
        if payload_2:
            raise ValueError("message 2 has a payload")
        send, receive = self._write_handshake(state, payload)
        self.sending = Direction(send)
        self.receiving = Direction(receive)
        self.handshake_hash = state.symmetricstate.get_handshake_hash()

    def _write_handshake(self, state, payload):
        message = bytearray()
        ciphers = state.write_message(payload, message)
        self._write_message(bytes(message))
        return ciphers

    def _write_message(self, message):
        self.socket.sendall(struct.pack(">H", len(message)) + message)

    def _read_exactly(self, count):
        data = self.stream.read(count)
        if len(data) != count:
            raise EOFError("the server closed the connection: does it know this client?")
        return data

    def _read_message(self):
        return self._read_exactly(struct.unpack(">H", self._read_exactly(2))[0])

    def send_record(self, kind, body=b""):
        self._write_message(self.sending.seal(bytes([kind]) + body))

    def recv_record(self):
        """The next record as (kind, body)."""
        plaintext = self.receiving.open(self._read_message())
        return plaintext[0], plaintext[1:]

    def end(self):
        """Ends the session, and waits for the server to do the same or to close."""
        self.send_record(END)
        self.socket.shutdown(socket.SHUT_WR)
        try:
            kind, _ = self.recv_record()
            if kind != END:
                raise ValueError("expected the end, not kind %d" % kind)
        except EOFError:
            pass
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()


def main():
    parser = argparse.ArgumentParser(description="pings a server over the secure channel")
    parser.add_argument("--address", required=True, help="HOST:PORT")
    parser.add_argument("--client-key", required=True, help="the client's private key, 64 hexadecimal digits")
    parser.add_argument("--server-key", required=True, help="the server's public key, 64 hexadecimal digits")
    parser.add_argument("--suite", choices=sorted(SUITES), default="AESGCM")
    parser.add_argument("--payload", default="", help="the payload of message 3, hexadecimal")
    parser.add_argument("--join-id", help="joins by an invitation (XKpsk3): its id, 16 hexadecimal digits")
    parser.add_argument("--psk", help="and its secret, 64 hexadecimal digits")
    parser.add_argument("--body", default="are you there?")
    parser.add_argument("--pings", type=int, default=1)
    arguments = parser.parse_args()

    host, _, port = arguments.address.rpartition(":")
    peer = Peer(host.strip("[]"), int(port), arguments.client_key, arguments.server_key, arguments.suite,
                bytes.fromhex(arguments.payload), arguments.join_id, arguments.psk)
    for number in range(arguments.pings):
        body = arguments.body.encode() + (b" %d" % number if number else b"")
        peer.send_record(PING, body)
        kind, echoed = peer.recv_record()
        if (kind, echoed) != (PONG, body):
            sys.exit("expected a pong with the same body, got kind %d with %d bytes" % (kind, len(echoed)))
    peer.end()


if __name__ == "__main__":
    try:
        main()
    except (EOFError, OSError) as error:
        sys.exit("%s" % error)
