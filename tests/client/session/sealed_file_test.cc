// A sealed file against its description, by a second reader, and against whoever alters it.
#include "session/sealed_file.h"

#include <catch2/catch.hpp>
#include <set>

#include "../storage_key.h"
#include "../testing.h"
#include "crypto/hash.h"
#include "sim/sim_disk.h"

using namespace fed;
using namespace fed::session;
using fed::test::Scratch;
using fed::test::storage_key;

namespace {

constexpr std::size_t kChunk = channel::kBlobChunkBytes;

Bytes some(std::size_t bytes) {
  Bytes content(bytes);
  std::uint32_t x = 12345;
  for (std::uint8_t& byte : content) {
    x = x * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(x >> 24);
  }
  return content;
}

Bytes on_disk(const fs::path& path) { return read_file(path, 1 << 30).value(); }

void overwrite(const fs::path& path, ByteView content) {
  REQUIRE(replace_file(path, content, Durability::process));
}

Result<Bytes> opened(const fs::path& path, const StorageKey& key = storage_key()) {
  FED_ASSIGN(file, open_sealed(real_disk(), key, path));
  FED_ASSIGN(size, file.size());
  Bytes content(size);
  FED_TRY(file.read_at(0, content));
  return content;
}

struct Sealed {
  explicit Sealed(std::size_t bytes) : content(some(bytes)) {
    REQUIRE(write_sealed(real_disk(), storage_key(), path, content));
  }
  Scratch scratch;
  const fs::path path = scratch.path() / "job.3.update";
  const Bytes content;
};

ErrorCode code_of(const Result<Bytes>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

// HKDF-SHA256 of RFC 5869, sections 2.2 and 2.3, with an empty info.
std::pair<crypto::Hash, crypto::Hash> hkdf_by_hand(ByteView salt, ByteView material) {
  const std::uint8_t one = 1, two = 2;
  const crypto::Hash extracted = crypto::hmac_sha256(salt, {material});
  const crypto::Hash first = crypto::hmac_sha256(extracted, {ByteView(&one, 1)});
  return {first, crypto::hmac_sha256(extracted, {first, ByteView(&two, 1)})};
}

}  // namespace

TEST_CASE("a sealed file is what its table says") {
  const Sealed sealed(kChunk + 1000);
  const Bytes file = on_disk(sealed.path);
  const ByteView all(file);
  REQUIRE(file.size() == 80 + kChunk + 16 + 1000 + 16);
  CHECK(text(all.first(8)) == "fedseal1");
  CHECK(std::ranges::all_of(all.subspan(9, 7), [](std::uint8_t b) { return b == 0; }));
  CHECK(load_le<std::uint64_t>(file.data() + 24) == kChunk + 1000);

  const Bytes secret(32, 1);  // of storage_key(1)
  const auto [storage, id] =
      hkdf_by_hand(view("fedclient, trained work at rest, version 1"), secret);
  CHECK(std::ranges::equal(all.subspan(16, 8), ByteView(id).first(8)));
  Bytes context = copy(all.first(64));
  append(context, view("job.3.update"));
  const auto [key, check] = hkdf_by_hand(storage, context);
  CHECK(std::ranges::equal(all.subspan(64, 16), ByteView(check).first(16)));

  const crypto::AeadKey aead(crypto::Aead{file[8]}, key);
  std::array<std::uint8_t, 8> size;
  store_le<std::uint64_t>(size.data(), kChunk + 1000);
  Bytes plain;
  for (std::uint8_t i = 0; i < 2; ++i) {
    crypto::Nonce nonce{};
    nonce[4] = i;
    Bytes chunk = copy(all.subspan(80 + i * (kChunk + 16), (i == 0 ? kChunk : 1000) + 16));
    const auto open = aead.open(nonce, size, chunk);
    REQUIRE(open);
    append(plain, *open);
  }
  CHECK(plain == sealed.content);
}

TEST_CASE("a sealed file of any size is read at any offset") {
  const std::size_t bytes = GENERATE(0u, 1u, 15u, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 77);
  const Sealed sealed(bytes);
  CHECK(on_disk(sealed.path).size() == 80 + bytes + (bytes + kChunk - 1) / kChunk * 16);
  const auto file = open_sealed(real_disk(), storage_key(), sealed.path);
  REQUIRE(file);
  CHECK(file->size().value() == bytes);
  CHECK(file->descriptor() == -1);
  // In pieces that are no chunks, forwards from several places and then backwards.
  for (const std::size_t piece : {1u << 10, 65496u, 200'000u}) {
    for (std::size_t from = 0; from <= bytes; from += 30'011) {
      Bytes got;
      while (from + got.size() < bytes) {
        Bytes part(std::min(piece, bytes - from - got.size()));
        REQUIRE(file->read_at(from + got.size(), part));
        append(got, part);
      }
      REQUIRE(std::ranges::equal(got, ByteView(sealed.content).subspan(from)));
    }
  }
  for (std::size_t at = bytes; at-- > (bytes > 3 ? bytes - 3 : 0);) {
    Bytes one(1);
    REQUIRE(file->read_at(at, one));
    CHECK(one[0] == sealed.content[at]);
  }
  Bytes beyond(2);
  CHECK(file->read_at(bytes, ByteSpan()));
  CHECK(file->read_at(bytes + 1, ByteSpan()).error().code == ErrorCode::malformed);
  CHECK(file->read_at(bytes, beyond).error().code == ErrorCode::malformed);
  CHECK(file->read_at(~std::uint64_t{0}, beyond).error().code == ErrorCode::malformed);
}

TEST_CASE("what was opened is not written to") {
  const Sealed sealed(100);
  const auto file = open_sealed(real_disk(), storage_key(), sealed.path);
  REQUIRE(file);
  CHECK_FALSE(file->write_at(0, sealed.content));
  CHECK_FALSE(file->truncate(0));
  CHECK_FALSE(file->reserve(10));
  CHECK_FALSE(file->sync(Durability::power));
  CHECK_FALSE(file->lock());
  CHECK(opened(sealed.path).value() == sealed.content);
}

TEST_CASE("no two files share a key, not even with the same bytes under the same name") {
  Scratch scratch;
  const fs::path path = scratch.path() / "job.3.update";
  std::set<Bytes> salts, ciphertexts;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(write_sealed(real_disk(), storage_key(), path, some(100)));
    const Bytes file = on_disk(path);
    salts.insert(copy(ByteView(file).subspan(32, 32)));
    ciphertexts.insert(copy(ByteView(file).subspan(80)));
  }
  CHECK(salts.size() == 20);
  CHECK(ciphertexts.size() == 20);
}

TEST_CASE("a file with any bit changed does not open") {
  const Sealed sealed(40);
  const Bytes file = on_disk(sealed.path);
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    Bytes changed = file;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    overwrite(sealed.path, changed);
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    const ErrorCode code = code_of(opened(sealed.path));
    if (bit < 64) {
      CHECK(code == ErrorCode::malformed);
    } else if (bit >= 16 * 8 && bit < 24 * 8) {
      CHECK(code == ErrorCode::mismatch);
    } else {
      CHECK(code == ErrorCode::unauthentic);
    }
  }
}

TEST_CASE("a file of any other length does not open") {
  const Sealed sealed(40);
  const Bytes file = on_disk(sealed.path);
  for (std::size_t bytes = 0; bytes < file.size() + 40; ++bytes) {
    if (bytes == file.size()) continue;
    Bytes changed = file;
    changed.resize(bytes);
    overwrite(sealed.path, changed);
    INFO(bytes << " bytes");
    CHECK_FALSE(opened(sealed.path));
  }
}

TEST_CASE("chunks do not change places, nor files their names") {
  const Sealed sealed(3 * kChunk);
  const Bytes file = on_disk(sealed.path);
  const auto chunk = [&](Bytes& of, std::size_t i) {
    return ByteSpan(of).subspan(80 + i * (kChunk + 16), kChunk + 16);
  };
  SECTION("two chunks exchanged") {
    Bytes changed = file;
    std::ranges::swap_ranges(chunk(changed, 0), chunk(changed, 2));
    overwrite(sealed.path, changed);
    CHECK(code_of(opened(sealed.path)) == ErrorCode::unauthentic);
  }
  SECTION("a chunk of another file that was sealed with the same key") {
    const Sealed other(3 * kChunk);
    Bytes changed = file, from = on_disk(other.path);
    std::ranges::copy(chunk(from, 1), chunk(changed, 1).begin());
    overwrite(sealed.path, changed);
    CHECK(code_of(opened(sealed.path)) == ErrorCode::unauthentic);
  }
  SECTION("whole chunks cut off") {
    fs::resize_file(sealed.path, 80 + 2 * (kChunk + 16));
    CHECK(code_of(opened(sealed.path)) == ErrorCode::unauthentic);
  }
  for (const char* name : {"job.4.update", "job.3.offer", "other.3.update"}) {
    const fs::path renamed = sealed.scratch.path() / name;
    overwrite(renamed, file);
    INFO(name);
    CHECK(code_of(opened(renamed)) == ErrorCode::unauthentic);
  }
  // The folder is not part of it: a state folder may move.
  fs::create_directory(sealed.scratch.path() / "moved");
  overwrite(sealed.scratch.path() / "moved" / "job.3.update", file);
  CHECK(opened(sealed.scratch.path() / "moved" / "job.3.update").value() == sealed.content);
}

TEST_CASE("another key is told from damage, and a file in clear from both") {
  const Sealed sealed(40);
  CHECK(code_of(opened(sealed.path, storage_key(2))) == ErrorCode::mismatch);
  CHECK(opened(sealed.path).value() == sealed.content);
  CHECK(is_sealed(real_disk(), sealed.path).value());
  const fs::path clear = sealed.scratch.path() / "clear";
  for (const std::size_t bytes : {0u, 7u, 79u, 80u, 1000u}) {
    overwrite(clear, some(bytes));
    CHECK_FALSE(is_sealed(real_disk(), clear).value());
    CHECK(code_of(opened(clear)) == ErrorCode::malformed);
  }
  CHECK(is_sealed(real_disk(), "/none").error().code == ErrorCode::not_found);
  CHECK(code_of(opened(sealed.scratch.path() / "none")) == ErrorCode::not_found);
}

TEST_CASE("a chunk that does not open is remembered, one that cannot be read now is not") {
  sim::SimDisk simulated({.seed = 1});
  Disk& disk = simulated;
  const fs::path path = "/job.3.update";
  const Bytes content = some(2 * kChunk);
  REQUIRE(write_sealed(disk, storage_key(), path, content));
  const auto file = open_sealed(disk, storage_key(), path);
  REQUIRE(file);
  Bytes got(10);
  simulated.set_faults({.fail_at = {simulated.operations() + 1}});
  CHECK(file->read_at(0, got).error().code == ErrorCode::io);
  REQUIRE(file->read_at(0, got));
  CHECK(file->size().value() == content.size());

  REQUIRE(disk.open_to_write(path)->write_at(80 + kChunk + 16 + 5, Bytes{0}));
  REQUIRE(disk.open_to_write(path)->write_at(80 + kChunk + 16 + 6, Bytes{0}));
  REQUIRE(file->read_at(kChunk - 10, got));
  CHECK(file->read_at(kChunk, got).error().code == ErrorCode::unauthentic);
  CHECK(file->read_at(0, got).error().code == ErrorCode::unauthentic);
  CHECK(file->size().error().code == ErrorCode::unauthentic);
}

TEST_CASE("a source that fails leaves the old file") {
  const Sealed sealed(40);
  int calls = 0;
  const Bytes more = some(3 * kChunk);
  const Status written = write_sealed(real_disk(), storage_key(), sealed.path, more.size(),
                                      [&](const channel::ByteRange& range) -> Result<ByteView> {
                                        if (++calls == 2) return Error{ErrorCode::io, "gone"};
                                        return ByteView(more).subspan(range.offset, range.bytes);
                                      });
  REQUIRE_FALSE(written);
  CHECK(opened(sealed.path).value() == sealed.content);
}

TEST_CASE("storage keys are of their private key alone, and none is that key") {
  const Bytes secret(32, 1);
  CHECK(storage_key(1).id() == storage_key(1).id());
  CHECK(storage_key(1).id() != storage_key(2).id());
  CHECK(crypto::constant_time_equal(storage_key(1).view(), storage_key(1).view()));
  CHECK_FALSE(crypto::constant_time_equal(storage_key(1).view(), storage_key(2).view()));
  CHECK_FALSE(crypto::constant_time_equal(storage_key(1).view(), secret));
  CHECK_FALSE(std::ranges::equal(storage_key(1).id(), ByteView(storage_key(1).view()).first(8)));
}
