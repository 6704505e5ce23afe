#include "app/roster_text.h"

namespace fed::app {

Result<session::Peers> load_roster(Disk& disk, const fs::path& state) {
  return session::Peers::open(disk, state / session::kRoster, session::Trust::pinned);
}

std::vector<std::string> alarm_lines(const session::Peers& peers) {
  std::vector<std::string> lines;
  for (const auto& [name, alarm] : peers.alarms()) {
    lines.push_back("At " + alarm.when + " the server named another key for " + name + ", " +
                    session::to_text(alarm.offered) + ", than the known one, " +
                    session::to_text(alarm.known) +
                    ". It was not accepted. Ask that site for the key that its `fedclient roster` "
                    "shows: if it is the other one, pin it; if not, the server, or somebody in "
                    "its place, lies.");
  }
  return lines;
}

std::string alarm_summary(const Result<session::Peers>& peers) {
  if (!peers) return peers.error().detail;
  std::string names;
  for (const auto& [name, alarm] : peers->alarms()) names += (names.empty() ? "" : ", ") + name;
  if (names.empty()) return "";
  return "the server has named another key than the known one for " + names +
         ", which was not accepted: see `fedclient roster`";
}

}  // namespace fed::app
