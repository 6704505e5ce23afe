// Trained updates that the server has not answered for yet, on the client's disk.
//
// Two files an update: `JOB.ROUND.update` (the raw bytes) and, written last, `JOB.ROUND.offer` (the
// Offer message that names them, without a body). An update exists when its offer does and
// its bytes have the checksum that the offer names; what an interrupted write or a failing disk
// left is removed when the outbox is opened. Not thread-safe: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "wire/messages.h"

namespace fed::session {

class Outbox {
 public:
  // Opens or creates the folder and removes leftovers.
  static Result<Outbox> open(fs::path folder);

  // The offers of all updates there.
  const std::vector<wire::Offer>& offers() const { return offers_; }

  // Keeps `update`, durably; fills bytes and checksum of `offer` and returns it. Replaces the same
  // (job, round).
  Result<wire::Offer> put(wire::Offer offer, ByteView update);

  // To read the update of an offer.
  Result<File> update(const std::string& job, std::int64_t round) const;

  Status drop(const std::string& job, std::int64_t round);

 private:
  explicit Outbox(fs::path folder) : folder_(std::move(folder)) {}
  fs::path path(const std::string& job, std::int64_t round, const char* extension) const;
  Status load();
  std::optional<wire::Offer> read(const fs::path& file) const;

  fs::path folder_;
  std::vector<wire::Offer> offers_;
};

}  // namespace fed::session
