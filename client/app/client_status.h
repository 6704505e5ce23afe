// What `fedclient status` shows of a daemon: a small file in the state folder that the daemon
// replaces whenever it changes.
//
// Plain values; copy freely.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/disk.h"
#include "wire/messages.h"

namespace fed::app {

struct ClientStatus {
  struct Answer {  // of the server, to an update
    std::string job;
    std::int64_t task = 0;
    std::string outcome;  // accepted, refused, discarded
    std::string detail;
    std::int64_t at = 0;  // seconds since 1970; 0: none yet
  };

  struct Refusal {  // of this client, to its server
    std::string job;
    std::int64_t task = 0;
    std::string reason;  // a word: of the protocol of secure sums, or of an error
    std::string detail;  // for this site's people
    std::int64_t at = 0;
  };

  std::string connection = "not started";  // "connected", or why not
  std::string name;                        // as the server knows this client
  std::string job;                         // of the task being worked on, or the last one
  std::int64_t task = -1;                  // its task
  std::string phase;                       // downloading, training, uploading, waiting
  Answer last_answer, last_refusal;
  Refusal own_refusal;         // the last one
  std::string public_key;      // of the key that this client holds; empty: none
  std::set<std::string> held;  // the jobs with that key
  std::map<std::string, std::string>
      declined;  // jobs that this client does not take part in, and why
  struct {       // the last word of a server that asks others first
    std::string job;
    std::string detail;
    std::int64_t until = 0;  // at the latest; 0: not known
  } standby;
  std::int64_t updated_at = 0;
  bool is_stale = false;  // as it was read: there was more to say, which could not be written
};

const char* name(wire::Outcome outcome);

// STATE/status.json
Status save(Disk& disk, const fs::path& state, const ClientStatus& status);
// What is there is older than what could not be saved: says so, also on a disk that is full. It
// holds until the next one is saved and this is taken back.
Status mark_stale(Disk& disk, const fs::path& state);
Status unmark_stale(Disk& disk, const fs::path& state);
// ErrorCode::not_found if the daemon has never run.
Result<ClientStatus> load_status(Disk& disk, const fs::path& state);

}  // namespace fed::app
