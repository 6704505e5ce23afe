#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/client_keys.h"
#include "app/client_status.h"
#include "app/config_file.h"
#include "app/roster_text.h"
#include "base/clock.h"
#include "cli/table.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
using session::Peers;

constexpr const char* kUsage =
    "after `roster` comes nothing, `pin NAME KEY` or `forget NAME`; see `fedclient roster --help`";

// What the other sites' people ask for.
struct Self {
  std::string name;  // empty: not known yet
  Result<std::string> key;
};

Self self_of(const config::ClientSpec& spec) {
  const auto status = load_status(real_disk(), spec.state_dir);
  const auto keys = load_keys(real_disk(), spec.state_dir);
  Self self{spec.name, std::string()};
  if (status && !status->name.empty()) self.name = status->name;
  if (keys) {
    self.key = session::to_text(keys->identity.verify_key());
  } else {
    self.key = keys.error();
  }
  return self;
}

const char* how(const session::Peer& peer) { return peer.pinned ? "pinned" : "first_use"; }

void print(const Self& self, const Peers& peers) {
  fmt::print("{:<13} {}\n", "this client", self.name.empty() ? "(no name yet)" : self.name);
  fmt::print("{:<13} {}\n", "its key", self.key ? *self.key : self.key.error().detail);
  if (peers.all().empty()) {
    fmt::print("{:<13} none\n", "peers");
  } else {
    cli::Table table({"PEER", "KEY", "SINCE", "HOW"});
    for (const auto& [name, peer] : peers.all()) {
      table.add({name, session::to_text(peer.key), peer.since, how(peer)});
    }
    fmt::print("\n{}", table.text());
  }
  for (const std::string& line : alarm_lines(peers)) fmt::print("\nALARM: {}\n", line);
}

void print_json(const Self& self, const Peers& peers) {
  Json list = Json::array(), alarms = Json::array();
  for (const auto& [name, peer] : peers.all()) {
    list.push_back({{"name", name},
                    {"key", session::to_text(peer.key)},
                    {"since", peer.since},
                    {"how", how(peer)}});
  }
  for (const auto& [name, alarm] : peers.alarms()) {
    alarms.push_back({{"name", name},
                      {"known", session::to_text(alarm.known)},
                      {"offered", session::to_text(alarm.offered)},
                      {"at", alarm.when}});
  }
  Json own = {{"name", self.name}, {"key", nullptr}};
  if (self.key) {
    own["key"] = *self.key;
  } else {
    own["problem"] = self.key.error().detail;
  }
  const Json json = {{"self", own}, {"peers", list}, {"alarms", alarms}};
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int fail_to_load(const cli::Arguments& arguments, const Error& error) {
  return cli::fail(arguments, error,
                   error.code == ErrorCode::malformed ? cli::bad_usage : cli::refused);
}

int list(const cli::Arguments& arguments, const config::ClientSpec& spec) {
  const auto peers = load_roster(real_disk(), spec.state_dir);
  if (!peers) return fail_to_load(arguments, peers.error());
  const Self self = self_of(spec);
  if (arguments.json()) {
    print_json(self, *peers);
  } else {
    print(self, *peers);
  }
  return cli::done;
}

int say(const cli::Arguments& arguments, const char* done, const std::string& name,
        const std::string& what) {
  if (arguments.json()) {
    fmt::print("{}\n", Json{{done, name}}.dump());
  } else {
    fmt::print("{} {}. `fedclient run` takes it up when it starts.\n", name, what);
  }
  return cli::done;
}

// What root has written belongs to whom the folder belongs to, or the service could not read it.
Status hand_over(const fs::path& state) {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(state.c_str(), &folder) != 0) return {};
  for (const char* name : {"roster", "roster.alarms", "lock"}) {
    const fs::path file = state / name;
    if (::lchown(file.c_str(), folder.st_uid, folder.st_gid) != 0 && errno != ENOENT) {
      return from_errno("giving " + file.string() + " to the owner of its folder", errno);
    }
  }
  return {};
}

// Nobody sums with itself.
Status check_other(const Self& self, const std::string& name, const std::string& key) {
  if (name == self.name) {
    return Error{ErrorCode::invalid, name + " is this client itself; pin the others"};
  }
  if (!self.key || *self.key != key) return {};
  return Error{ErrorCode::invalid, "that is this client's own key; ask " + name + " for its key"};
}

int pin(const cli::Arguments& arguments, const config::ClientSpec& spec, Peers& peers,
        const std::string& name, const std::string& text) {
  const auto key = session::parse_verify_key(text);
  if (!key) return cli::fail(arguments, key.error(), cli::bad_usage);
  const Status other = check_other(self_of(spec), name, session::to_text(*key));
  if (!other) return cli::fail(arguments, other.error(), cli::bad_usage);
  const auto before = peers.lookup(name);
  const auto pinned = peers.pin(name, *key, unix_seconds());
  const bool replaced = before && *before != *key;
  if (pinned) {
    return say(arguments, "pinned", name,
               replaced ? "is pinned; its earlier key " + session::to_text(*before) +
                              " is not accepted any more"
                        : "is pinned");
  }
  const bool usage = pinned.error().code == ErrorCode::invalid;
  return cli::fail(arguments, pinned.error(), usage ? cli::bad_usage : cli::refused);
}

int forget(const cli::Arguments& arguments, Peers& peers, const std::string& name) {
  const auto forgotten = peers.forget(name);
  if (!forgotten) return cli::fail(arguments, forgotten.error());
  return say(arguments, "forgotten", name, "is forgotten");
}

struct Change {
  bool pins = false, forgets = false;
};

// A client that runs has the roster in its memory and would write over what is changed here: the
// lock is kept meanwhile.
int change(const cli::Arguments& arguments, const config::ClientSpec& spec, const Change& what) {
  const fs::path& state = spec.state_dir;
  const auto lock = lock_state(real_disk(), state);
  if (!lock) return cli::fail(arguments, lock.error());
  auto peers = load_roster(real_disk(), state);
  if (!peers) return fail_to_load(arguments, peers.error());
  const auto words = arguments.texts("words");
  const int status = what.pins ? pin(arguments, spec, *peers, words[1], words[2])
                               : forget(arguments, *peers, words[1]);
  const auto handed = hand_over(state);
  return handed || status != cli::done ? status : cli::fail(arguments, handed.error());
}

int run(const cli::Arguments& arguments) {
  const auto words = arguments.texts("words");
  const Change what{words.size() == 3 && words[0] == "pin",
                    words.size() == 2 && words[0] == "forget"};
  if (!words.empty() && !what.pins && !what.forgets) {
    return cli::fail(arguments, {ErrorCode::invalid, kUsage}, cli::bad_usage);
  }
  const auto spec = load_config(arguments);
  if (!spec) return cli::bad_usage;
  const fs::path& state = spec->state_dir;
  if (!real_disk().inspect(state)) {
    return cli::fail(arguments, {ErrorCode::not_found,
                                 "there is no " + state.string() + "; run `fedclient join` first"});
  }
  return words.empty() ? list(arguments, *spec) : change(arguments, *spec, what);
}

}  // namespace

cli::Command roster_command() {
  return {"roster",
          "[pin NAME KEY | forget NAME] --config FILE",
          "show or change whom this client sums with, by their keys (to change: stop it first)",
          add_config_option,
          {"words*"},
          run};
}

}  // namespace fed::app
