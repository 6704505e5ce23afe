#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/client_keys.h"
#include "app/config_file.h"
#include "app/key_holder.h"
#include "app/leaves.h"
#include "app/local_job.h"
#include "app/privacy_text.h"
#include "app/site_text.h"
#include "app/state_records.h"
#include "base/access.h"
#include "base/clock.h"
#include "coding/encrypted_vector.h"
#include "coding/job_noise.h"
#include "data/encode.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::pair<std::string, std::string>>;  // a title and a text each

// What a job would read.
struct Fit {
  config::JobSpec job;
  std::int64_t train_rows = 0, test_rows = 0, inputs = 0;
  std::size_t number_columns = 0;
};

// Whether the site's own privacy limit has room for a task of the job.
Status check_room(const config::JobSpec& job, const model::Model& model,
                  const config::ClientSpec& spec) {
  if (!job.privacy) return {};
  FED_ASSIGN(request, coding::plan_request(job, model.layout().size()));
  return ledger_of(spec).check_room(request);
}

// Whether the job's updates can be integers, and encrypted with its key.
Status check_integers(const config::JobSpec& job, const model::Model& model) {
  if (!job.quantisation) return {};
  FED_ASSIGN(codec, coding::codec_of(job, model.layout().size(), 0));
  if (!job.homomorphic_encryption) return {};
  FED_TRY(coding::encrypted_vector_of(job, coding::shape_of(codec)));
  return {};
}

Result<Fit> fit(const config::JobSpec& job, const config::ClientSpec& spec) {
  const session::Agreement agreement(spec.jobs);
  FED_ASSIGN(model, model::make_model(job.model));
  FED_TRY(agreement.check(job, model->layout().size() * sizeof(float)));
  FED_TRY(check_integers(job, *model));
  FED_TRY(check_room(job, *model, spec));
  FED_ASSIGN(source, data::open(spec.data, expectation_of(job, *model)));
  if (source->inputs() != model->inputs()) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the job's model takes {} features a row; the data has {}",
                             model->inputs(), source->inputs())};
  }
  FED_TRY(agreement.check_rows(source->train_rows()));
  FED_ASSIGN(sums, source->statistics());
  return Fit{job, source->train_rows(), source->test_rows(), source->inputs(), sums.size() / 3};
}

const config::JobSpec* job_of(const std::optional<Fit>& fit) { return fit ? &fit->job : nullptr; }

// What a run finds in the state folder when it begins.
struct StateFound {
  bool has_keys = false;   // client.key and identity.key are there
  bool holds_key = false;  // of jobs with homomorphic encryption
  PrivacyLedger::Overview privacy;
  std::vector<std::string> warnings;
};

// Refuses what a run refuses, or what it logs as an error, with its words; but a client may be
// checked before it joins, and by somebody who does not see the service manager's credentials.
Result<StateFound> look_at_state(const config::ClientSpec& spec) {
  StateFound found;
  const auto keys = load_keys(real_disk(), spec.state_dir);
  if (!keys && keys.error().code != ErrorCode::not_found) return keys.error();
  found.has_keys = keys.has_value();
  if (!keys) {
    found.warnings.push_back(keys.error().detail +
                             "; or, where they are the service's credentials, name their folder in "
                             "CREDENTIALS_DIRECTORY");
  }
  FED_ASSIGN(held, load_held_key(real_disk(), spec.jobs.homomorphic_encryption));
  found.holds_key = held != nullptr;
  const auto damaged = damaged_records(real_disk(), spec);
  if (!damaged.empty()) return damaged.front();
  FED_ASSIGN(privacy, ledger_of(spec).overview());
  found.privacy = privacy;
  if (auto open = open_to_others(real_disk(), spec.state_dir)) found.warnings.push_back(*open);
  return found;
}

Lines state_lines(const config::ClientSpec& spec, const StateFound& state) {
  Lines lines;
  if (state.has_keys) lines.emplace_back("keys", "client.key and identity.key are good");
  if (state.holds_key) {
    lines.emplace_back(
        "key held", "that in " + spec.jobs.homomorphic_encryption.secret_key.string() + " is good");
  }
  for (auto& line : privacy_lines(spec, state.privacy)) lines.push_back(std::move(line));
  for (const std::string& warning : state.warnings) lines.emplace_back("WARNING", warning);
  return lines;
}

const char* name(data::ColumnDescription::Kind kind) {
  switch (kind) {
    case data::ColumnDescription::Kind::number:
      return "number";
    case data::ColumnDescription::Kind::category:
      return "category";
    case data::ColumnDescription::Kind::text:
      return "text";
    case data::ColumnDescription::Kind::empty:
      return "empty";
  }
  return "";
}

std::string details(const data::ColumnDescription& column) {
  if (column.kind == data::ColumnDescription::Kind::number) {
    return fmt::format("{:.6g} to {:.6g}, mean {:.6g}", column.min, column.max, column.mean);
  }
  constexpr std::size_t kShown = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, column.counts.size()); ++i) {
    text += fmt::format("{}{} ({})", i > 0 ? ", " : "", column.counts[i].first,
                        column.counts[i].second);
  }
  if (column.counts.size() > kShown) {
    text += fmt::format(" and {} more", column.counts.size() - kShown);
  }
  return text;
}

void print_lines(const char* title, const Lines& lines) {
  fmt::print("{}\n", title);
  for (const auto& [name, text] : lines) fmt::print("  {:<10} {}\n", name, text);
}

void print_data(const config::ClientSpec& spec, const data::Description& description) {
  if (spec.data.empty()) {
    fmt::print("no data: this client trains nothing\n");
  } else {
    fmt::print("{} rows\n", description.rows);
  }
  if (!description.shape.empty()) {
    fmt::print("images of {}\n", fmt::join(description.shape, " x "));
  }
  for (const data::ColumnDescription& column : description.columns) {
    fmt::print("  {:<24} {:<9} {:>8} missing   {}\n", column.name, name(column.kind),
               column.missing, details(column));
  }
  if (!description.classes.empty()) fmt::print("{} classes\n", description.classes.size());
  for (const auto& [label, rows] : description.classes) {
    fmt::print("  {:<24} {:>9} rows\n", label, rows);
  }
}

void print(const config::ClientSpec& spec, const data::Description& description,
           const std::optional<Fit>& fit, const StateFound& state) {
  print_data(spec, description);
  if (fit) {
    fmt::print("the job fits: {} rows to train on, {} to test with, {} features a row\n",
               fit->train_rows, fit->test_rows, fit->inputs);
  }
  fmt::print("\nWhat leaves this machine when it takes part in a job:\n");
  for (const std::string& line : leaves_lines(spec, job_of(fit))) fmt::print("  - {}\n", line);
  fmt::print("What never leaves it:\n");
  for (const std::string& line : stays_lines(spec)) fmt::print("  - {}\n", line);
  print_lines("\nWhat this site lends:", limits_lines(spec, unix_seconds()));
  print_lines("Jobs that it agrees to:", agreement_lines(spec.jobs));
  print_lines("Its state:", state_lines(spec, state));
}

Json to_json(const data::Counts& counts) {
  Json json = Json::object();
  for (const auto& [value, rows] : counts) json[value] = rows;
  return json;
}

void print_json(const config::ClientSpec& spec, const data::Description& description,
                const std::optional<Fit>& fit, const StateFound& state) {
  Json columns = Json::array();
  for (const data::ColumnDescription& column : description.columns) {
    Json json = {{"name", column.name},
                 {"kind", name(column.kind)},
                 {"present", column.present},
                 {"missing", column.missing},
                 {"values", to_json(column.counts)}};
    if (column.kind == data::ColumnDescription::Kind::number) {
      json["min"] = column.min;
      json["mean"] = column.mean;
      json["max"] = column.max;
    }
    columns.push_back(json);
  }
  Json json = {{"rows", description.rows},
               {"columns", columns},
               {"classes", to_json(description.classes)},
               {"leaves", leaves_lines(spec, job_of(fit))},
               {"limits", limits_json(spec, unix_seconds())},
               {"keys", {{"found", state.has_keys}, {"held", state.holds_key}}},
               {"privacy", privacy_json(spec, state.privacy)},
               {"warnings", state.warnings},
               {"stays", stays_lines(spec)}};
  if (!description.shape.empty()) json["shape"] = description.shape;
  if (fit) {
    json["job"] = {{"train_rows", fit->train_rows},
                   {"test_rows", fit->test_rows},
                   {"inputs", fit->inputs},
                   {"number_columns", fit->number_columns}};
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int run(const cli::Arguments& arguments) {
  const auto spec = load_config(arguments);
  if (!spec) return cli::bad_usage;
  const auto description = spec->data.empty() ? Result<data::Description>(data::Description{})
                                              : data::describe(spec->data);
  if (!description) return cli::fail(arguments, description.error(), cli::bad_usage);
  const auto state = look_at_state(*spec);
  if (!state) return cli::fail(arguments, state.error());
  std::optional<Fit> fitted;
  if (arguments.has("job")) {
    const auto job = config::load_job_file(arguments.text("job"));
    if (!job) return fail(arguments, arguments.text("job"), job.error());
    const auto result = fit(*job, *spec);
    if (!result) return cli::fail(arguments, result.error(), cli::bad_usage);
    fitted = *result;
  }
  if (arguments.json()) {
    print_json(*spec, *description, fitted, *state);
  } else {
    print(*spec, *description, fitted, *state);
  }
  return cli::done;
}

}  // namespace

cli::Command check_command() {
  return {"check",
          "--config FILE [--job FILE]",
          "read the data; say what is in it, what would leave the machine and what never does",
          [](cli::options::options_description& options) {
            add_config_option(options);
            options.add_options()("job", cli::options::value<std::string>(),
                                  "also check the data against this job file");
          },
          {},
          run};
}

}  // namespace fed::app
