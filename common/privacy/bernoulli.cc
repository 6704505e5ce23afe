#include "privacy/bernoulli.h"

#include <array>

namespace fed::privacy {

namespace {

// 1/1!, 1/2!, ... as multiples of 2^-64: a whole part, and what is left as a fraction of k!.
constexpr unsigned kFactorials = 20;  // 20! is the last one below 2^64

struct InverseFactorial {
  std::uint64_t whole;
  Fraction rest;
};

constexpr std::array<InverseFactorial, kFactorials + 1> inverse_factorials() {
  std::array<InverseFactorial, kFactorials + 1> table{};
  std::uint64_t factorial = 1;
  for (unsigned k = 2; k <= kFactorials; ++k) {
    factorial *= k;
    const std::uint64_t rest = (0 - factorial) % factorial;  // 2^64 mod k!
    table[k] = {low(((Wide{1} << 64) - rest) / factorial), {rest, factorial}};
  }
  return table;
}

constexpr std::array<InverseFactorial, kFactorials + 1> kInverse = inverse_factorials();

// Whether a uniform number of [0, 1), whose first 64 bits are `word`, is below 1/k!.
bool below_inverse(std::uint64_t word, unsigned k, RandomSource& source) {
  if (word != kInverse[k].whole) return word < kInverse[k].whole;
  return bernoulli(kInverse[k].rest, source);
}

// The largest J with U < 1/J! for a uniform U: of the coins 1/1, 1/2, 1/3, ... of Algorithm 1, how
// many fall on their side in a row. One word decides nearly always; 20 in a row are continued with
// coins of their own, which is the same.
unsigned chain(RandomSource& source) {
  const std::uint64_t word = source.word();
  unsigned length = 1;
  while (length < kFactorials && below_inverse(word, length + 1, source)) ++length;
  if (length == kFactorials) {
    while (source.below(length + 1) == 0) ++length;
  }
  return length;
}

// bernoulli for a fraction below 1 in 64 bits. The random words u are the digits, in base 2^64, of
// a number that is compared with numerator / denominator; `numerator` becomes what is left of it.
bool bernoulli_narrow(std::uint64_t numerator, std::uint64_t denominator, RandomSource& source) {
  while (true) {
    const Wide drawn = Wide{source.word()} * denominator;
    const Wide wanted = Wide{numerator} << 64;
    if (drawn >= wanted) return false;
    if (wanted - drawn >= denominator) return true;
    numerator = low(wanted - drawn);
  }
}

// Algorithm 1 for gamma <= 1, given how to draw a coin of gamma. The K-th coin has probability
// gamma / K, which is a coin of gamma and a coin of 1 / K; the 1 / K are drawn as one chain.
template <class Coin>
bool bernoulli_exp_small(Coin gamma, RandomSource& source) {
  if (!gamma()) return true;
  const unsigned length = chain(source);
  unsigned row = 1;
  while (row < length && gamma()) ++row;
  return row % 2 == 0;
}

}  // namespace

bool bernoulli(Fraction probability, RandomSource& source) {
  FED_CHECK(probability.denominator > 0 && probability.numerator <= probability.denominator);
  if (probability.numerator == probability.denominator) return true;
  return bernoulli_narrow(probability.numerator, probability.denominator, source);
}

bool bernoulli(Wide numerator, Wide denominator, RandomSource& source) {
  FED_CHECK(denominator > 0 && numerator <= denominator);
  if (numerator == denominator) return true;
  if (high(denominator) == 0) return bernoulli_narrow(low(numerator), low(denominator), source);
  // The same as bernoulli_narrow, in 192 bits.
  while (true) {
    const std::uint64_t word = source.word();
    const Wide bottom = Wide{word} * low(denominator);
    const Wide top = Wide{word} * high(denominator) + high(bottom);  // at most 2^128 - 2^64
    const Wide borrow = low(bottom) > 0 ? 1 : 0;
    if (numerator < top || numerator - top < borrow) return false;
    const Wide left = numerator - top - borrow;
    if (high(left) > 0) return true;
    numerator = left << 64 | (0 - low(bottom));
    if (numerator >= denominator) return true;
    if (numerator == 0) return false;
  }
}

bool bernoulli_exp_one(RandomSource& source) { return chain(source) % 2 == 0; }

bool bernoulli_exp(Wide numerator, Wide denominator, RandomSource& source) {
  FED_CHECK(denominator > 0);
  if (numerator > denominator) {
    // exp(-gamma) is exp(-1) as often as gamma has whole parts, times exp(-rest).
    Wide whole = numerator / denominator;
    numerator %= denominator;
    for (; whole > 0; --whole) {
      if (!bernoulli_exp_one(source)) return false;
    }
  }
  if (numerator == 0) return true;
  if (numerator == denominator) return bernoulli_exp_one(source);
  if (high(denominator) == 0) {
    const std::uint64_t n = low(numerator);
    const std::uint64_t d = low(denominator);
    return bernoulli_exp_small([&] { return bernoulli_narrow(n, d, source); }, source);
  }
  return bernoulli_exp_small([&] { return bernoulli(numerator, denominator, source); }, source);
}

}  // namespace fed::privacy
