#include "app/state_records.h"

#include "app/roster_text.h"
#include "session/answered.h"
#include "session/decryptions.h"

namespace fed::app {

std::vector<Error> damaged_records(Disk& disk, const config::ClientSpec& spec) {
  std::vector<Error> damaged;
  const fs::path& state = spec.state_dir;
  const auto roster = load_roster(disk, state);
  if (!roster) damaged.push_back(roster.error());
  const auto answered = session::Answered::open(disk, state / session::kAnswered);
  if (!answered) damaged.push_back(answered.error());
  if (spec.jobs.homomorphic_encryption.secret_key.empty()) return damaged;
  const auto decrypted = session::Decryptions::open(disk, state / session::kDecryptions);
  if (!decrypted) damaged.push_back(decrypted.error());
  return damaged;
}

}  // namespace fed::app
