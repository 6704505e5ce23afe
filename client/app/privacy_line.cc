#include "app/privacy_line.h"

#include <fmt/format.h>

#include <sstream>

#include "session/text_lines.h"

namespace fed::app {

using privacy::Mechanism;
using session::whole_number;

std::string text_of(const PrivacyLine& line) {
  return fmt::format("{} {} {}\n", line.job, line.task, line.what);
}

std::optional<PrivacyLine> privacy_line(const std::string& text) {
  const std::size_t job_end = text.find(' '), task_end = text.find(' ', job_end + 1);
  if (job_end == 0 || job_end == std::string::npos || task_end == std::string::npos) {
    return std::nullopt;
  }
  const std::string task_text = text.substr(job_end + 1, task_end - job_end - 1);
  const auto task = whole_number<std::int64_t>(task_text);
  if (!task) return std::nullopt;
  return PrivacyLine{text.substr(0, job_end), *task, text.substr(task_end + 1)};
}

std::string noise_text(const privacy::PlanRequest& request) {
  std::string text = fmt::format("{}", *request.noise_multiplier);
  if (request.mechanism == Mechanism::central_gaussian) return text;
  text += std::string(" ") + privacy::name(request.mechanism);
  if (request.mechanism != Mechanism::distributed_gaussian) return text;
  const privacy::DistributedSetting& setting = request.distributed;
  return text + fmt::format(" {} {} {} {}", setting.survivors_min, setting.dimension,
                            setting.clip_steps, setting.beta);
}

std::optional<privacy::PlanRequest> noise_from(const std::string& text) {
  std::istringstream words(text);
  std::string noise, mechanism, survivors, dimension, steps, beta, more;
  words >> noise;
  privacy::PlanRequest request;
  request.noise_multiplier = whole_number<double>(noise);
  if (words >> mechanism) {
    const auto named = privacy::mechanism_named(mechanism);
    if (!named || *named == Mechanism::central_gaussian) return std::nullopt;
    request.mechanism = *named;
  }
  if (request.mechanism == Mechanism::distributed_gaussian) {
    words >> survivors >> dimension >> steps >> beta;
    const auto clients = whole_number<std::uint64_t>(survivors);
    const auto coordinates = whole_number<std::uint64_t>(dimension);
    const auto clip = whole_number<double>(steps), bias = whole_number<double>(beta);
    if (!clients || !coordinates || !clip || !bias) return std::nullopt;
    request.distributed = {*clients, *coordinates, *clip, *bias};
  }
  if (!request.noise_multiplier || words >> more) return std::nullopt;
  return request;
}

bool is_of_server(const std::string& noise) { return noise.find(' ') == std::string::npos; }

}  // namespace fed::app
