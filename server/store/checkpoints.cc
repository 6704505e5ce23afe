#include "store/checkpoints.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "tensor/npz.h"
#include "tensor/statistics.h"

namespace fed::store {
namespace {

constexpr std::string_view kFormat = "fed.checkpoint/1";
constexpr std::string_view kExtension = ".safetensors";
constexpr std::string_view kFirstMoment = "optimizer.m";
constexpr std::string_view kSecondMoment = "optimizer.v";

bool is_state(std::string_view name) { return name == kFirstMoment || name == kSecondMoment; }

std::string text_of(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + "]";
}

void add_state(std::vector<tensor::TensorView>& views, std::string_view name,
               std::span<const float> state) {
  if (state.empty()) return;
  views.push_back({.name = std::string(name),
                   .type = tensor::DataType::f32,
                   .shape = {static_cast<std::int64_t>(state.size())},
                   .data = as_bytes(state)});
}

// Writes beside `path`, syncs, renames. `write` fills the file.
template <class Write>
Status write_and_rename(Disk& disk, const fs::path& path, Durability durability,
                        const Write& write) {
  const fs::path temporary = path.string() + ".tmp";
  FED_TRY(disk.remove(temporary));
  FED_ASSIGN(file, disk.open_to_write(temporary));
  Status written = write(file);
  if (written) written = file.sync(durability);
  if (!written) {
    static_cast<void>(disk.remove(temporary));  // gives a full disk its room back
    return written;
  }
  return rename_file(disk, temporary, path, durability);
}

// The entry as `shape` has it.
Status check_entry(const fs::path& path, const tensor::SafetensorsReader::Entry* entry,
                   std::string_view name, std::span<const std::int64_t> shape) {
  const std::string what = path.string() + ": the tensor \"" + std::string(name) + "\"";
  if (entry == nullptr) {
    return Error{ErrorCode::mismatch, what + " is missing; the model has it as " + text_of(shape)};
  }
  if (entry->type != tensor::DataType::f32) {
    return Error{ErrorCode::mismatch, what + " is not of type F32"};
  }
  if (std::ranges::equal(entry->shape, shape)) return {};
  return Error{ErrorCode::mismatch, what + " has the shape " + text_of(entry->shape) +
                                        ", but the model's is " + text_of(shape)};
}

Status check_values(const fs::path& path, std::string_view name, std::span<const float> values) {
  if (tensor::all_finite(values)) return {};
  return Error{ErrorCode::invalid, path.string() + ": the tensor \"" + std::string(name) +
                                       "\" holds values that are not finite"};
}

Status read_weights(const fs::path& path, const tensor::SafetensorsReader& reader,
                    const tensor::Layout& layout, std::span<float> weights) {
  for (const tensor::Parameter& parameter : layout.parameters()) {
    const auto* entry = reader.find(parameter.name);
    FED_TRY(check_entry(path, entry, parameter.name, parameter.shape));
    const std::span<float> values = tensor::Layout::slice(weights, parameter);
    FED_TRY(reader.read(*entry, as_writable_bytes(values)));
    FED_TRY(check_values(path, parameter.name, values));
  }
  return {};
}

Status read_state(const fs::path& path, const tensor::SafetensorsReader& reader,
                  std::string_view name, std::size_t coordinates, tensor::Floats& state) {
  const auto* entry = reader.find(name);
  if (entry == nullptr) return {};
  const std::int64_t shape[] = {static_cast<std::int64_t>(coordinates)};
  FED_TRY(check_entry(path, entry, name, shape));
  state.resize(coordinates);
  FED_TRY(reader.read(*entry, as_writable_bytes(std::span(state))));
  return check_values(path, name, state);
}

Status check_no_others(const fs::path& path, const tensor::SafetensorsReader& reader,
                       const tensor::Layout& layout) {
  for (const auto& entry : reader.entries()) {
    if (is_state(entry.name) || layout.find(entry.name) != nullptr) continue;
    return Error{ErrorCode::mismatch, path.string() + ": the model has no tensor \"" + entry.name +
                                          "\", which has the shape " + text_of(entry.shape)};
  }
  return {};
}

Status check_entry_of_metadata(const fs::path& path, const tensor::Metadata& metadata,
                               const std::string& key, std::string_view expected) {
  const auto found = metadata.find(key);
  if (found != metadata.end() && found->second == expected) return {};
  return Error{ErrorCode::mismatch,
               path.string() + ": \"" + key + "\" is " +
                   (found == metadata.end() ? "missing" : "\"" + found->second + "\"") +
                   ", not \"" + std::string(expected) + "\""};
}

Status check_metadata(const fs::path& path, const tensor::Metadata& metadata, std::string_view job,
                      std::int64_t version) {
  FED_TRY(check_entry_of_metadata(path, metadata, "format", kFormat));
  FED_TRY(check_entry_of_metadata(path, metadata, "job", job));
  return check_entry_of_metadata(path, metadata, "version", std::to_string(version));
}

std::optional<std::int64_t> version_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.ends_with(kExtension)) return std::nullopt;
  const char* end = name.data() + name.size() - kExtension.size();
  std::int64_t version = 0;
  const auto [stop, error] = std::from_chars(name.data(), end, version);
  if (error != std::errc() || stop != end || version < 0) return std::nullopt;
  return version;
}

}  // namespace

fs::path Checkpoints::path(std::string_view job, std::int64_t version) const {
  return folder_ / job / (std::to_string(version) + std::string(kExtension));
}

Status Checkpoints::save(const CheckpointView& checkpoint) const {
  const std::size_t coordinates = checkpoint.layout->size();
  FED_CHECK(checkpoint.weights.size() == coordinates);
  FED_CHECK(checkpoint.m.empty() || checkpoint.m.size() == coordinates);
  FED_CHECK(checkpoint.v.empty() || checkpoint.v.size() == coordinates);
  std::vector<tensor::TensorView> views = tensor::views_of(*checkpoint.layout, checkpoint.weights);
  add_state(views, kFirstMoment, checkpoint.m);
  add_state(views, kSecondMoment, checkpoint.v);
  tensor::Metadata metadata = checkpoint.metadata;
  metadata["format"] = kFormat;
  metadata["job"] = checkpoint.job;
  metadata["version"] = std::to_string(checkpoint.version);
  FED_TRY(make_durable_folder(*disk_, folder_, durability_));
  FED_TRY(make_durable_folder(*disk_, folder_ / checkpoint.job, durability_));
  return write_and_rename(
      *disk_, path(checkpoint.job, checkpoint.version), durability_,
      [&](const File& file) { return tensor::write_safetensors(file, views, metadata); });
}

Result<Checkpoint> Checkpoints::load(std::string_view job, std::int64_t version,
                                     const tensor::Layout& layout) const {
  const fs::path from = path(job, version);
  FED_ASSIGN(file, disk_->open_to_read(from));
  FED_ASSIGN(reader, tensor::SafetensorsReader::open(std::move(file)));
  FED_TRY(check_metadata(from, reader.metadata(), job, version));
  FED_TRY(check_no_others(from, reader, layout));
  Checkpoint checkpoint{
      .version = version, .weights = tensor::Floats(layout.size()), .metadata = reader.metadata()};
  FED_TRY(read_weights(from, reader, layout, checkpoint.weights));
  FED_TRY(read_state(from, reader, kFirstMoment, layout.size(), checkpoint.m));
  FED_TRY(read_state(from, reader, kSecondMoment, layout.size(), checkpoint.v));
  return checkpoint;
}

Result<std::vector<std::int64_t>> Checkpoints::versions(std::string_view job) const {
  FED_ASSIGN(files, disk_->list(folder_ / job));
  std::vector<std::int64_t> versions;
  for (const fs::path& file : files) {
    if (const auto version = version_of(file)) versions.push_back(*version);
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

Status Checkpoints::prune(std::string_view job, const std::set<std::int64_t>& keep) const {
  FED_ASSIGN(files, disk_->list(folder_ / job));
  for (const fs::path& file : files) {
    const auto version = version_of(file);
    const bool unwanted = version ? !keep.contains(*version) : file.extension() == ".tmp";
    if (unwanted) FED_TRY(disk_->remove(file));
  }
  return {};
}

Status Checkpoints::remove_job(std::string_view job) const {
  FED_CHECK(!job.empty());
  return remove_folder(*disk_, folder_ / job);
}

Status Checkpoints::export_model(std::string_view job, std::int64_t version,
                                 const fs::path& to) const {
  const bool as_npz = to.extension() == ".npz";
  if (!as_npz && to.extension() != kExtension) {
    return Error{ErrorCode::invalid, to.string() + ": the name must end in .safetensors or .npz"};
  }
  FED_ASSIGN(there, versions(job));
  if (!std::binary_search(there.begin(), there.end(), version)) {
    return Error{ErrorCode::not_found,
                 fmt::format("job {} has no model of round {}; it has those of the rounds {}", job,
                             version, fmt::join(there, ", "))};
  }
  const fs::path from = path(job, version);
  FED_ASSIGN(file, disk_->open_to_read(from));
  FED_ASSIGN(reader, tensor::SafetensorsReader::open(std::move(file)));
  FED_TRY(check_metadata(from, reader.metadata(), job, version));
  std::vector<Bytes> contents;
  std::vector<tensor::TensorView> views;
  for (const auto& entry : reader.entries()) {
    if (is_state(entry.name)) continue;
    FED_TRY(reader.read(entry, contents.emplace_back(entry.end - entry.begin)));
    views.push_back({entry.name, entry.type, entry.shape, contents.back()});
  }
  return write_and_rename(*disk_, to, durability_, [&](const File& exported) {
    return as_npz ? tensor::write_npz(exported, views)
                  : tensor::write_safetensors(exported, views, reader.metadata());
  });
}

}  // namespace fed::store
