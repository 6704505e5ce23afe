#include "tensor/npz.h"

#include <catch2/catch.hpp>

#include "scratch.h"

namespace fed::tensor {
namespace {

template <class T>
TensorView array_of(std::string name, DataType type, std::vector<std::int64_t> shape,
                    const std::vector<T>& values) {
  return {std::move(name), type, std::move(shape), as_bytes(std::span(values))};
}

TEST_CASE("NumPy reads the archive") {
  const ScratchFile scratch("arrays.npz");
  const std::vector<float> weight{-1, -0.75, -0.5, -0.25, 0, 0.25}, bias{7}, scalar{42}, empty;
  const std::vector<double> doubles{1.5, -2.5};
  const std::vector<std::int64_t> counts{-1, std::int64_t{1} << 62};
  const std::vector<std::uint8_t> flags{1, 0, 1};
  const std::vector<TensorView> arrays{array_of("layers.0.weight", DataType::f32, {2, 3}, weight),
                                       array_of("layers.0.bias", DataType::f32, {1}, bias),
                                       array_of("scalar", DataType::f32, {}, scalar),
                                       array_of("empty", DataType::f32, {0, 5}, empty),
                                       array_of("counts", DataType::i64, {2, 1}, counts),
                                       array_of("flags", DataType::boolean, {3}, flags),
                                       array_of("é", DataType::f64, {2}, doubles)};
  REQUIRE(replace_file(scratch.path, Bytes(9000, 0xff), Durability::process));  // longer than ours
  const auto file = File::open_to_write(scratch.path);
  REQUIRE(write_npz(*file, arrays));
  CHECK(run_python("check_npz.py", scratch.path) == 0);

  const Bytes first = read_file(scratch.path, 1 << 20).value();
  const ScratchFile fresh("fresh.npz");
  REQUIRE(write_npz(*File::open_to_write(fresh.path), arrays));
  CHECK(
      (read_file(fresh.path, 1 << 20).value() == first));  // nothing of the old file, and no clock
}

TEST_CASE("what an .npz cannot hold is refused before anything is written") {
  const ScratchFile scratch("refused.npz");
  const auto file = File::open_to_write(scratch.path);
  const std::vector<float> one{1};
  const auto write = [&](const std::vector<TensorView>& arrays) {
    return write_npz(*file, arrays).error().code;
  };
  const TensorView a = array_of("a", DataType::f32, {1}, one);
  CHECK(write({a, a}) == ErrorCode::invalid);
  CHECK(write({array_of("", DataType::f32, {1}, one)}) == ErrorCode::invalid);
  CHECK(write({array_of("a", DataType::f32, {2}, one)}) == ErrorCode::mismatch);
  CHECK(write({array_of("a", DataType::bf16, {2}, one)}) == ErrorCode::unsupported);
  CHECK(write(std::vector<TensorView>(70000, a)) == ErrorCode::too_large);
  // Never read: the size alone decides.
  const std::uint64_t limit = std::uint64_t{1} << 32;
  const TensorView vast{"vast",
                        DataType::u8,
                        {static_cast<std::int64_t>(limit)},
                        ByteView(reinterpret_cast<const std::uint8_t*>(one.data()), limit)};
  CHECK(write({a, vast}) == ErrorCode::too_large);
  CHECK(file->size().value() == 0);
}

TEST_CASE("a full disk under an archive is reported as one") {
  const auto full = File::open_to_write("/dev/full");
  const std::vector<float> one{1};
  CHECK(write_npz(*full, std::vector{array_of("a", DataType::f32, {1}, one)}).error().code ==
        ErrorCode::disk_full);
}

}  // namespace
}  // namespace fed::tensor
