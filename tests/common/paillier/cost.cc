// What a ciphertext costs: prints CPU time per operation, and per 50,000 parameters of 16 bits from
// at most 100 clients. For people; no test runs it. Usage: paillier_cost [REPETITIONS]
#include <fmt/core.h>

#include <cstdlib>
#include <ctime>

#include "crypto/random.h"
#include "paillier/packing.h"
#include "paillier/secret_key.h"

namespace fed::paillier {
namespace {

constexpr std::size_t kParameters = 50'000;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds of CPU a call.
template <class Operation>
double cost(int calls, const Operation& operation) {
  const double begin = cpu_seconds();
  for (int i = 0; i < calls; ++i) operation();
  return (cpu_seconds() - begin) / calls;
}

void print(const char* what, double seconds, std::size_t ciphertexts) {
  fmt::print("{:<28}{:>10.3f} ms{:>12.3f} s\n", what, 1e3 * seconds,
             seconds * static_cast<double>(ciphertexts));
}

void measure(int calls) {
  const Layout layout = Layout::make(16, 100).value();
  const std::size_t ciphertexts = layout.plaintexts(kParameters);
  const SecretKey secret = SecretKey::generate(crypto::random_bytes);
  const PublicKey& key = secret.public_key();
  const std::vector<std::int64_t> values(layout.capacity(), -12345);
  const auto encrypt_one = [&] {
    return encrypt(key, layout.pack(values).value(), Randomness::draw(key, crypto::random_bytes))
        .value();
  };
  const Ciphertext ciphertext = encrypt_one();
  Ciphertext sum = Ciphertext::one();

  fmt::print("{} parameters: {} ciphertexts of {} parameters, {:.2f} bytes a parameter\n",
             kParameters, ciphertexts, layout.capacity(),
             static_cast<double>(ciphertexts * Ciphertext::kBytes) / kParameters);
  fmt::print("{:<28}{:>13}{:>14}\n", "CPU time", "a ciphertext", "all of them");
  print("draw r, pack, encrypt", cost(calls, encrypt_one), ciphertexts);
  print("check another's ciphertext",
        cost(100 * calls, [&] { FED_CHECK(check(key, ciphertext).has_value()); }), ciphertexts);
  print("add", cost(100 * calls, [&] { add(key, sum, ciphertext); }), ciphertexts);
  print("decrypt and unpack",
        cost(calls,
             [&] {
               const Plaintext plain = secret.decrypt(ciphertext).value();
               FED_CHECK(layout.unpack(plain, layout.capacity(), 1)->at(0) == values[0]);
             }),
        ciphertexts);
  print("generate a key",
        cost(std::max(calls / 10, 3), [] { (void)SecretKey::generate(crypto::random_bytes); }), 1);
}

}  // namespace
}  // namespace fed::paillier

int main(int count, char** arguments) {
  fed::paillier::measure(count > 1 ? std::max(std::atoi(arguments[1]), 1) : 50);
}
