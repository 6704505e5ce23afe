#include "privacy/random_source.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "crypto/hash.h"
#include "crypto/init.h"
#include "crypto/random.h"
#include "privacy/wide.h"

namespace fed::privacy {

namespace {

constexpr std::size_t kStretchWords = 2048;
constexpr std::size_t kStretchBytes = 8 * kStretchWords;
constexpr std::size_t kKeyWords = crypto::kKeyBytes / 8;
constexpr std::size_t kTagWords = crypto::kTagBytes / 8;

ByteSpan bytes_of(std::span<std::uint64_t> words) { return fed::as_writable_bytes(words); }

crypto::Wiped<32> fresh_key() {
  crypto::init();
  crypto::Wiped<32> key;
  crypto::random_bytes(key.span());
  return key;
}

}  // namespace

// Sealing zeros gives the cipher's stream itself, behind it a tag that nobody needs.
struct RandomSource::State {
  explicit State(crypto::Aead aead, crypto::KeyView first) : key(aead, first) {}
  ~State() { crypto::wipe(bytes_of(words)); }

  crypto::AeadKey key;
  bool scripted = false;
  std::array<std::uint64_t, kStretchWords + kTagWords> words{};
};

RandomSource::RandomSource(crypto::Aead aead, crypto::KeyView key)
    : state_(std::make_unique<State>(aead, key)) {}

RandomSource::RandomSource() : RandomSource(crypto::preferred_aead(), fresh_key().view()) {}

RandomSource RandomSource::from_key(crypto::KeyView key) {
  crypto::init();
  return RandomSource(crypto::Aead::chacha20_poly1305, key);
}

RandomSource RandomSource::seeded(std::uint64_t seed) {
  crypto::init();
  std::array<std::uint8_t, 8> bytes;
  store_le(bytes.data(), seed);
  const crypto::Hash key = crypto::sha256(bytes);
  return RandomSource(crypto::Aead::chacha20_poly1305, key);
}

RandomSource RandomSource::scripted(std::span<const std::uint64_t> words) {
  FED_CHECK(words.size() <= kStretchWords);
  RandomSource source = seeded(0);
  std::copy(words.begin(), words.end(), source.state_->words.begin());
  source.state_->scripted = true;
  source.next_ = source.state_->words.data();
  source.words_left_ = words.size();
  return source;
}

// What is moved from has no words left, so no word is ever handed out by both.
RandomSource::RandomSource(RandomSource&& other) noexcept
    : state_(std::move(other.state_)),
      next_(std::exchange(other.next_, nullptr)),
      words_left_(std::exchange(other.words_left_, 0)),
      coins_(std::exchange(other.coins_, 0)),
      coins_left_(std::exchange(other.coins_left_, 0)) {}

RandomSource& RandomSource::operator=(RandomSource&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(next_, other.next_);
  std::swap(words_left_, other.words_left_);
  std::swap(coins_, other.coins_);
  std::swap(coins_left_, other.coins_left_);
  return *this;
}

RandomSource::~RandomSource() { crypto::wipe(bytes_of({&coins_, 1})); }

void RandomSource::refill() {
  FED_CHECK(state_ != nullptr && !state_->scripted);
  // All words are zero: handed out and overwritten, or never filled.
  std::span<std::uint64_t> words(state_->words);
  const ByteSpan bytes = bytes_of(words);
  state_->key.seal({}, {}, bytes.first(kStretchBytes), bytes);
  // A key seals one text only, so the nonce never moves.
  state_->key.set_key(crypto::KeyView(bytes.data(), crypto::kKeyBytes));
  crypto::wipe(bytes.first(crypto::kKeyBytes));
  crypto::wipe(bytes.last(crypto::kTagBytes));
  next_ = words.data() + kKeyWords;
  words_left_ = kStretchWords - kKeyWords;
}

std::uint64_t RandomSource::below(std::uint64_t bound) {
  FED_CHECK(bound > 0);
  Wide product = Wide{word()} * bound;
  if (low(product) < bound) {
    const std::uint64_t rejected = (0 - bound) % bound;  // 2^64 mod bound
    while (low(product) < rejected) product = Wide{word()} * bound;
  }
  return high(product);
}

}  // namespace fed::privacy
