#include "session/outbox.h"

#include <algorithm>
#include <set>

namespace fed::session {

Result<Outbox> Outbox::open(fs::path folder) {
  FED_TRY(make_folder(folder));
  Outbox outbox(std::move(folder));
  FED_TRY(outbox.load());
  return outbox;
}

fs::path Outbox::path(const std::string& job, std::int64_t round, const char* extension) const {
  return folder_ / (job + "." + std::to_string(round) + extension);
}

Status Outbox::load() {
  std::set<fs::path> wanted;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
  for (const fs::path& file : found) {
    if (file.extension() != ".offer") continue;
    FED_ASSIGN(content, read_file(file, wire::kFromClientBytesMax));
    auto message = wire::decode(content);
    const auto* offer = message ? std::get_if<wire::Offer>(&*message) : nullptr;
    if (offer == nullptr)
      continue;  // unreadable: removed below, and its task will be asked for again
    auto stored = update(offer->job, offer->round);
    if (!stored) continue;
    FED_ASSIGN(size, stored->size());
    if (size != offer->bytes) continue;
    wanted.insert({file, stored->path()});
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
