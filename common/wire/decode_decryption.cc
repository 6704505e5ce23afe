#include "wire/decode_secure.h"

namespace fed::wire {
namespace {

// A whole number of items, at least one.
Bytes read_items(const flatbuffers::Vector<std::uint8_t>* from, std::size_t item_bytes,
                 const char* field, Checker& c) {
  const std::size_t size = from == nullptr ? 0 : from->size();
  const bool fits = size > 0 && size % item_bytes == 0 && size / item_bytes <= kCiphertextsMax;
  c.require(fits, field);
  return fits ? Bytes(from->begin(), from->end()) : Bytes();
}

}  // namespace

Message read(const fb::KeyHeld& m, Checker& c) { return KeyHeld{c.job(m.job())}; }
Message read(const fb::DecryptSum& m, Checker& c) {
  return DecryptSum{c.job(m.job()), c.count(m.round(), "round"), m.clients(), m.first(),
                    read_items(m.ciphertexts(), kCiphertextBytes, "ciphertexts", c)};
}
Message read(const fb::DecryptedSum& m, Checker& c) {
  return DecryptedSum{c.job(m.job()), c.count(m.round(), "round"), m.first(),
                      read_items(m.plaintexts(), kPlaintextBytes, "plaintexts", c)};
}
Message read(const fb::DecryptionRefused& m, Checker& c) {
  return DecryptionRefused{c.job(m.job()), c.count(m.round(), "round"),
                           c.text(m.detail(), "detail")};
}

}  // namespace fed::wire
