// A journal in a temporary folder that is closed and opened again at will, and what goes into it.
#pragma once

#include <optional>
#include <vector>

#include "folder.h"
#include "store/journal.h"

namespace fed::store::testing {

inline constexpr std::int64_t kNow = 1700000000;

inline crypto::PublicKey key(std::uint8_t seed) {
  crypto::PublicKey made;
  made.fill(seed);
  return made;
}

inline Invite invite(std::uint8_t seed, const std::string& name,
                     std::int64_t expires_at = kNow + 100) {
  return {.id = {seed, 1, 2, 3, 4, 5, 6, 7},
          .name = name,
          .psk = crypto::SecretKey(key(seed), crypto::Memory::plain),
          .expires_at = expires_at};
}

class Registry {
 public:
  explicit Registry(const JournalOptions& options = {Durability::process, 0}) : options_(options) {}

  // The journal, opened anew: nothing is remembered but what is on the disk.
  Journal& anew() {
    journal_.reset();
    journal_.emplace(Journal::open(fed::real_disk(), path(), options_).value());
    return *journal_;
  }
  Journal& operator*() { return journal_ ? *journal_ : anew(); }
  Journal* operator->() { return &**this; }
  void close() { journal_.reset(); }
  void set(const JournalOptions& options) { options_ = options; }

  fs::path path() const { return folder_ / "registry.db"; }
  const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
  JournalOptions options_;
  std::optional<Journal> journal_;
};

inline RoundStart start(std::int64_t round, std::int64_t attempt) {
  return {.job = "fashion",
          .round = round,
          .attempt = attempt,
          .cohort = {{1, 100}, {2, 250}, {5, 17}},
          .goal = 2,
          .total_weight = 367,
          .opened_at = kNow + round};
}

inline Accepted accepted(std::int64_t round, std::int64_t client, std::uint8_t sum = 1) {
  Accepted made{.job = "fashion",
                .task = round,
                .client = client,
                .round = round,
                .base_version = round - 1,
                .examples = 90,
                .weight = 90,
                .bytes = 4000,
                .metrics = "{\"loss\": 1}",
                .at = kNow + 5};
  made.checksum.fill(sum);
  return made;
}

inline Status accept(Journal& journal, const Accepted& made) {
  return journal.accept_contributions({&made, 1});
}

inline RoundCommit commit(std::int64_t round, std::int64_t attempt) {
  return {.job = "fashion",
          .round = round,
          .attempt = attempt,
          .version = round,
          .metrics = "{\"round\": " + std::to_string(round) + "}",
          .committed_at = kNow + 50 + round,
          .best_version = round,
          .best_value = 0.75,
          .without_better = 1,
          .job_state = {},
          .contributions = {}};
}

}  // namespace fed::store::testing
