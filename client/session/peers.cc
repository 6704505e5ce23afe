#include "session/peers.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "session/text_lines.h"

namespace fed::session {
namespace {

constexpr std::size_t kNameBytesMax = 63, kKeyCharacters = 43;
constexpr std::uint64_t kFileBytesMax = 64 << 20;
constexpr const char* kHeader =
    "# The clients that this one sums with, each by its key. Compare a key with `fedclient "
    "roster`\n"
    "# at its site. To edit this by hand, stop fedclient first.\n"
    "# NAME KEY since DATE first_use|pinned\n";

std::string utc(std::int64_t at, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string day(std::int64_t at) { return utc(at, "%Y-%m-%d"); }

// "2026-11-22", or with "T00:15:00Z" behind it.
bool follows(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(),
                    [](char c, char p) { return p == '0' ? c >= '0' && c <= '9' : c == p; });
}

std::string line_of(const std::string& name, const Peer& peer) {
  return name + " " + to_text(peer.key) + " since " + peer.since + " " +
         (peer.pinned ? "pinned" : "first_use") + "\n";
}

// All lines but those of `name`.
std::string without(const std::string& text, const std::string& name) {
  std::string rest;
  for (const std::string& line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.empty() || words[0] != name) rest += line + "\n";
  }
  return rest;
}

Result<Peer> parse_peer(const std::vector<std::string>& words) {
  const Error shape{ErrorCode::malformed, "this is not \"NAME KEY since DATE first_use|pinned\""};
  if (words.size() != 5 || words[2] != "since") return shape;
  if (!is_peer_name(words[0])) return Error{ErrorCode::malformed, "this is no client's name"};
  FED_ASSIGN(key, parse_verify_key(words[1]));
  if (!follows(words[3], "0000-00-00")) return shape;
  if (words[4] != "pinned" && words[4] != "first_use") return shape;
  return Peer{key, words[3], words[4] == "pinned"};
}

Result<PeerAlarm> parse_alarm(const std::vector<std::string>& words) {
  if (words.size() != 4 || !is_peer_name(words[0]) || !follows(words[3], "0000-00-00T00:00:00Z")) {
    return Error{ErrorCode::malformed, "this is not \"NAME KNOWN_KEY OFFERED_KEY TIME\""};
  }
  FED_ASSIGN(known, parse_verify_key(words[1]));
  FED_ASSIGN(offered, parse_verify_key(words[2]));
  return PeerAlarm{known, offered, words[3]};
}

// Every line that is not a remark by its first word.
template <class Value, class Parse>
Result<std::map<std::string, Value, std::less<>>> parse_lines(const fs::path& file,
                                                              const std::string& text,
                                                              Parse parse) {
  std::map<std::string, Value, std::less<>> found;
  std::size_t number = 0;
  for (const std::string& line : lines_of(text)) {
    ++number;
    const auto words = words_of(line);
    if (is_remark(words)) continue;
    auto value = parse(words);
    if (!value) return wrong_line(file, number, value.error().detail);
    if (!found.emplace(words[0], std::move(*value)).second) {
      return wrong_line(file, number, words[0] + " is there twice");
    }
  }
  return found;
}

Error changed(const Introduction& offered, const Peer& known) {
  return {ErrorCode::unauthentic,
          "the server names another key for " + offered.first + " (" + to_text(offered.second) +
              ") than this site knows (" + to_text(known.key) +
              "): ask that site for the key that its `fedclient roster` shows, and only if it has "
              "changed, run `fedclient roster pin " +
              offered.first + " KEY` here"};
}

// The first few by name: a person has to do something for each.
Error unknown(const Strangers& strangers) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, key] : strangers) {
    if (count++ < kNamed) names += (names.empty() ? "" : ", ") + name;
  }
  if (count > kNamed) names += " and " + std::to_string(count - kNamed) + " more";
  const bool one = count == 1;
  return {ErrorCode::not_found,
          names + (one ? " is" : " are") +
              " not in this site's roster, and it takes nobody else: ask " +
              (one ? "that site for its key" : "each of these sites for its key") +
              " and run `fedclient roster pin " + (one ? names : "NAME") + " KEY` here"};
}

}  // namespace

std::string to_text(const crypto::VerifyKey& key) { return to_base64url(key); }

Result<crypto::VerifyKey> parse_verify_key(std::string_view text) {
  const auto bytes = from_base64url(text);
  crypto::VerifyKey key{};
  if (text.size() != kKeyCharacters || !bytes || bytes->size() != key.size()) {
    return Error{
        ErrorCode::invalid,
        "a key is 43 characters of A-Z, a-z, 0-9, - and _, as `fedclient roster` shows it"};
  }
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

bool is_peer_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kNameBytesMax && plain(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

Peers::Peers(Disk& disk, fs::path file, Trust trust)
    : disk_(&disk), file_(std::move(file)), alarms_file_(file_), trust_(trust) {
  alarms_file_ += ".alarms";
}

Result<Peers> Peers::open(Disk& disk, fs::path file, Trust trust) {
  Peers peers(disk, std::move(file), trust);
  FED_TRY(peers.load());
  FED_TRY(peers.load_alarms());
  return peers;
}

Status Peers::load() {
  FED_ASSIGN(there, read_text(*disk_, file_, kFileBytesMax));
  std::string text = there.value_or("");
  if (!text.empty() && text.back() != '\n') text += '\n';  // an editor may leave it out
  FED_ASSIGN(found, parse_lines<Peer>(file_, text, parse_peer));
  text_ = std::move(text);
  peers_ = std::move(found);
  return {};
}

Status Peers::load_alarms() {
  FED_ASSIGN(text, read_text(*disk_, alarms_file_, kFileBytesMax));
  FED_ASSIGN(found, parse_lines<PeerAlarm>(alarms_file_, text.value_or(""), parse_alarm));
  alarms_ = std::move(found);
  return {};
}

Status Peers::replace(std::string text) {
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  text_ = std::move(text);
  return {};
}

Status Peers::write_alarms() {
  alarms_kept_ = false;
  std::string text;
  for (const auto& [name, alarm] : alarms_) {
    text += name + " " + to_text(alarm.known) + " " + to_text(alarm.offered) + " " + alarm.when;
    text += "\n";
  }
  FED_TRY(replace_file(*disk_, alarms_file_, view(text), Durability::power));
  alarms_kept_ = true;
  return {};
}

std::optional<crypto::VerifyKey> Peers::lookup(std::string_view name) const {
  const auto found = peers_.find(name);
  if (found == peers_.end()) return std::nullopt;
  return found->second.key;
}

Status Peers::raise(const Introduction& offered, const Peer& known, std::int64_t at) {
  const auto there = alarms_.find(offered.first);
  if (there == alarms_.end() || there->second.offered != offered.second) {
    alarms_.insert_or_assign(offered.first,
                             PeerAlarm{known.key, offered.second, utc(at, "%Y-%m-%dT%H:%M:%SZ")});
  } else if (alarms_kept_) {
    return {};
  }
  return write_alarms();
}

Result<Strangers> Peers::weigh(const std::vector<Introduction>& offered, std::int64_t at) {
  Strangers found;
  std::optional<Error> wrong;
  const auto note = [&wrong](Error error) {
    if (!wrong) wrong = std::move(error);
  };
  std::set<std::string_view> seen;
  for (const Introduction& one : offered) {
    const auto known = peers_.find(one.first);
    if (!is_peer_name(one.first) || !seen.insert(one.first).second) {
      note({ErrorCode::invalid, "the server's roster has a name twice, or one that is none"});
    } else if (known == peers_.end()) {
      found.insert(one);
    } else if (known->second.key != one.second) {
      // The worst there can be: said before anything else.
      if (!wrong || wrong->code != ErrorCode::unauthentic) wrong = changed(one, known->second);
      // Refused in any case; one that cannot be written is at least kept until the end.
      static_cast<void>(raise(one, known->second, at));
    }
  }
  if (trust_ == Trust::pinned && !found.empty()) note(unknown(found));
  if (peers_.size() + found.size() > kPeersMax) {
    note({ErrorCode::too_large,
          "this site's roster has room for 100000 clients: remove those that "
          "are gone with `fedclient roster forget NAME`"});
  }
  if (wrong) return *wrong;
  return found;
}

Status Peers::enter(const Strangers& strangers, std::int64_t at) {
  if (strangers.empty()) return {};
  std::string text = text_.empty() ? kHeader : text_;
  for (const auto& [name, key] : strangers) text += line_of(name, Peer{key, day(at), false});
  FED_TRY(replace(std::move(text)));
  for (const auto& [name, key] : strangers) peers_.emplace(name, Peer{key, day(at), false});
  return {};
}

Status Peers::end_alarm(const std::string& name) {
  if (alarms_.erase(name) == 0 && alarms_kept_) return {};
  return write_alarms();
}

Status Peers::pin(const std::string& name, const crypto::VerifyKey& key, std::int64_t at) {
  if (!is_peer_name(name)) {
    return Error{ErrorCode::invalid, "\"" + name + "\" is no client's name"};
  }
  const auto other = std::find_if(peers_.begin(), peers_.end(), [&](const auto& entry) {
    return entry.first != name && entry.second.key == key;
  });
  if (other != peers_.end()) {
    return Error{ErrorCode::invalid,
                 "that is the key of " + other->first +
                     " in this site's roster; no two sites have the same one: if "
                     "it is the same site, `fedclient roster forget " +
                     other->first + "` first"};
  }
  Peer peer{key, day(at), true};
  const auto known = peers_.find(name);
  if (known != peers_.end() && known->second.key == key) peer.since = known->second.since;
  std::string text = (text_.empty() ? kHeader : without(text_, name)) + line_of(name, peer);
  FED_TRY(replace(std::move(text)));
  peers_.insert_or_assign(name, std::move(peer));
  return end_alarm(name);
}

Status Peers::forget(const std::string& name) {
  if (!peers_.contains(name)) {
    return Error{ErrorCode::not_found, name + " is not in this site's roster"};
  }
  FED_TRY(replace(without(text_, name)));
  peers_.erase(name);
  return end_alarm(name);
}

}  // namespace fed::session
