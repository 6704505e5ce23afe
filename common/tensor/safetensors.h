// The safetensors format: the field's container for weights, which every framework opens and
// nothing executes.
//
//   u64 length of the header | header: JSON, padded with spaces to 8 bytes | the tensors' bytes,
//   back to back header: {"__metadata__": {text: text}, NAME: {"dtype": "F32", "shape": [..],
//   "data_offsets": [begin, end]}, ...}
//
// Offsets count from the end of the header. https://github.com/huggingface/safetensors (the
// format's description). Neither side holds a second copy of the tensors: the writer takes views,
// the reader fills the caller's memory.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/tensor_view.h"

namespace fed::tensor {

inline constexpr std::uint64_t safetensors_header_bytes_max = 8 << 20;

using Metadata = std::map<std::string, std::string>;

// Writes the whole format from the file's start and cuts off what was behind. Text is UTF-8.
// Tensors are laid down by descending element size, so that each is aligned, and in the given order
// otherwise. ErrorCode::invalid for repeated names or the name `__metadata__`, mismatch for data
// that does not fit its shape, too_large for a header beyond the limit. Syncing and renaming are
// the caller's.
Status write_safetensors(const File& file, std::span<const TensorView> tensors,
                         const Metadata& metadata);

// A file whose header has been checked completely: lengths, types, shapes × sizes without overflow,
// offsets that tile the rest of the file without gap or overlap, no name twice. Nothing of the
// tensors has been read yet. Movable, owns the file; const functions are safe from any thread.
class SafetensorsReader {
 public:
  struct Entry {
    std::string name;
    DataType type = DataType::f32;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes from the end of the header
  };

  // ErrorCode::malformed or too_large, with what is wrong.
  static Result<SafetensorsReader> open(File file);
  static Result<SafetensorsReader> open(const fs::path& path);

  const Metadata& metadata() const { return metadata_; }
  std::span<const Entry> entries() const { return entries_; }  // in the order of their offsets
  const Entry* find(std::string_view name) const;              // null if there is none

  // The entry's bytes into `into`, which has end - begin bytes.
  Status read(const Entry& entry, ByteSpan into) const;

  // Every parameter of the layout into its place in `vector` (layout.size() elements).
  // ErrorCode::mismatch if one is missing, not F32 or of another shape, or if the file has others.
  // Values are not checked: see statistics.h.
  Status read(const Layout& layout, std::span<float> vector) const;

 private:
  File file_;
  std::uint64_t data_offset_ = 0;
  Metadata metadata_;
  std::vector<Entry> entries_;
};

}  // namespace fed::tensor
