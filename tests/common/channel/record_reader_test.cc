#include "channel/record_reader.h"

#include <catch2/catch.hpp>

#include "base/random.h"

namespace fed::channel {
namespace {

// A stream of records whose content says which they are, and the contents.
struct Stream {
  Bytes bytes;
  std::vector<Bytes> records;

  void add(std::size_t length, std::uint8_t fill) {
    records.emplace_back(length, fill);
    bytes.resize(bytes.size() + 2);
    store_be16(bytes.data() + bytes.size() - 2, static_cast<std::uint16_t>(length));
    append(bytes, records.back());
  }
};

// Everything that next() gives now, each record scribbled over as an opener would.
void drain(RecordReader& reader, std::vector<Bytes>& into) {
  while (true) {
    const auto record = reader.next();
    REQUIRE(record.has_value());
    if (!*record) return;
    into.push_back(copy(**record));
    std::fill((*record)->begin(), (*record)->end(), std::uint8_t{0xee});
  }
}

TEST_CASE("records come out as they went in, however the stream is cut into reads") {
  Stream stream;
  Random random(3);
  for (std::uint8_t i = 0; i < 60; ++i) stream.add(17 + random.below(i % 10 == 0 ? 65519 : 200), i);
  stream.add(kRecordCiphertextBytesMin, 60);
  stream.add(kRecordCiphertextBytesMax, 61);

  for (std::size_t read_max : {1u, 7u, 1000u, 65537u, 200000u, 10000000u}) {
    RecordReader reader;
    std::vector<Bytes> out;
    for (std::size_t at = 0; at < stream.bytes.size();) {
      const ByteSpan room = reader.room();
      REQUIRE_FALSE(room.empty());
      const std::size_t wish = read_max == 1 ? 1 : 1 + random.below(read_max);
      const std::size_t count = std::min({room.size(), wish, stream.bytes.size() - at});
      std::copy_n(stream.bytes.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
      reader.filled(count);
      at += count;
      drain(reader, out);
    }
    CHECK(out == stream.records);
    CHECK(reader.pending() == 0);
  }
}

TEST_CASE("the smallest buffer holds the largest record, and never more") {
  RecordReader reader(1);
  CHECK(reader.room().size() == RecordReader::kCapacityMin);
  Stream stream;
  stream.add(kRecordCiphertextBytesMax, 1);
  stream.add(100, 2);
  CHECK(reader.take(stream.bytes) == RecordReader::kCapacityMin);
  CHECK(reader.room().empty());
  CHECK(reader.take(stream.bytes) == 0);
  std::vector<Bytes> out;
  drain(reader, out);
  CHECK(reader.take(ByteView(stream.bytes).subspan(RecordReader::kCapacityMin)) == 102);
  drain(reader, out);
  CHECK(out == stream.records);
}

TEST_CASE("a stream that is cut leaves bytes pending, at every place but a boundary") {
  Stream stream;
  stream.add(20, 1);
  stream.add(30, 2);
  for (std::size_t cut = 0; cut <= stream.bytes.size(); ++cut) {
    RecordReader reader;
    reader.take(ByteView(stream.bytes).first(cut));
    std::vector<Bytes> out;
    drain(reader, out);
    CHECK((reader.pending() == 0) == (cut == 0 || cut == 22 || cut == 54));
    CHECK(out.size() == (cut >= 54 ? 2u : cut >= 22 ? 1u : 0u));
  }
}

TEST_CASE("a record too short to be one is an error at once, and stays one") {
  for (std::size_t length = 0; length <= 17; ++length) {
    RecordReader reader;
    reader.take(Bytes{0, static_cast<std::uint8_t>(length)});
    const auto record = reader.next();
    CHECK(record.has_value() == (length == 17));
    if (!record) {
      CHECK(record.error().code == ErrorCode::malformed);
      CHECK(reader.next().error().code == ErrorCode::malformed);
    }
  }
}

TEST_CASE("raw bytes between records can be taken out as they come") {
  Stream stream;
  stream.add(20, 1);
  append(stream.bytes, Bytes(1000, 'r'));
  Stream behind;
  behind.add(25, 2);
  append(stream.bytes, behind.bytes);

  RecordReader reader;
  reader.take(ByteView(stream.bytes).first(22 + 600));
  std::vector<Bytes> out;
  auto first = reader.next();
  REQUIRE((first.has_value() && first->has_value()));
  CHECK(copy(reader.raw(1000)) == Bytes(600, 'r'));
  CHECK(reader.raw(400).empty());
  reader.take(ByteView(stream.bytes).subspan(22 + 600));
  CHECK(copy(reader.raw(400)) == Bytes(400, 'r'));
  drain(reader, out);
  CHECK(out == behind.records);
}

TEST_CASE("at rest a reader holds what is pending, whatever the pieces, beside others") {
  Stream stream;
  for (std::uint8_t i = 1; i <= 9; ++i) stream.add(17 + 40u * i, i);
  RecordReader one, other;
  CHECK(one.bytes_held() == 0);
  std::vector<Bytes> from_one, from_other;
  const ByteView all(stream.bytes);
  for (std::size_t at = 0, piece = 1; at < all.size(); at += piece, piece = piece % 101 + 1) {
    piece = std::min(piece, all.size() - at);
    one.take(all.subspan(at, piece));
    drain(one, from_one);
    one.rest();
    CHECK(one.bytes_held() == one.pending());
    other.take(all.subspan(at, piece));
    other.rest();  // before its records are taken out
    drain(other, from_other);
    one.rest();  // twice is nothing
  }
  CHECK(from_one == stream.records);
  CHECK(from_other == stream.records);
  one.rest();
  CHECK(one.bytes_held() == 0);
  CHECK(one.room().size() == 4 * RecordReader::kCapacityMin);
}

}  // namespace
}  // namespace fed::channel
