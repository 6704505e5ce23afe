// Trained updates that the server has not answered for yet, on the client's disk, which cannot be
// read without the client's key.
//
// Two sealed files (sealed_file.h) an update: `JOB.ROUND.update` (the raw bytes) and, written last,
// `JOB.ROUND.offer` (the Offer message that names them, without a body). An update exists when its
// offer does and its bytes have the checksum that the offer names; what an interrupted write or a
// failing disk left is removed when the outbox is opened. What an earlier version left there in
// clear is sealed then. What another key has sealed stays until its task is done again: the key
// may come back. Immutable but for its files: `put` may be called from another thread than `update`
// and `drop`, for other updates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "session/storage_key.h"
#include "wire/messages.h"

namespace fed::session {

class Outbox {
 public:
  // What became of the offers that were there when it was opened, but for those that are as they
  // should be.
  struct Findings {
    std::vector<std::string> in_clear;   // file names; they are sealed now
    std::vector<std::string> other_key;  // they stay, unread
    std::vector<std::string> damaged;    // removed with their updates
  };

  // Opens or creates the folder, removes leftovers, seals what is in clear. An error (disk_full)
  // leaves what was there, for the next time.
  static Result<Outbox> open(Disk& disk, fs::path folder, StorageKey key);

  // The offers of all updates that were there when the outbox was opened.
  const std::vector<wire::Offer>& offers() const { return offers_; }
  const Findings& findings() const { return findings_; }

  // Keeps `update`, durably; fills bytes and checksum of `offer` and returns it. Replaces the same
  // (job, task).
  Result<wire::Offer> put(wire::Offer offer, ByteView update) const;

  // To read the update of an offer. See open_sealed.
  Result<File> update(const std::string& job, std::int64_t task) const;

  Status drop(const std::string& job, std::int64_t task) const;

 private:
  Outbox(Disk& disk, fs::path folder, StorageKey key)
      : disk_(&disk), folder_(std::move(folder)), key_(std::move(key)) {}
  fs::path path(const std::string& job, std::int64_t task, const char* extension) const;
  Status load();
  Result<wire::Offer> read(const fs::path& file, bool clear) const;
  Status seal(const wire::Offer& offer) const;

  Disk* disk_;
  fs::path folder_;
  StorageKey key_;
  std::vector<wire::Offer> offers_;
  Findings findings_;
};

struct OutboxListing {
  std::vector<wire::Offer> offers;
  std::size_t unreadable = 0;  // offers that this key does not open, or no key
};

// The offers that lie in an outbox, without changing it: for a look at one that is in use. No such
// folder is an empty outbox; null is no key.
Result<OutboxListing> list_offers(Disk& disk, const fs::path& folder, const StorageKey* key);

}  // namespace fed::session
