#include "session/outbox.h"

#include <algorithm>
#include <set>

namespace fed::session {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;

Result<bool> has_checksum(const File& file, std::uint64_t bytes, const Checksum& expected) {
  FED_ASSIGN(size, file.size());
  if (size != bytes) return false;
  Checksummer sum;
  Bytes buffer;
  for (std::uint64_t at = 0; at < size; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kReadBytes, size - at));
    FED_TRY(file.read_at(at, buffer));
    sum.update(buffer);
  }
  return sum.finish() == expected;
}

}  // namespace

Result<Outbox> Outbox::open(fs::path folder) {
  FED_TRY(make_folder(folder));
  Outbox outbox(std::move(folder));
  FED_TRY(outbox.load());
  return outbox;
}

fs::path Outbox::path(const std::string& job, std::int64_t round, const char* extension) const {
  return folder_ / (job + "." + std::to_string(round) + extension);
}

// What an offer names, if it and its update are whole. Anything else is removed by `load`, and its
// task will be asked for again.
std::optional<wire::Offer> Outbox::read(const fs::path& file) const {
  const auto content = read_file(file, wire::kFromClientBytesMax);
  if (!content) return std::nullopt;
  const auto message = wire::decode(*content);
  const auto* offer = message ? std::get_if<wire::Offer>(&*message) : nullptr;
  if (offer == nullptr || path(offer->job, offer->round, ".offer") != file) return std::nullopt;
  const auto bytes = update(offer->job, offer->round);
  if (!bytes) return std::nullopt;
  const auto whole = has_checksum(*bytes, offer->bytes, offer->checksum);
  if (!whole || !*whole) return std::nullopt;
  return *offer;
}

Status Outbox::load() {
  std::set<fs::path> wanted;
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error)) found.push_back(it->path());
  }
  if (error) return from_errno("cannot list " + folder_.string(), error.value());
  for (const fs::path& file : found) {
    if (file.extension() != ".offer") continue;
    const auto offer = read(file);
    if (!offer) continue;
    wanted.insert({file, path(offer->job, offer->round, ".update")});
    offers_.push_back(*offer);
  }
  for (const fs::path& file : found) {
    if (!wanted.contains(file)) FED_TRY(remove_file(file));
  }
  return {};
}

Result<wire::Offer> Outbox::put(wire::Offer offer, ByteView bytes) {
  FED_TRY(drop(offer.job, offer.round));
  offer.bytes = bytes.size();
  offer.checksum = checksum(bytes);
  offer.body.clear();
  FED_TRY(replace_file(path(offer.job, offer.round, ".update"), bytes, Durability::power));
  FED_TRY(
      replace_file(path(offer.job, offer.round, ".offer"), wire::encode(offer), Durability::power));
  offers_.push_back(offer);
  return offer;
}

Result<File> Outbox::update(const std::string& job, std::int64_t round) const {
  return File::open_to_read(path(job, round, ".update"));
}

Status Outbox::drop(const std::string& job, std::int64_t round) {
  std::erase_if(offers_, [&](const wire::Offer& o) { return o.job == job && o.round == round; });
  FED_TRY(remove_file(path(job, round, ".offer")));
  return remove_file(path(job, round, ".update"));
}

}  // namespace fed::session
