#include "app/global_model.h"

#include <catch2/catch.hpp>

#include "channel/sealed_blob.h"
#include "crypto/hash.h"

namespace fed::app {
namespace {

tensor::Floats some_weights(std::size_t count) {
  tensor::Floats weights(count);
  for (std::size_t i = 0; i < count; ++i) weights[i] = static_cast<float>(i) * 0.5f;
  return weights;
}

fs::path folder() {
  const fs::path path = fs::temp_directory_path() / "fed_global_model_test";
  REQUIRE(make_folder(path).has_value());
  return path;
}

// Of a pool that is busy.
struct Nobody final : Executor {
  void post(Work) override {}
};

std::shared_ptr<const GlobalModel> sealed_model(std::int64_t version, tensor::Floats weights) {
  const auto model =
      std::make_shared<GlobalModel>(version, aggregate::Folded{std::move(weights)}, nullptr);
  Nobody compute;
  REQUIRE(seal(*model, fed::real_disk(), folder(), compute).has_value());
  return model;
}

TEST_CASE("a sealed model opens with the key of its reference, and leaves no file behind") {
  const std::size_t count = GENERATE(std::size_t{1}, std::size_t{16384}, std::size_t{40000});
  const tensor::Floats weights = some_weights(count);
  const auto model = sealed_model(3, weights);
  const GlobalModel& sealed = *model;
  CHECK(sealed.version == 3);
  CHECK(fs::is_empty(folder()));
  const ByteView plain = as_bytes(std::span<const float>(weights));
  CHECK(sealed.ref.bytes == plain.size());
  CHECK(sealed.ref.hash == crypto::sha256(plain));
  const auto key = channel::BlobKey::from(sealed.ref.cipher, sealed.ref.key);
  REQUIRE(key.has_value());
  const channel::SealedBlob blob(*key, plain.size());
  Bytes opened;
  for (std::uint64_t i = 0; i < channel::chunk_count(plain.size()); ++i) {
    const auto range = channel::sealed_range(plain.size(), i);
    Bytes chunk(range.bytes);
    REQUIRE(sealed.sealed->read_at(range.offset, chunk).has_value());
    const auto content = blob.open_chunk(i, chunk);
    REQUIRE(content.has_value());
    append(opened, *content);
  }
  CHECK(std::ranges::equal(opened, plain));
}

TEST_CASE("a download goes on at a chunk, and nowhere else") {
  const auto model = sealed_model(1, some_weights(40000));  // 160,000 bytes: three chunks
  CHECK(sealed_offset(*model, 0).value() == 0);
  CHECK(sealed_offset(*model, channel::kBlobChunkBytes).value() == channel::kSealedChunkBytes);
  CHECK(sealed_offset(*model, 160000).value() == model->sealed_bytes);
  CHECK_FALSE(sealed_offset(*model, 1).has_value());
  CHECK_FALSE(sealed_offset(*model, 3 * channel::kBlobChunkBytes).has_value());
}

TEST_CASE("two sealings of the same weights share neither key nor bytes") {
  const auto one = sealed_model(1, some_weights(100));
  const auto two = sealed_model(1, some_weights(100));
  CHECK(one->ref.hash == two->ref.hash);
  CHECK(one->ref.key != two->ref.key);
}

TEST_CASE("the memory of a version goes on to another one once nobody holds it") {
  const auto memory = std::make_shared<WornMemory>();
  CHECK(memory->take().weights.empty());
  auto model = std::make_shared<GlobalModel>(1, aggregate::Folded{some_weights(100)}, memory);
  const float* const at = model->weights.data();
  std::shared_ptr<const GlobalModel> reader = model;
  const auto to_fetch = without_weights(*model);
  model.reset();
  CHECK(memory->take().weights.empty());
  reader.reset();
  const aggregate::Folded worn = memory->take();
  CHECK(worn.weights.size() == 100);
  CHECK(worn.weights.data() == at);
  CHECK(memory->take().weights.empty());
}

}  // namespace
}  // namespace fed::app
