// The library as a filter, for check_peer.py: a command a line in, its answer a line out. Numbers
// are the hexadecimal of their little-endian bytes, of the size that the library gives or wants.
//
//   key SECRET                  takes a secret key (its bytes)      -> public key (its bytes)
//   seed SEED                   its key pair is made, and forgotten -> public key (its bytes)
//   square                      n^2 of that key                     -> number
//   encrypt PLAINTEXT R                                             -> ciphertext
//   add CIPHERTEXT CIPHERTEXT                                       -> ciphertext
//   decrypt CIPHERTEXT                                              -> plaintext
//   pack BITS SUMMANDS VALUE...                                     -> plaintext
//   unpack BITS SUMMANDS_MAX SUMMANDS COUNT PLAINTEXT               -> values
//
// An error is answered by "error: " and its text.
#include <iostream>
#include <optional>
#include <sstream>

#include "paillier/packing.h"
#include "paillier/secret_key.h"

namespace fed::paillier {
namespace {

using Answer = Result<std::string>;

Result<Bytes> read_bytes(std::istream& arguments) {
  std::string hex;
  arguments >> hex;
  return from_hex(hex);
}

Answer answer_encrypt(const PublicKey& key, std::istream& arguments) {
  FED_ASSIGN(number, read_bytes(arguments));
  FED_ASSIGN(r, read_bytes(arguments));
  FED_ASSIGN(plaintext, Plaintext::from_bytes(number));
  FED_ASSIGN(randomness, Randomness::from_bytes(key, r));
  FED_ASSIGN(ciphertext, encrypt(key, plaintext, std::move(randomness)));
  return to_hex(ciphertext.bytes());
}

Answer answer_add(const PublicKey& key, std::istream& arguments) {
  FED_ASSIGN(first, read_bytes(arguments));
  FED_ASSIGN(second, read_bytes(arguments));
  FED_ASSIGN(sum, Ciphertext::from_bytes(key, first));
  FED_ASSIGN(summand, Ciphertext::from_bytes(key, second));
  add(key, sum, summand);
  return to_hex(sum.bytes());
}

Answer answer_decrypt(const SecretKey& key, std::istream& arguments) {
  FED_ASSIGN(bytes, read_bytes(arguments));
  FED_ASSIGN(ciphertext, Ciphertext::from_bytes(key.public_key(), bytes));
  FED_ASSIGN(plaintext, key.decrypt(ciphertext));
  return to_hex(plaintext.bytes());
}

Answer answer_pack(std::istream& arguments) {
  unsigned bits = 0;
  std::uint32_t summands_max = 0;
  arguments >> bits >> summands_max;
  FED_ASSIGN(layout, Layout::make(bits, summands_max));
  std::vector<std::int64_t> values;
  for (std::int64_t value = 0; arguments >> value;) values.push_back(value);
  FED_ASSIGN(plaintext, layout.pack(values));
  return to_hex(plaintext.bytes());
}

Answer answer_unpack(std::istream& arguments) {
  unsigned bits = 0;
  std::uint32_t summands_max = 0, summands = 0;
  std::size_t count = 0;
  arguments >> bits >> summands_max >> summands >> count;
  FED_ASSIGN(layout, Layout::make(bits, summands_max));
  FED_ASSIGN(bytes, read_bytes(arguments));
  FED_ASSIGN(plaintext, Plaintext::from_bytes(bytes));
  FED_ASSIGN(values, layout.unpack(plaintext, count, summands));
  std::string line;
  for (const std::int64_t value : values) line += std::to_string(value) + " ";
  return line;
}

class Peer {
 public:
  Answer answer(const std::string& line) {
    std::istringstream arguments(line);
    std::string command;
    arguments >> command;
    if (command == "key") return take_key(arguments);
    if (command == "seed") return take_seed(arguments);
    if (command == "pack") return answer_pack(arguments);
    if (command == "unpack") return answer_unpack(arguments);
    if (!key_) return Error{ErrorCode::invalid, "no key yet"};
    if (command == "square") return to_hex(bytes_of(key_->public_key().square()));
    if (command == "encrypt") return answer_encrypt(key_->public_key(), arguments);
    if (command == "add") return answer_add(key_->public_key(), arguments);
    if (command == "decrypt") return answer_decrypt(*key_, arguments);
    return Error{ErrorCode::invalid, "unknown command"};
  }

 private:
  Answer take_key(std::istream& arguments) {
    FED_ASSIGN(bytes, read_bytes(arguments));
    FED_ASSIGN(key, SecretKey::from_bytes(bytes));
    key_ = std::move(key);
    return to_hex(key_->public_key().to_bytes());
  }

  static Answer take_seed(std::istream& arguments) {
    FED_ASSIGN(bytes, read_bytes(arguments));
    if (bytes.size() != crypto::kKeyBytes) return Error{ErrorCode::malformed, "not a seed"};
    const SecretKey key = SecretKey::from_seed(crypto::KeyView(bytes.data(), bytes.size()));
    return to_hex(key.public_key().to_bytes());
  }

  std::optional<SecretKey> key_;
};

}  // namespace
}  // namespace fed::paillier

int main() {
  fed::paillier::Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = peer.answer(line);
    std::cout << (answer ? *answer : "error: " + answer.error().detail) << std::endl;
  }
}
