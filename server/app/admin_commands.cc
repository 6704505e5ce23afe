#include "app/admin_commands.h"

#include <fmt/format.h>

#include "app/background.h"
#include "app/privacy_view.h"
#include "app/replay.h"
#include "app/status.h"
#include "channel/join_code.h"
#include "crypto/random.h"

namespace fed::app {
namespace {

constexpr std::int64_t kDay = 86400;

AdminReply failed(const Error& error) {
  return {{{"error", name(error.code)}, {"detail", error.detail}}, {}};
}

AdminReply done(Json body = Json::object()) { return {std::move(body), {}}; }

AdminReply reply_of(const Status& status) { return status ? done() : failed(status.error()); }

std::string text(const Json& request, const char* key) {
  const auto entry = request.find(key);
  return entry != request.end() && entry->is_string() ? entry->get<std::string>() : "";
}

AdminReply no_such_job(const std::string& name) {
  return failed({ErrorCode::not_found, "there is no job \"" + name + "\"; see `fedserver jobs`"});
}

// The temporary file is removed at once: it goes when it has been sent.
Result<AdminReply::Attachment> exported(Disk& disk, const store::Checkpoints& checkpoints,
                                        const std::string& job, std::int64_t version,
                                        const fs::path& folder, const std::string& extension) {
  const fs::path path = folder / ("export-" + to_hex(crypto::random_array<8>()) + extension);
  FED_TRY(checkpoints.export_model(job, version, path));
  FED_ASSIGN(file, disk.open_to_read(path));
  FED_TRY(disk.remove(path));
  FED_ASSIGN(bytes, file.size());
  return AdminReply::Attachment{std::move(file), bytes};
}

}  // namespace

AdminCommands::AdminCommands(Coordinator& coordinator, AdminIdentity identity,
                             std::function<void()> stop)
    : coordinator_(coordinator), identity_(std::move(identity)), stop_(std::move(stop)) {}

const std::map<std::string, AdminCommands::Handler>& AdminCommands::handlers() {
  static const std::map<std::string, Handler> table = {
      {"invite", &AdminCommands::invite}, {"clients", &AdminCommands::clients},
      {"revoke", &AdminCommands::revoke}, {"submit", &AdminCommands::submit},
      {"jobs", &AdminCommands::jobs},     {"show", &AdminCommands::show},
      {"pause", &AdminCommands::pause},   {"resume", &AdminCommands::resume},
      {"cancel", &AdminCommands::cancel}, {"status", &AdminCommands::status},
      {"why", &AdminCommands::why},       {"export", &AdminCommands::export_model},
      {"replay", &AdminCommands::replay}, {"privacy", &AdminCommands::privacy},
      {"drain", &AdminCommands::drain},
  };
  return table;
}

void AdminCommands::handle(const std::string& line, Answer answer) {
  const Json request = Json::parse(line, nullptr, false);
  if (!request.is_object())
    return answer(failed({ErrorCode::malformed, "the request is no JSON object"}));
  const auto handler = handlers().find(text(request, "command"));
  if (handler == handlers().end()) {
    return answer(failed(
        {ErrorCode::unsupported, "unknown command; is this fedserver as old as the daemon?"}));
  }
  try {
    (this->*handler->second)(request, answer);
  } catch (const Json::exception& wrong) {  // a value of another type than the command wants
    answer(failed(
        {ErrorCode::malformed, std::string("the request is not understood: ") + wrong.what()}));
  }
}

void AdminCommands::invite(const Json& request, Answer answer) {
  const auto valid_s = request.value("valid_s", kDay);
  auto invited = coordinator_.invite(text(request, "name"), valid_s);
  if (!invited) return answer(failed(invited.error()));
  const channel::JoinCode code{channel::suites_supported(), identity_.key, invited->id,
                               std::move(invited->psk), identity_.address};
  const auto line = channel::encode_join_code(code);
  if (!line) return answer(failed(line.error()));
  answer(done({{"name", invited->name},
               {"code", *line},
               {"expires_at", invited->expires_at},
               {"address", identity_.address}}));
}

void AdminCommands::clients(const Json&, Answer answer) {
  answer({clients_json(coordinator_), {}});
}

void AdminCommands::revoke(const Json& request, Answer answer) {
  answer(reply_of(coordinator_.revoke(text(request, "name"))));
}

void AdminCommands::submit(const Json& request, Answer answer) {
  auto spec = config::parse_job(text(request, "job"));
  if (!spec)
    return answer(failed({ErrorCode::invalid, config::format_problems("job", spec.error())}));
  const std::string name = spec->name;
  coordinator_.submit(std::move(*spec), [answer, name, &coordinator = coordinator_](Status status) {
    if (!status) return answer(failed(status.error()));
    const auto job = coordinator.job(name);
    answer(
        done({{"job", name}, {"notes", job ? job->plan().notes() : std::vector<std::string>()}}));
  });
}

void AdminCommands::jobs(const Json&, Answer answer) { answer({jobs_json(coordinator_), {}}); }

void AdminCommands::show(const Json& request, Answer answer) {
  const auto job = coordinator_.job(text(request, "job"));
  if (!job) return answer(no_such_job(text(request, "job")));
  answer({show_json(coordinator_, *job), {}});
}

void AdminCommands::privacy(const Json& request, Answer answer) {
  const auto job = coordinator_.job(text(request, "job"));
  if (!job) return answer(no_such_job(text(request, "job")));
  auto spent = privacy_by_client(coordinator_, *job);
  answer(spent ? AdminReply{std::move(*spent), {}} : failed(spent.error()));
}

void AdminCommands::order(const Json& request, round::JobState to, const Answer& answer) {
  answer(reply_of(coordinator_.order(text(request, "job"), to)));
}

void AdminCommands::pause(const Json& request, Answer answer) {
  order(request, round::JobState::paused, answer);
}
void AdminCommands::resume(const Json& request, Answer answer) {
  order(request, round::JobState::running, answer);
}
void AdminCommands::cancel(const Json& request, Answer answer) {
  order(request, round::JobState::cancelled, answer);
}

void AdminCommands::status(const Json&, Answer answer) { answer({status_json(coordinator_), {}}); }

void AdminCommands::why(const Json& request, Answer answer) {
  const auto job = coordinator_.job(text(request, "job"));
  if (!job) return answer(no_such_job(text(request, "job")));
  answer({why_json(coordinator_, *job), {}});
}

void AdminCommands::export_model(const Json& request, Answer answer) {
  const std::string job_name = text(request, "job");
  const auto job = coordinator_.job(job_name);
  if (!job) return answer(no_such_job(job_name));
  const auto report = job->report();
  std::int64_t version = report ? report->version : 0;
  if (request.contains("round")) version = request["round"].get<std::int64_t>();
  if (request.value("best", false)) version = job->best_version().value_or(version);
  if (version < 1)
    return answer(failed({ErrorCode::not_found, "the job has no committed version yet"}));
  const CoordinatorParts& parts = coordinator_.parts();
  in_background(
      parts.compute, parts.control, weak_from_this(),
      [&parts, job_name, version, extension = text(request, "extension")] {
        return exported(parts.disk, parts.checkpoints, job_name, version, parts.blobs, extension);
      },
      [answer, version](AdminCommands&, Result<AdminReply::Attachment> file) {
        if (!file) return answer(failed(file.error()));
        const std::uint64_t bytes = file->bytes;
        answer({{{"version", version}, {"bytes", bytes}}, std::move(*file)});
      });
}

void AdminCommands::replay(const Json& request, Answer answer) {
  const std::string name = text(request, "job");
  const auto job = coordinator_.job(name);
  if (!job) return answer(no_such_job(name));
  ReplayInput input{.plan = job->shared_plan(), .round = request.at("round").get<std::int64_t>()};
  const CoordinatorParts& parts = coordinator_.parts();
  if (input.round < 1 || input.round > job->version()) {
    return answer(failed(
        {ErrorCode::not_found, fmt::format("job {} has made versions 1 to {}; {} is none of them",
                                           name, job->version(), input.round)}));
  }
  // Two more copies than the closing of a round needs.
  const std::uint64_t needed = 3 * input.plan->memory_bytes(parts.threads);
  if (needed + coordinator_.memory_in_use() > parts.memory_bytes_max) {
    return answer(failed({ErrorCode::too_large,
                          "there is not enough memory left beside the jobs at work; see "
                          "limits.memory_bytes_max"}));
  }
  auto rows = coordinator_.journal().contributions(name, input.round);
  if (!rows) return answer(failed(rows.error()));
  for (const store::ContributionRow& row : *rows) {
    input.names[row.client] = coordinator_.name_of(row.client);
  }
  input.rows = std::move(*rows);
  in_background(
      parts.compute, parts.control, weak_from_this(),
      [input = std::move(input), &services = coordinator_.services()] {
        return app::replay(input, services);
      },
      [answer](AdminCommands&, Result<Replayed> replayed) {
        if (replayed) return answer({replay_json(*replayed), {}});
        Error why = replayed.error();
        if (why.code == ErrorCode::malformed) why.code = ErrorCode::mismatch;  // not the request is
        answer(failed(why));
      });
}

void AdminCommands::drain(const Json&, Answer answer) {
  coordinator_.drain([answer, stop = stop_] {
    answer(done({{"drained", true}}));
    stop();
  });
}

}  // namespace fed::app
