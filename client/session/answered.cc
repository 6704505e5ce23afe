#include "session/answered.h"

#include <algorithm>

#include "session/text_lines.h"

namespace fed::session {
namespace {

constexpr std::uint64_t kFileBytesMax = 4 << 20;
constexpr std::int64_t kStatisticsTask = 0;

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
    if (words.size() < 3 || words.size() % 2 == 0) {
      return wrong_line(
          file_, number,
          "this is not \"JOB ROUND ATTEMPT\", or the same with tasks and their checksums");
    }
    const auto round = whole_number<std::uint64_t>(words[1]);
    const auto attempt = whole_number<std::uint64_t>(words[2]);
    if (!round || !attempt) return wrong_line(file_, number, "round and attempt are numbers");
    std::set<Revealed> revealed;
    for (std::size_t i = 3; i < words.size(); i += 2) {
      const auto task = whole_number<std::int64_t>(words[i]);
      if (!task || words[i + 1].size() != 2 * sizeof(Checksum)) {
        return wrong_line(file_, number, "a task or a checksum is not a whole one");
      }
      revealed.emplace(*task, words[i + 1]);
    }
    if (!last_.emplace(words[0], Last{{*round, *attempt}, std::move(revealed)}).second) {
      return wrong_line(file_, number, words[0] + " is there twice");
    }
  }
  return {};
}

bool Answered::is_new(const std::string& job, std::uint64_t round, std::uint64_t attempt) const {
  const auto last = last_.find(job);
  return last == last_.end() || Turn{round, attempt} > last->second.turn;
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
  Jobs next = last_;
  next[job].turn = {round, attempt};
  return save(std::move(next));
}

bool Answered::is_revealed(const std::string& job, std::int64_t task,
                           const Checksum& update) const {
  const auto last = last_.find(job);
  return last != last_.end() && last->second.revealed.contains({task, to_hex(update)});
}

Status Answered::remember_reveal(const std::string& job, std::int64_t task, const Checksum& update,
                                 const std::function<bool(std::int64_t task)>& is_here) {
  FED_CHECK(last_.contains(job));
  if (is_revealed(job, task, update)) return {};
  Jobs next = last_;
  std::set<Revealed>& revealed = next[job].revealed;
  std::erase_if(revealed, [&](const Revealed& other) {
    return other.first != kStatisticsTask && other.first != task && !is_here(other.first);
  });
  revealed.emplace(task, to_hex(update));
  return save(std::move(next));
}

Status Answered::save(Jobs next) {
  std::string text;
  for (const auto& [name, last] : next) {
    text += name + " " + std::to_string(last.turn.first) + " " + std::to_string(last.turn.second);
    for (const auto& [task, update] : last.revealed) {
      text += " " + std::to_string(task) + " " + update;
    }
    text += "\n";
  }
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  last_ = std::move(next);
  return {};
}

}  // namespace fed::session
