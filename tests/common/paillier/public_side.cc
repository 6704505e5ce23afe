// A program like a server: it has the public key alone, and adds what others encrypted.
// check_symbols.py looks for what it links.
#include <iostream>

#include "crypto/random.h"
#include "paillier/cipher.h"
#include "paillier/packing.h"

int main() {
  using namespace fed::paillier;
  std::string hex;
  std::cin >> hex;
  const auto bytes = fed::from_hex(hex);
  const auto key = PublicKey::from_bytes(bytes ? *bytes : fed::Bytes{});
  if (!key) {
    std::cout << key.error() << "\n";
    return 1;
  }
  const Layout layout = Layout::make(16, 2).value();
  const std::vector<std::int64_t> update{1, -1};
  Ciphertext sum = Ciphertext::one();
  for (int i = 0; i < 2; ++i) {
    const auto ciphertext = encrypt(*key, layout.pack(update).value(),
                                    Randomness::draw(*key, fed::crypto::random_bytes));
    add(*key, sum, Ciphertext::from_bytes(*key, ciphertext->bytes()).value());
  }
  std::cout << fed::to_hex(sum.bytes()) << "\n";
}
