#include "session/answered.h"

#include <algorithm>

#include "session/text_lines.h"

namespace fed::session {
namespace {

constexpr std::uint64_t kFileBytesMax = 4 << 20;

}  // namespace

Result<Answered> Answered::open(Disk& disk, fs::path file) {
  Answered answered(disk, std::move(file));
  FED_TRY(answered.load());
  return answered;
}

Status Answered::load() {
  FED_ASSIGN(text, read_text(*disk_, file_, kFileBytesMax));
  if (!text) return {};
  const auto lines = lines_of(*text);
  // A number that lost its last digits is still a number.
  if (!text->ends_with('\n'))
    return wrong_line(file_, std::max<std::size_t>(lines.size(), 1), "the file is cut short here");
  std::size_t number = 0;
  for (const std::string& line : lines) {
    ++number;
    const auto words = words_of(line);
    if (words.size() != 3) return wrong_line(file_, number, "this is not \"JOB ROUND ATTEMPT\"");
    const auto round = whole_number<std::uint64_t>(words[1]);
    const auto attempt = whole_number<std::uint64_t>(words[2]);
    if (!round || !attempt) return wrong_line(file_, number, "round and attempt are numbers");
    if (!last_.emplace(words[0], Turn{*round, *attempt}).second) {
      return wrong_line(file_, number, words[0] + " is there twice");
    }
  }
  return {};
}

bool Answered::is_new(const std::string& job, std::uint64_t round, std::uint64_t attempt) const {
  const auto last = last_.find(job);
  return last == last_.end() || Turn{round, attempt} > last->second;
}

Status Answered::remember(const std::string& job, std::uint64_t round, std::uint64_t attempt) {
  if (words_of(job) != std::vector<std::string>{job}) {
    return Error{ErrorCode::invalid, "\"" + job + "\" is no job's name"};
  }
  if (!is_new(job, round, attempt)) {
    return Error{ErrorCode::already_exists,
                 "this client has answered this attempt, or a later one, before"};
  }
  if (last_.size() >= kAnsweredJobsMax && !last_.contains(job)) {
    return Error{ErrorCode::too_large,
                 "this client has taken part in secure sums of 10000 jobs and remembers no more: "
                 "stop it and remove the lines of jobs that have ended from " +
                     file_.string()};
  }
  std::map<std::string, Turn> next = last_;
  next.insert_or_assign(job, Turn{round, attempt});
  std::string text;
  for (const auto& [name, turn] : next) {
    text += name + " " + std::to_string(turn.first) + " " + std::to_string(turn.second) + "\n";
  }
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  last_ = std::move(next);
  return {};
}

}  // namespace fed::session
