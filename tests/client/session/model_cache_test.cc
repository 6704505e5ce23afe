#include "session/model_cache.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "../sealed_version.h"
#include "../testing.h"

using namespace fed;
using namespace fed::session;
using fed::test::kChunk;
using fed::test::Scratch;
using fed::test::Version;

namespace {

ModelCache open(const Scratch& scratch) {
  auto cache = ModelCache::open(fed::real_disk(), scratch.path() / "models");
  REQUIRE(cache);
  return std::move(*cache);
}

Result<bool> add_in_pieces(ModelCache& cache, ByteView sealed, std::size_t piece) {
  Result<bool> whole = false;
  while (!sealed.empty()) {
    const std::size_t take = std::min(piece, sealed.size());
    whole = cache.add(sealed.first(take));
    if (!whole || *whole) return whole;
    sealed = sealed.subspan(take);
  }
  return whole;
}

bool holds(const ModelCache& cache, const Version& version) {
  Bytes content(version.plain.size());
  return read_weights(fed::real_disk(), cache.path(version.ref.hash), version.ref.hash, content)
             .has_value() &&
         content == version.plain;
}

std::size_t files(const Scratch& scratch, const std::string& extension) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "models")) {
    if (entry.path().extension() == extension) ++count;
  }
  return count;
}

void download(ModelCache& cache, const Version& version) {
  const auto offset = cache.begin(version.ref);
  REQUIRE(offset);
  const auto whole = cache.add(version.from(*offset));
  REQUIRE(whole);
  REQUIRE(*whole);
}

}  // namespace

TEST_CASE("a model arrives in pieces of any size") {
  const Version version(GENERATE(4u, kChunk - 4, kChunk, kChunk + 4, 3 * kChunk + 400));
  const std::size_t sealed = version.sealed.size();
  const std::size_t piece =
      GENERATE_COPY(as<std::size_t>(), 997, kChunk, channel::kSealedChunkBytes,
                    channel::kSealedChunkBytes + 1, std::max<std::size_t>(sealed - 1, 1), sealed);
  Scratch scratch;
  ModelCache cache = open(scratch);
  REQUIRE(cache.begin(version.ref).value() == 0);
  CHECK(cache.missing() == sealed);
  const auto whole = add_in_pieces(cache, version.sealed, piece);
  REQUIRE(whole);
  CHECK(*whole);
  CHECK(cache.missing() == 0);
  CHECK(holds(cache, version));
  CHECK(files(scratch, ".part") == 0);
  CHECK(cache.begin(version.ref).value() == version.plain.size());  // nothing to fetch any more
}

TEST_CASE("a small model may be cut at every place") {
  const Version version(40);
  for (std::size_t cut = 0; cut <= version.sealed.size(); ++cut) {
    Scratch scratch;
    ModelCache cache = open(scratch);
    REQUIRE(cache.begin(version.ref));
    const auto first = cache.add(ByteView(version.sealed).first(cut));
    REQUIRE(first);
    CHECK(*first == (cut == version.sealed.size()));
    CHECK(cache.missing() == version.sealed.size() - cut);
    if (!*first) CHECK(cache.add(ByteView(version.sealed).subspan(cut)).value());
    CHECK(holds(cache, version));
  }
}

TEST_CASE("a download that broke off goes on at the last whole chunk") {
  const Version version(3 * kChunk + 400);
  const std::size_t arrived =
      GENERATE(0u, 1u, kChunk, channel::kSealedChunkBytes, channel::kSealedChunkBytes + 5,
               3 * channel::kSealedChunkBytes, 3 * channel::kSealedChunkBytes + 100);
  Scratch scratch;
  {
    ModelCache cache = open(scratch);
    REQUIRE(cache.begin(version.ref));
    REQUIRE(cache.add(ByteView(version.sealed).first(arrived)));
    CHECK(cache.present() == arrived / channel::kSealedChunkBytes * kChunk);
    SECTION("with the link") { cache.stop(); }
    SECTION("with the process") {}
  }
  ModelCache cache = open(scratch);
  const auto offset = cache.begin(version.ref);
  REQUIRE(offset);
  CHECK(*offset == arrived / channel::kSealedChunkBytes * kChunk);
  CHECK(cache.add(version.from(*offset)).value());
  CHECK(holds(cache, version));
}

TEST_CASE("a download goes on under another seal of the same weights") {
  const Version first(2 * kChunk + 4), second(2 * kChunk + 4);
  REQUIRE(first.ref.hash == second.ref.hash);
  REQUIRE(first.ref.key != second.ref.key);
  Scratch scratch;
  ModelCache cache = open(scratch);
  REQUIRE(cache.begin(first.ref));
  REQUIRE(cache.add(ByteView(first.sealed).first(channel::kSealedChunkBytes)));
  const auto offset = cache.begin(second.ref);
  REQUIRE(offset);
  CHECK(*offset == kChunk);
  CHECK(cache.add(second.from(*offset)).value());
  CHECK(holds(cache, second));
}

TEST_CASE("a part that was torn, or is of another size, is no obstacle") {
  const Version version(2 * kChunk + 400);
  Scratch scratch;
  const fs::path part = scratch.path() / "models" / (to_hex(version.ref.hash) + ".part");
  ModelCache cache = open(scratch);
  Bytes there = version.plain;
  std::uint64_t expected = 0;
  SECTION("cut in a chunk") {
    there.resize(kChunk + 77);
    expected = kChunk;
  }
  SECTION("longer than the model") { there.resize(there.size() + 1); }
  SECTION("whole, but not renamed") { expected = there.size(); }
  REQUIRE(replace_file(part, there, Durability::process));
  const auto offset = cache.begin(version.ref);
  REQUIRE(offset);
  CHECK(*offset == expected);
  if (expected < version.plain.size()) CHECK(cache.add(version.from(*offset)).value());
  CHECK(holds(cache, version));
}

TEST_CASE("an altered byte is found, and the next try begins at 0") {
  Version version(2 * kChunk + 400);
  const std::size_t place =
      GENERATE(0u, kChunk - 1, kChunk + 15, 2 * channel::kSealedChunkBytes + 3,
               2 * channel::kSealedChunkBytes + 415);
  Scratch scratch;
  ModelCache cache = open(scratch);
  REQUIRE(cache.begin(version.ref));
  Bytes altered = version.sealed;
  altered[place] ^= 0x10;
  const auto whole = add_in_pieces(cache, altered, 50'000);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == ErrorCode::unauthentic);
  CHECK(cache.missing() == 0);
  CHECK(files(scratch, ".part") == 0);
  CHECK(cache.begin(version.ref).value() == 0);
  CHECK(cache.add(version.sealed).value());
  CHECK(holds(cache, version));
}

TEST_CASE("what opens but is not the announced version is refused") {
  Version version(kChunk + 400);
  version.ref.hash[0] ^= 1;
  Scratch scratch;
  ModelCache cache = open(scratch);
  REQUIRE(cache.begin(version.ref));
  const auto whole = cache.add(version.sealed);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == ErrorCode::mismatch);
  CHECK(files(scratch, ".part") == 0);
  CHECK(files(scratch, ".model") == 0);
}

TEST_CASE("a part whose bytes changed on the disk is found at the end") {
  const Version version(2 * kChunk + 400);
  Scratch scratch;
  ModelCache cache = open(scratch);
  Bytes there(version.plain.begin(), version.plain.begin() + kChunk);
  there[100] ^= 1;
  REQUIRE(replace_file(scratch.path() / "models" / (to_hex(version.ref.hash) + ".part"), there,
                       Durability::process));
  const auto offset = cache.begin(version.ref);
  REQUIRE(offset.value() == kChunk);
  const auto whole = cache.add(version.from(*offset));
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == ErrorCode::mismatch);
  CHECK(cache.begin(version.ref).value() == 0);
}

TEST_CASE("more bytes than the model has are an error") {
  const Version version(400);
  Scratch scratch;
  ModelCache cache = open(scratch);
  CHECK_FALSE(cache.add(version.sealed));  // none was asked for
  REQUIRE(cache.begin(version.ref));
  Bytes more = version.sealed;
  more.push_back(0);
  const auto whole = cache.add(more);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == ErrorCode::malformed);
}

TEST_CASE("what cannot be a model is refused before a byte is fetched") {
  Version version(400);
  Scratch scratch;
  ModelCache cache = open(scratch);
  SECTION("no bytes") { version.ref.bytes = 0; }
  SECTION("no whole floats") { version.ref.bytes = 401; }
  SECTION("too many") { version.ref.bytes = std::uint64_t{1} << 60; }
  SECTION("an unknown cipher") { version.ref.cipher = 9; }
  CHECK_FALSE(cache.begin(version.ref));
  CHECK(cache.missing() == 0);
}

TEST_CASE("a stored model that has changed is found when it is read, and fetched again") {
  const Version version(kChunk + 400);
  Scratch scratch;
  ModelCache cache = open(scratch);
  download(cache, version);
  const fs::path file = cache.path(version.ref.hash);
  Bytes content = version.plain;
  SECTION("one bit") { content[7] ^= 1; }
  SECTION("its size") { content.pop_back(); }
  REQUIRE(replace_file(file, content, Durability::process));
  Bytes into(version.plain.size());
  const Status read = read_weights(fed::real_disk(), file, version.ref.hash, into);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::mismatch);
  CHECK(cache.begin(version.ref).value() == 0);
}

TEST_CASE("the newest two models are kept") {
  Scratch scratch;
  ModelCache cache = open(scratch);
  std::vector<Version> versions;
  for (std::uint8_t i = 0; i < 4; ++i) versions.emplace_back(400, i);
  const auto age = [&](const Version& version, int hours) {
    fs::last_write_time(cache.path(version.ref.hash),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  download(cache, versions[0]);
  age(versions[0], 4);
  download(cache, versions[1]);
  age(versions[1], 3);
  download(cache, versions[2]);
  CHECK_FALSE(holds(cache, versions[0]));
  CHECK(holds(cache, versions[1]));
  CHECK(holds(cache, versions[2]));

  age(versions[2], 2);
  CHECK(cache.begin(versions[1].ref).value() == 400);  // used again: now it is the newest
  download(cache, versions[3]);
  CHECK(holds(cache, versions[1]));
  CHECK_FALSE(holds(cache, versions[2]));
  CHECK(holds(cache, versions[3]));
}

TEST_CASE("parts that nobody asks for any more are removed") {
  Scratch scratch;
  ModelCache cache = open(scratch);
  for (std::uint8_t i = 0; i < 5; ++i) REQUIRE(cache.begin(Version(400, i).ref));
  CHECK(files(scratch, ".part") == 2);
}

TEST_CASE("files that are neither model nor part are removed at the start") {
  Scratch scratch;
  REQUIRE(make_folder(scratch.path() / "models"));
  REQUIRE(replace_file(scratch.path() / "models" / "x.tmp2", view("x"), Durability::process));
  open(scratch);
  CHECK(fs::is_empty(scratch.path() / "models"));
}
