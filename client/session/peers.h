// The other clients that this site sums with, by the Ed25519 key that each of them is known by.
//
// The server introduces clients to each other, and a server that lies could put a key of its own
// in the place of somebody's. So a site keeps its own list, one line a peer in STATE/roster:
//
//   NAME KEY since DATE first_use|pinned
//
// KEY is 43 characters of base64url, DATE a day (UTC). Lines that begin with # and empty ones are a
// person's own and stay. Trust::pinned: who is not in the file is refused. Trust::first_use: a
// stranger is entered with the key that the server names, durably, before anything is answered. In
// both, a key that differs from the known one is never accepted; it raises an alarm, which stays in
// STATE/roster.alarms (NAME KNOWN_KEY OFFERED_KEY TIME, one line a peer, the last one) until a
// person pins or forgets that peer. Under Trust::pinned an entry counts however it came: to freeze
// the list is to change the setting.
//
// It fails closed: a file that cannot be read or has a line that is none opens no Peers, and who
// has no Peers takes part in no secure sum; what cannot be written is not accepted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/disk.h"
#include "crypto/ed25519.h"

namespace fed::session {

inline constexpr const char* kRoster = "roster";  // in the state folder
inline constexpr std::size_t kPeersMax = 100'000;

enum class Trust { first_use, pinned };

struct Peer {
  crypto::VerifyKey key{};
  std::string since;    // "2026-11-22"
  bool pinned = false;  // by a person; else on first use
};

// The server has named another key for a known peer.
struct PeerAlarm {
  crypto::VerifyKey known{}, offered{};
  std::string when;  // "2026-11-22T00:15:00Z"
};

// As people read and type them.
std::string to_text(const crypto::VerifyKey& key);
Result<crypto::VerifyKey> parse_verify_key(std::string_view text);  // invalid

// Letters, digits, '.', '_', '-', at most 63: what can stand in the file.
bool is_peer_name(std::string_view name);

using Introduction = std::pair<std::string, crypto::VerifyKey>;
using Strangers = std::map<std::string, crypto::VerifyKey, std::less<>>;

// Not thread-safe. Movable; the disk outlives it.
class Peers {
 public:
  // Without a file: an empty list. ErrorCode::malformed, with the line, for one that does not
  // follow the format.
  static Result<Peers> open(Disk& disk, fs::path file, Trust trust);

  // Whether all of these may be who the server says: the strangers among them, to be entered before
  // anything is answered. Errors: unauthentic (another key than the known one; the alarm is kept),
  // not_found (a stranger, Trust::pinned), invalid (a name that is none, or one that came twice),
  // too_large (kPeersMax). The detail says what to do and may be told to the server. `at` is now,
  // in seconds since 1970.
  Result<Strangers> weigh(const std::vector<Introduction>& offered, std::int64_t at);

  // Enters strangers, as weigh gave them, with one write. On an error (disk_full, io) nobody is.
  Status enter(const Strangers& strangers, std::int64_t at);

  std::optional<crypto::VerifyKey> lookup(std::string_view name) const;

  // By a person, for a key that was compared over another way than the server. Ends the alarm.
  // ErrorCode::invalid for what is no client's name, or a key that another peer has.
  Status pin(const std::string& name, const crypto::VerifyKey& key, std::int64_t at);
  // Ends the alarm as well. ErrorCode::not_found if there is no such peer.
  Status forget(const std::string& name);

  const std::map<std::string, Peer, std::less<>>& all() const { return peers_; }
  const std::map<std::string, PeerAlarm, std::less<>>& alarms() const { return alarms_; }

 private:
  Peers(Disk& disk, fs::path file, Trust trust);

  Status load();
  Status load_alarms();
  Status raise(const Introduction& offered, const Peer& known, std::int64_t at);
  Status end_alarm(const std::string& name);
  Status replace(std::string text);
  Status write_alarms();

  Disk* disk_;
  fs::path file_, alarms_file_;
  Trust trust_;
  std::string text_;  // the file's
  std::map<std::string, Peer, std::less<>> peers_;
  std::map<std::string, PeerAlarm, std::less<>> alarms_;
  bool alarms_kept_ = true;  // the file has them all, and no other
};

}  // namespace fed::session
