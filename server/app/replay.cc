#include "app/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fed::app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kReadBytes = 1 << 20;

struct Base {
  tensor::Floats weights;
  aggregate::OptimizerState state;
  double clipping_norm = 0;
};

Error not_kept(const ReplayInput& input, const std::string& what) {
  return {
      ErrorCode::not_found,
      fmt::format("round {} of job {} cannot be replayed: {}; \"keep\": {{\"rounds\": N}} in the "
                  "job file keeps the last N rounds",
                  input.round, input.plan->spec.name, what)};
}

Result<Base> base_of(const ReplayInput& input, const Services& services, std::int64_t version) {
  const Plan& plan = *input.plan;
  const std::size_t coordinates = plan.model->layout().size();
  Base base{tensor::Floats(coordinates), plan.optimizer->initial(coordinates)};
  if (version == 0) {
    plan.model->initialize(base.weights, plan.spec.model.seed);
    FED_ASSIGN(norm, norm_from(plan.spec, version, {}));
    base.clipping_norm = norm;
    return base;
  }
  auto saved = services.checkpoints.load(plan.spec.name, version, plan.model->layout());
  if (!saved && saved.error().code == ErrorCode::not_found) {
    return not_kept(input, fmt::format("the checkpoint of version {} is gone", version));
  }
  if (!saved) return saved.error();
  base.weights = std::move(saved->weights);
  base.state = {std::move(saved->m), std::move(saved->v)};
  FED_ASSIGN(norm, norm_from(plan.spec, version, saved->metadata));
  base.clipping_norm = norm;
  return base;
}

Result<Checksum> checksum_of(const File& file) {
  FED_ASSIGN(size, file.size());
  Checksummer sum;
  Bytes buffer;
  for (std::uint64_t at = 0; at < size; at += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(kReadBytes, size - at));
    FED_TRY(file.read_at(at, buffer));
    sum.update(buffer);
  }
  return sum.finish();
}

class Replay {
 public:
  Replay(const ReplayInput& input, const Services& services)
      : input_(input), services_(services), kept_(kept_of(services)) {}

  Result<Replayed> run() {
    const std::string& job = input_.plan->spec.name;
    const auto description = kept_.description(job, input_.round);
    if (!description) {
      if (description.error().code != ErrorCode::not_found) return description.error();
      return not_kept(input_, "its updates were not kept, or are gone");
    }
    FED_ASSIGN(round, described(*description));
    result_.round = input_.round;
    result_.contributions = round.contributions.size();
    compare_with_journal(round);
    FED_ASSIGN(base, base_of(input_, services_, round.base_version));
    FED_ASSIGN(then, base_of(input_, services_, input_.round));
    open(round);
    if (files_.size() != round.contributions.size()) return std::move(result_);
    const FoldedRound input{*input_.plan, round,   base.weights,      base.state,
                            nullptr,      nullptr, base.clipping_norm};
    const auto folded = fold_round(input, files_, services_.parallel_for);
    if (folded) {
      compare(folded->folded, then);
    } else {
      result_.problems.push_back("the updates cannot be folded: " + folded.error().detail);
    }
    return std::move(result_);
  }

 private:
  std::string name_of(std::int64_t client) const {
    const auto name = input_.names.find(client);
    return name == input_.names.end() ? "client " + std::to_string(client) : name->second;
  }

  const store::ContributionRow* row_of(const round::Contribution& each) const {
    const auto row =
        std::find_if(input_.rows.begin(), input_.rows.end(), [&](const auto& candidate) {
          return candidate.task == each.task && candidate.client == each.client &&
                 candidate.outcome == "accepted" && candidate.committed;
        });
    return row == input_.rows.end() ? nullptr : &*row;
  }

  void compare_with_journal(const round::CloseRound& round) {
    const auto counted = std::count_if(input_.rows.begin(), input_.rows.end(), [](const auto& row) {
      return row.outcome == "accepted" && row.committed;
    });
    if (round.round != input_.round || counted != std::ssize(round.contributions)) {
      result_.problems.push_back(fmt::format(
          "the journal has {} contributions in round {}, what was kept has {} in round {}", counted,
          input_.round, round.contributions.size(), round.round));
    }
    for (const round::Contribution& each : round.contributions) {
      const store::ContributionRow* row = row_of(each);
      if (row != nullptr && row->weight == each.weight) continue;
      result_.problems.push_back(fmt::format(
          "the update of {} (task {}) {}", name_of(each.client), each.task,
          row == nullptr ? "is not in the journal" : "has another weight in the journal"));
    }
  }

  // All kept updates, or fewer with a problem for each that is missing.
  void open(const round::CloseRound& round) {
    for (const round::Contribution& each : round.contributions) {
      auto file = kept_.open_update(input_.plan->spec.name, input_.round, each.task, each.client);
      const auto sum = file ? checksum_of(*file) : Result<Checksum>(file.error());
      const store::ContributionRow* row = row_of(each);
      if (!sum) {
        result_.problems.push_back(fmt::format("the kept update of {} (task {}) cannot be read: {}",
                                               name_of(each.client), each.task,
                                               sum.error().detail));
      } else if (row != nullptr && row->checksum != *sum) {
        result_.problems.push_back(
            fmt::format("the kept update of {} (task {}) has been changed: its checksum is {}, the "
                        "journal has {}",
                        name_of(each.client), each.task, to_hex(*sum), to_hex(row->checksum)));
      }
      if (sum) files_.push_back(std::move(*file));
    }
  }

  void compare(const aggregate::Folded& now, const Base& then) {
    const tensor::Layout& layout = input_.plan->model->layout();
    for (const tensor::Parameter& parameter : layout.parameters()) {
      compare(parameter.name, tensor::Layout::slice(std::span(now.weights), parameter),
              tensor::Layout::slice(std::span(then.weights), parameter));
    }
    compare("optimizer.m", now.state.m, then.state.m);
    compare("optimizer.v", now.state.v, then.state.v);
  }

  void compare(const std::string& tensor, std::span<const float> now, std::span<const float> then) {
    const ByteView a = as_bytes(now), b = as_bytes(then);
    result_.bytes += b.size();
    Difference difference{.tensor = tensor, .bytes = b.size()};
    if (a.size() != b.size()) difference.differ = b.size();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (a[i] == b[i]) continue;
      if (difference.differ++ == 0) difference.first = i;
    }
    if (difference.differ > 0) result_.differences.push_back(difference);
  }

  const ReplayInput& input_;
  const Services& services_;
  const store::Kept kept_;
  std::vector<File> files_;
  Replayed result_;
};

}  // namespace

store::Kept kept_of(const Services& services) {
  return {services.disk, services.config.state_dir / "kept", services.config.durability};
}

std::string describe(const round::CloseRound& round) {
  Json contributions = Json::array();
  for (const round::Contribution& each : round.contributions) {
    contributions.push_back({{"task", each.task},
                             {"client", each.client},
                             {"examples", each.examples},
                             {"weight", each.weight},
                             {"base_version", each.base_version},
                             {"discount", each.discount}});
  }
  return Json{{"round", round.round},
              {"attempt", round.attempt},
              {"base_version", round.base_version},
              {"total_weight", round.total_weight},
              {"contributions", contributions}}
      .dump(1);
}

Result<round::CloseRound> described(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  try {
    round::CloseRound round{.round = json.at("round"),
                            .attempt = json.at("attempt"),
                            .kind = round::TaskKind::training,
                            .base_version = json.at("base_version"),
                            .contributions = {},
                            .total_weight = json.at("total_weight")};
    for (const Json& each : json.at("contributions")) {
      round.contributions.push_back({.client = each.at("client"),
                                     .examples = each.at("examples"),
                                     .weight = each.at("weight"),
                                     .task = each.at("task"),
                                     .base_version = each.at("base_version"),
                                     .discount = each.at("discount")});
    }
    return round;
  } catch (const Json::exception& wrong) {
    return Error{ErrorCode::malformed,
                 std::string("the description of a kept round is damaged: ") + wrong.what()};
  }
}

Result<Replayed> replay(const ReplayInput& input, const Services& services) {
  return Replay(input, services).run();
}

}  // namespace fed::app
