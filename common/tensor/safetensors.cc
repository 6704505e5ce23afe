#include "tensor/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace fed::tensor {
namespace {

using nlohmann::json;

constexpr std::string_view metadata_key = "__metadata__";

Error malformed(std::string detail) {
  return {ErrorCode::malformed, "not a sound safetensors file: " + std::move(detail)};
}

// ---- Writing ----

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string metadata_json(const Metadata& metadata) {
  std::string out = "{";
  for (const auto& [key, value] : metadata) {
    if (out.size() > 1) out += ',';
    append_quoted(out, key);
    out += ':';
    append_quoted(out, value);
  }
  return out + "}";
}

// The header, padded so that the tensors begin at a multiple of 8.
std::string header_of(std::span<const TensorView* const> ordered, const Metadata& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    append_quoted(header, metadata_key);
    header += ':' + metadata_json(metadata);
  }
  std::uint64_t offset = 0;
  for (const TensorView* tensor : ordered) {
    if (header.size() > 1) header += ',';
    append_quoted(header, tensor->name);
    const std::uint64_t end = offset + tensor->data.size();
    header +=
        fmt::format(R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                    traits(tensor->type).safetensors, fmt::join(tensor->shape, ","), offset, end);
    offset = end;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

Status check_names(std::span<const TensorView> tensors) {
  std::set<std::string_view> names{metadata_key};
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return Error{ErrorCode::invalid, "'" + tensor.name + "' cannot name a tensor a second time"};
    }
  }
  return {};
}

// ---- Reading ----

// JSON's objects would let a later key replace an earlier one, and nesting costs memory: both end
// the parse.
std::optional<json> parse_strictly(std::string_view text) {
  constexpr int depth_max = 3;
  bool sound = true;
  std::vector<std::set<std::string>> keys;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys.emplace_back();
        break;
      case json::parse_event_t::object_end:
        keys.pop_back();
        break;
      case json::parse_event_t::key:
        sound = sound && keys.back().insert(parsed.get<std::string>()).second;
        break;
      default:
        break;
    }
    sound = sound && depth <= depth_max;
    return sound;
  };
  json parsed = json::parse(text, watch, /*allow_exceptions=*/false);
  if (!sound || !parsed.is_object()) return std::nullopt;
  return parsed;
}

Result<Metadata> metadata_from(const json& object) {
  if (!object.is_object()) return malformed("__metadata__ is not an object");
  Metadata metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return malformed("__metadata__ holds something other than text");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

Result<DataType> type_from(const json& name) {
  for (const DataTypeTraits& known : data_types()) {
    if (name == known.safetensors) return known.type;
  }
  return malformed("an unknown dtype");
}

bool is_list_of_sizes(const json& list) {
  return list.is_array() && std::ranges::all_of(list, [](const json& item) {
           return item.is_number_unsigned() && item.get<std::uint64_t>() < std::uint64_t{1} << 63;
         });
}

Result<SafetensorsReader::Entry> entry_from(const std::string& name, const json& object) {
  if (!object.is_object() || object.size() != 3 || !object.contains("dtype") ||
      !object.contains("shape") || !object.contains("data_offsets")) {
    return malformed("tensor '" + name + "' needs dtype, shape and data_offsets, nothing else");
  }
  const json& shape = object["shape"];
  const json& offsets = object["data_offsets"];
  if (!is_list_of_sizes(shape) || !is_list_of_sizes(offsets) || offsets.size() != 2) {
    return malformed("the shape or the data_offsets of tensor '" + name + "' are no sizes");
  }
  FED_ASSIGN(type, type_from(object["dtype"]));
  SafetensorsReader::Entry entry{name, type, shape.get<std::vector<std::int64_t>>(),
                                 offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  const auto count = element_count(entry.shape);
  if (!count || entry.end < entry.begin || entry.end - entry.begin != *count * traits(type).bytes) {
    return malformed("the data_offsets of tensor '" + name + "' do not fit its shape and dtype");
  }
  return entry;
}

// Sorts the entries and checks that they cover [0, data_bytes) exactly once.
Status check_tiling(std::vector<SafetensorsReader::Entry>& entries, std::uint64_t data_bytes) {
  std::ranges::sort(entries, {},
                    [](const auto& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t expected = 0;
  for (const auto& entry : entries) {
    if (entry.begin != expected) {
      return malformed("tensor '" + entry.name + "' overlaps another or leaves a gap");
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    return malformed(fmt::format("the header describes {} bytes of tensors, the file has {}",
                                 expected, data_bytes));
  }
  return {};
}

Result<std::string> read_header(const File& file, std::uint64_t file_bytes) {
  std::uint8_t prefix[8];
  if (file_bytes < sizeof prefix) return malformed("shorter than its length field");
  FED_TRY(file.read_at(0, prefix));
  const auto length = load_le<std::uint64_t>(prefix);
  if (length > file_bytes - sizeof prefix) return malformed("the header does not fit the file");
  if (length > safetensors_header_bytes_max) {
    return Error{ErrorCode::too_large,
                 fmt::format("the safetensors header has {} bytes, the limit is {}", length,
                             safetensors_header_bytes_max)};
  }
  std::string header(length, '\0');
  FED_TRY(file.read_at(sizeof prefix, as_writable_bytes(std::span(header))));
  if (!header.starts_with('{')) return malformed("the header does not begin with {");
  return header;
}

}  // namespace

Status write_safetensors(const File& file, std::span<const TensorView> tensors,
                         const Metadata& metadata) {
  FED_TRY(check_names(tensors));
  std::vector<const TensorView*> ordered;
  for (const TensorView& tensor : tensors) {
    FED_TRY(check(tensor));
    ordered.push_back(&tensor);
  }
  std::ranges::stable_sort(ordered, std::greater{},
                           [](const TensorView* tensor) { return traits(tensor->type).bytes; });
  const std::string header = header_of(ordered, metadata);
  if (header.size() > safetensors_header_bytes_max) {
    return Error{ErrorCode::too_large,
                 "too many tensors or too much metadata for one safetensors file"};
  }
  std::uint8_t prefix[8];
  store_le<std::uint64_t>(prefix, header.size());
  FED_TRY(file.write_at(0, prefix));
  FED_TRY(file.write_at(sizeof prefix, view(header)));
  std::uint64_t offset = sizeof prefix + header.size();
  for (const TensorView* tensor : ordered) {
    FED_TRY(file.write_at(offset, tensor->data));
    offset += tensor->data.size();
  }
  return file.truncate(offset);
}

Result<SafetensorsReader> SafetensorsReader::open(File file) {
  FED_ASSIGN(file_bytes, file.size());
  FED_ASSIGN(header, read_header(file, file_bytes));
  const std::optional<json> parsed = parse_strictly(header);
  if (!parsed) return malformed("the header is not a JSON object of distinct names");
  SafetensorsReader reader;
  for (const auto& [name, value] : parsed->items()) {
    if (name == metadata_key) {
      FED_ASSIGN(metadata, metadata_from(value));
      reader.metadata_ = std::move(metadata);
    } else {
      FED_ASSIGN(entry, entry_from(name, value));
      reader.entries_.push_back(std::move(entry));
    }
  }
  reader.data_offset_ = sizeof(std::uint64_t) + header.size();
  FED_TRY(check_tiling(reader.entries_, file_bytes - reader.data_offset_));
  reader.file_ = std::move(file);
  return reader;
}

Result<SafetensorsReader> SafetensorsReader::open(const fs::path& path) {
  FED_ASSIGN(file, File::open_to_read(path));
  auto reader = open(std::move(file));
  if (!reader) return within(path.string(), std::move(reader).error());
  return reader;
}

const SafetensorsReader::Entry* SafetensorsReader::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  return found == entries_.end() ? nullptr : &*found;
}

Status SafetensorsReader::read(const Entry& entry, ByteSpan into) const {
  FED_CHECK(into.size() == entry.end - entry.begin);
  return file_.read_at(data_offset_ + entry.begin, into);
}

Status SafetensorsReader::read(const Layout& layout, std::span<float> vector) const {
  FED_CHECK(vector.size() == layout.size());
  for (const Parameter& parameter : layout.parameters()) {
    const Entry* const entry = find(parameter.name);
    if (!entry) return Error{ErrorCode::mismatch, "the file lacks tensor '" + parameter.name + "'"};
    if (entry->type != DataType::f32 || entry->shape != parameter.shape) {
      return Error{ErrorCode::mismatch,
                   fmt::format("tensor '{}' is {} [{}] in the file, but the model has F32 [{}]",
                               parameter.name, traits(entry->type).safetensors,
                               fmt::join(entry->shape, ", "), fmt::join(parameter.shape, ", "))};
    }
  }
  if (entries_.size() != layout.parameters().size()) {
    return Error{ErrorCode::mismatch, "the file has tensors that the model does not have"};
  }
  for (const Parameter& parameter : layout.parameters()) {
    FED_TRY(read(*find(parameter.name), as_writable_bytes(Layout::slice(vector, parameter))));
  }
  return {};
}

}  // namespace fed::tensor
