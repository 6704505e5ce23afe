#include "session/decryptions.h"

#include "session/text_lines.h"

namespace fed::session {
namespace {

constexpr std::uint64_t kFileBytesMax = 16 << 20;

}  // namespace

Result<Decryptions> Decryptions::open(Disk& disk, fs::path file) {
  Decryptions decryptions(disk, std::move(file));
  FED_TRY(decryptions.load());
  return decryptions;
}

Status Decryptions::load() {
  FED_ASSIGN(text, read_text(*disk_, file_, kFileBytesMax));
  if (!text) return {};
  std::size_t number = 0;
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::malformed,
                 file_.string() + ", line " + std::to_string(number) + ": " + what +
                     "; without a whole record of what it has decrypted, this client decrypts "
                     "nothing: restore the file, or make a new key"};
  };
  for (const std::string& line : lines_of(*text)) {
    ++number;
    const Status read = read_line(line);
    if (read) continue;
    return damaged(read.error().detail);
  }
  if (text->empty() || text->ends_with('\n')) return {};
  return damaged("the file is cut short here");
}

Status Decryptions::read_line(const std::string& line) {
  const auto words = words_of(line);
  const Error wrong{ErrorCode::malformed, "this is not \"JOB ROUND FIRST HASH\""};
  if (words.size() != 4 || words[3].size() != 2 * sizeof(crypto::Hash)) return wrong;
  const auto round = whole_number<std::int64_t>(words[1]);
  const auto first = whole_number<std::uint32_t>(words[2]);
  if (!round || !first) return wrong;
  const auto [last, is_new] = last_.try_emplace(words[0], Last{.round = *round});
  const bool fits =
      last->second.round == *round && last->second.stretches.emplace(*first, words[3]).second;
  return fits ? Status() : Status(wrong);
}

Status Decryptions::enter(const std::string& job, std::int64_t round, std::uint32_t first,
                          const crypto::Hash& ciphertexts) {
  if (last_.size() >= kDecryptionJobsMax && !last_.contains(job)) {
    return Error{ErrorCode::too_large,
                 "this client has decrypted sums of 1000 jobs and remembers no more: stop it and "
                 "remove the lines of jobs that have ended from " +
                     file_.string()};
  }
  Jobs next = last_;
  Last& last = next.try_emplace(job, Last{.round = round}).first->second;
  if (round < last.round) {
    return Error{ErrorCode::already_exists, "a sum of round " + std::to_string(last.round) +
                                                " was decrypted, and none of an earlier one is "
                                                "any more"};
  }
  if (round > last.round) last = {.round = round};
  const auto [stretch, is_new] = last.stretches.emplace(first, to_hex(ciphertexts));
  if (is_new) return save(std::move(next));
  if (stretch->second == to_hex(ciphertexts)) return {};
  return Error{ErrorCode::already_exists,
               "another sum of round " + std::to_string(round) + " was decrypted before"};
}

Status Decryptions::save(Jobs next) {
  std::string text;
  for (const auto& [job, last] : next) {
    for (const auto& [first, hash] : last.stretches) {
      text +=
          job + " " + std::to_string(last.round) + " " + std::to_string(first) + " " + hash + "\n";
    }
  }
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  last_ = std::move(next);
  return {};
}

}  // namespace fed::session
