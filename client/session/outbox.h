// Trained updates that the server has not answered for yet, on the client's disk.
//
// Two files an update: `JOB.ROUND.update` (the raw bytes) and, written last, `JOB.ROUND.offer` (the
// Offer message that names them, without a body). An update exists when its offer does and
// its bytes have the checksum that the offer names; what an interrupted write or a failing disk
// left is removed when the outbox is opened. Immutable but for its files: `put`
// may be called from another thread than `update` and `drop`, for other updates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "wire/messages.h"

namespace fed::session {

class Outbox {
 public:
  // Opens or creates the folder and removes leftovers.
  static Result<Outbox> open(Disk& disk, fs::path folder);

  // The offers of all updates that were there when the outbox was opened.
  const std::vector<wire::Offer>& offers() const { return offers_; }

  // Keeps `update`, durably; fills bytes and checksum of `offer` and returns it. Replaces the same
  // (job, task).
  Result<wire::Offer> put(wire::Offer offer, ByteView update) const;

  // To read the update of an offer.
  Result<File> update(const std::string& job, std::int64_t task) const;

  Status drop(const std::string& job, std::int64_t task) const;

 private:
  Outbox(Disk& disk, fs::path folder) : disk_(&disk), folder_(std::move(folder)) {}
  fs::path path(const std::string& job, std::int64_t task, const char* extension) const;
  Status load();
  std::optional<wire::Offer> read(const fs::path& file) const;

  Disk* disk_;
  fs::path folder_;
  std::vector<wire::Offer> offers_;
};

// The offers that lie in an outbox, without changing it: for a look at one that is in use. No such
// folder is an empty outbox.
Result<std::vector<wire::Offer>> list_offers(Disk& disk, const fs::path& folder);

}  // namespace fed::session
