#include "tensor/safetensors.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "scratch.h"
#include "tensor/vector.h"

namespace fed::tensor {
namespace {

template <class T>
TensorView tensor_of(std::string name, DataType type, std::vector<std::int64_t> shape,
                     const std::vector<T>& values) {
  return {std::move(name), type, std::move(shape), as_bytes(std::span(values))};
}

// A file of this header and so many zero bytes behind it.
Bytes file_of(std::string_view header, std::size_t data_bytes) {
  Bytes bytes(8 + header.size() + data_bytes);
  store_le<std::uint64_t>(bytes.data(), header.size());
  std::ranges::copy(header, bytes.begin() + 8);
  return bytes;
}

Result<SafetensorsReader> open_bytes(const fs::path& path, ByteView bytes) {
  FED_TRY(replace_file(path, bytes, Durability::process));
  return SafetensorsReader::open(path);
}

TEST_CASE("what is written reads back, here and by the format's description in Python") {
  const ScratchFile scratch("safetensors");
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  const std::vector<float> weight{-1, -0.75, -0.5, -0.25, 0, 0.25}, scalar{42}, empty;
  const std::vector<double> doubles{1.5, -2.5};
  const std::vector<std::int64_t> counts{-1, std::int64_t{1} << 62};
  const std::vector<TensorView> tensors{tensor_of("bytes", DataType::u8, {3}, bytes),
                                        tensor_of("layers.0.weight", DataType::f32, {2, 3}, weight),
                                        tensor_of("odd \"name\"\\", DataType::f64, {2}, doubles),
                                        tensor_of("counts", DataType::i64, {2, 1}, counts),
                                        tensor_of("scalar", DataType::f32, {}, scalar),
                                        tensor_of("empty", DataType::f32, {0, 5}, empty)};
  const Metadata metadata{{"text", "quote \" back\\slash \n tab\t \x01 é"}, {"round", "7"}};
  REQUIRE(replace_file(scratch.path, Bytes(5000, 0xff), Durability::process));  // longer than ours
  const auto file = File::open_to_write(scratch.path);
  REQUIRE(write_safetensors(*file, tensors, metadata));

  const auto reader = SafetensorsReader::open(scratch.path);
  REQUIRE(reader.has_value());
  CHECK(reader->metadata() == metadata);
  REQUIRE(reader->entries().size() == tensors.size());
  for (const TensorView& tensor : tensors) {
    const auto* const entry = reader->find(tensor.name);
    REQUIRE(entry);
    CHECK(entry->type == tensor.type);
    CHECK(entry->shape == tensor.shape);
    Bytes content(entry->end - entry->begin);
    REQUIRE(reader->read(*entry, content));
    CHECK(content == copy(tensor.data));
  }
  CHECK(run_python("check_safetensors.py", scratch.path) == 0);

  const ScratchFile theirs("safetensors.numpy");
  const auto numpy = SafetensorsReader::open(theirs.path);
  REQUIRE(numpy.has_value());
  CHECK(numpy->metadata() == Metadata{{"k", "v\n"}});
  std::vector<float> read(4);
  REQUIRE(numpy->read(*numpy->find("bé"), as_writable_bytes(std::span(read))));
  CHECK(read == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("a layout reads its vector, and only from a file that fits") {
  const ScratchFile scratch("layout");
  Layout layout;
  REQUIRE(layout.add("w", {2, 2}));
  REQUIRE(layout.add("b", {2}));
  const Floats vector{1, 2, 3, 4, 5, 6};
  const auto file = File::open_to_write(scratch.path);
  REQUIRE(write_safetensors(*file, views_of(layout, vector), {}));
  const auto reader = SafetensorsReader::open(scratch.path);
  Floats read(6);
  REQUIRE(reader->read(layout, read));
  CHECK(read == vector);

  const auto error_for = [&](std::vector<std::pair<std::string, std::vector<std::int64_t>>> asked) {
    Layout other;
    for (auto& [name, shape] : asked) REQUIRE(other.add(name, shape));
    Floats into(other.size());
    return reader->read(other, into).error();
  };
  CHECK(error_for({{"w", {2, 2}}}).code == ErrorCode::mismatch);
  CHECK(error_for({{"w", {4}}, {"b", {2}}}).code == ErrorCode::mismatch);
  CHECK_THAT(error_for({{"w", {2, 2}}, {"c", {2}}}).detail, Catch::Contains("'c'"));
}

TEST_CASE("the writer refuses what it could not read back") {
  const ScratchFile scratch("refused");
  const auto file = File::open_to_write(scratch.path);
  const std::vector<float> one{1};
  const auto write = [&](std::vector<TensorView> tensors) {
    return write_safetensors(*file, tensors, {}).error().code;
  };
  CHECK(write({tensor_of("a", DataType::f32, {1}, one), tensor_of("a", DataType::f32, {1}, one)}) ==
        ErrorCode::invalid);
  CHECK(write({tensor_of("__metadata__", DataType::f32, {1}, one)}) == ErrorCode::invalid);
  CHECK(write({tensor_of("a", DataType::f32, {2}, one)}) == ErrorCode::mismatch);
  CHECK(write({tensor_of("a", DataType::f32, {-1}, one)}) == ErrorCode::invalid);
  CHECK(write({tensor_of(std::string(9 << 20, 'a'), DataType::f32, {1}, one)}) ==
        ErrorCode::too_large);
}

TEST_CASE("a file cut off anywhere is refused") {
  const ScratchFile scratch("cut");
  const std::vector<float> values{1, 2, 3};
  const auto file = File::open_to_write(scratch.path);
  REQUIRE(write_safetensors(*file, std::vector{tensor_of("a", DataType::f32, {3}, values)},
                            {{"k", "v"}}));
  const Bytes whole = read_file(scratch.path, 1000).value();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(open_bytes(scratch.path, ByteView(whole).first(size)).has_value());
  }
  Bytes longer = whole;
  longer.push_back(0);
  CHECK_FALSE(open_bytes(scratch.path, longer).has_value());
  CHECK(open_bytes(scratch.path, whole).has_value());
}

TEST_CASE("every header that does not describe its file is refused") {
  const ScratchFile scratch("malformed");
  const auto opens = [&](std::string_view header, std::size_t data_bytes) {
    const auto reader = open_bytes(scratch.path, file_of(header, data_bytes));
    if (!reader) CHECK(reader.error().code == ErrorCode::malformed);
    return reader.has_value();
  };
  const std::string tensor = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  CHECK(opens("{\"a\":{" + tensor + "}}", 8));
  CHECK(opens("{\"a\":{" + tensor + "}}   ", 8));
  CHECK(opens("{}", 0));
  CHECK(opens(R"({"__metadata__":{}})", 0));

  for (const char* const header :
       {"",
        " {}",
        "[]",
        "{",
        "{}}",
        "{} x",
        "\"a\"",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{\"\xff\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
        R"({"__metadata__":1})",
        R"({"__metadata__":{"a":1}})",
        R"({"__metadata__":{"a":{}}})",
        R"({"__metadata__":{"a":"1","a":"2"}})",
        R"({"__metadata__":{},"__metadata__":{}})",
        R"({"a":{"dtype":"F32","shape":[0]}})",
        R"({"a":{"dtype":"F32","data_offsets":[0,0]}})",
        R"({"a":{"shape":[0],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":1}})",
        R"({"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F33","shape":[0],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":4,"shape":[0],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":0,"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":["0"],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[0.0],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[[]],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[[[[0]]]],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0,0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[-1,-1]}})",
        R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[1,0]}})",
        R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[18446744073709551615,0]}})"}) {
    INFO(header);
    CHECK_FALSE(opens(header, 0));
  }

  const auto two = [](std::string_view first, std::string_view second) {
    return std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)") + std::string(first) +
           R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + std::string(second) + "}}";
  };
  CHECK(opens(two("[0,8]", "[8,16]"), 16));
  CHECK(opens(two("[8,16]", "[0,8]"), 16));
  CHECK_FALSE(opens(two("[0,8]", "[8,16]"), 15));    // beyond the file
  CHECK_FALSE(opens(two("[0,8]", "[8,16]"), 17));    // bytes left over
  CHECK_FALSE(opens(two("[0,8]", "[0,8]"), 8));      // the same bytes twice
  CHECK_FALSE(opens(two("[0,8]", "[4,12]"), 12));    // overlap
  CHECK_FALSE(opens(two("[0,8]", "[12,20]"), 20));   // gap
  CHECK_FALSE(opens(two("[4,12]", "[12,20]"), 20));  // gap in front
  CHECK_FALSE(opens(two("[0,8]", "[8,12]"), 12));    // shape and length disagree
}

TEST_CASE("a header beyond the limit is not read") {
  const ScratchFile scratch("long");
  const auto limit = safetensors_header_bytes_max;
  const std::string longest = "{}" + std::string(limit - 2, ' ');
  CHECK(open_bytes(scratch.path, file_of(longest, 0)).has_value());
  CHECK(open_bytes(scratch.path, file_of(longest + " ", 0)).error().code == ErrorCode::too_large);
  const std::string nested = "{\"a\":" + std::string(limit - 8, '[');
  CHECK(open_bytes(scratch.path, file_of(nested, 0)).error().code == ErrorCode::malformed);
  Bytes lying = file_of("{}", 0);
  store_le<std::uint64_t>(lying.data(), ~std::uint64_t{0});
  CHECK(open_bytes(scratch.path, lying).error().code == ErrorCode::malformed);
}

TEST_CASE("random changes of a file never read beyond it") {
  const ScratchFile scratch("flipped");
  const std::vector<float> values{1, 2, 3};
  const auto file = File::open_to_write(scratch.path);
  REQUIRE(write_safetensors(*file, std::vector{tensor_of("a", DataType::f32, {3}, values)}, {}));
  const Bytes whole = read_file(scratch.path, 1000).value();
  for (std::size_t at = 0; at < whole.size() - 12; ++at) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128}) {
      Bytes changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      const auto reader = open_bytes(scratch.path, changed);
      if (!reader) continue;
      for (const auto& entry : reader->entries()) {
        REQUIRE(entry.end <= 12);
        Bytes content(entry.end - entry.begin);
        CHECK(reader->read(entry, content));
      }
    }
  }
}

TEST_CASE("a full disk is reported as one") {
  const auto full = File::open_to_write("/dev/full");
  const std::vector<float> one{1};
  const auto written =
      write_safetensors(*full, std::vector{tensor_of("a", DataType::f32, {1}, one)}, {});
  CHECK(written.error().code == ErrorCode::disk_full);
}

}  // namespace
}  // namespace fed::tensor
