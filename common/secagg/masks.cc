#include "secagg/masks.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/chacha20.h"

namespace fed::secagg {
namespace {

// Half of a first-level cache for the stream, the rest for the sum.
constexpr std::size_t kBlockBytes = 16 * 1024;
static_assert(kStretchWords * sizeof(std::uint32_t) % kBlockBytes == 0);
static_assert(kBlockBytes % crypto::kChaCha20BlockBytes == 0);

// Fixed-size steps without a branch inside: compilers make vectors of them also where they dare
// little.
constexpr std::size_t kStep = 64;

template <bool kNegative, class Word>
void accumulate(const Word* __restrict stream, std::span<Word> into) {
  Word* __restrict sum = into.data();
  const auto one = [sum, stream](std::size_t i) {
    sum[i] = static_cast<Word>(kNegative ? sum[i] - stream[i] : sum[i] + stream[i]);
  };
  std::size_t i = 0;
  for (; i + kStep <= into.size(); i += kStep) {
    for (std::size_t j = 0; j < kStep; ++j) one(i + j);
  }
  for (; i < into.size(); ++i) one(i);
}

}  // namespace

template <class Word>
void add_masks(std::span<const Mask> masks, std::uint64_t first, std::span<Word> into) {
  FED_CHECK(first % kStretchWords == 0);
  constexpr std::size_t kBlockWords = kBlockBytes / sizeof(Word);
  alignas(64) std::array<Word, kBlockWords> stream;
  for (std::size_t at = 0; at < into.size(); at += kBlockWords) {
    const std::span<Word> block = into.subspan(at, std::min(kBlockWords, into.size() - at));
    const std::uint64_t counter = (first + at) * sizeof(Word) / crypto::kChaCha20BlockBytes;
    const ByteSpan bytes = as_writable_bytes(std::span<Word>(stream).first(block.size()));
    for (const Mask& mask : masks) {
      crypto::chacha20_stream(mask.key.view(), counter, bytes);
      if (mask.negative) {
        accumulate<true>(stream.data(), block);
      } else {
        accumulate<false>(stream.data(), block);
      }
    }
  }
  crypto::wipe(as_writable_bytes(std::span<Word>(stream)));
}

template void add_masks(std::span<const Mask>, std::uint64_t, std::span<std::uint32_t>);
template void add_masks(std::span<const Mask>, std::uint64_t, std::span<std::uint64_t>);

void add_masks(std::span<const Mask> masks, Words& into, const Parallel& parallel) {
  std::visit(
      [&](auto& values) {
        const std::span all(values);
        parallel((all.size() + kStretchWords - 1) / kStretchWords, [&](std::size_t task) {
          const std::size_t first = task * kStretchWords;
          add_masks(masks, first, all.subspan(first, std::min(kStretchWords, all.size() - first)));
        });
      },
      into);
}

}  // namespace fed::secagg
