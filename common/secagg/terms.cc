#include "secagg/terms.h"

#include <array>

namespace fed::secagg {

Transcript::Transcript(std::string_view purpose) { add("fed secagg v1").add(purpose); }

Transcript& Transcript::add(ByteView field) {
  std::array<std::uint8_t, 8> size;
  store_le(size.data(), std::uint64_t{field.size()});
  hasher_.update(size);
  hasher_.update(field);
  return *this;
}

Transcript& Transcript::add_number(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes;
  store_le(bytes.data(), number);
  return add(bytes);
}

Status check(const Terms& terms) {
  if (terms.modulus_bits < 1 || terms.modulus_bits > kModulusBitsMax) {
    return Error{ErrorCode::invalid,
                 "a modulus has 1 to 64 bits, not " + std::to_string(terms.modulus_bits)};
  }
  if (terms.length < 1 || terms.length > kVectorLengthMax) {
    return Error{ErrorCode::invalid, "a vector has at least one element and at most 2^36"};
  }
  if (terms.clients < kClientsMin || terms.clients > kClientsMax) {
    return Error{ErrorCode::invalid, "secure aggregation needs 3 to 100000 clients, not " +
                                         std::to_string(terms.clients)};
  }
  return {};
}

crypto::Hash hash_of(const Terms& terms) {
  return Transcript("terms")
      .add(terms.job)
      .add_number(terms.round)
      .add_number(terms.attempt)
      .add(terms.model)
      .add(terms.settings)
      .add_number(static_cast<std::uint64_t>(terms.threat.adversary))
      .add_number(terms.threat.corrupted_permille)
      .add_number(terms.threat.dropped_permille)
      .add_number(terms.clients)
      .add_number(terms.modulus_bits)
      .add_number(terms.length)
      .finish();
}

}  // namespace fed::secagg
