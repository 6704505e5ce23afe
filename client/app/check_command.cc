#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/config_file.h"
#include "app/local_job.h"
#include "app/site_text.h"
#include "base/clock.h"
#include "data/encode.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;

// What the site's agreement lets leave.
std::vector<std::string> leaves_of(const config::AgreementSpec& jobs) {
  std::vector<std::string> lines{
      "of each round: the update, one number for each weight of the model, sealed to the server",
      "how many rows this machine trains on"};
  if (jobs.metrics) {
    lines.emplace_back(
        "how good the server's model is on the rows kept aside (loss, accuracy, ...)");
    lines.emplace_back("the mean loss of the training");
  }
  if (jobs.statistics) {
    lines.emplace_back(
        "if the job scales its inputs federated: count, sum and sum of squares of each number "
        "column");
  }
  return lines;
}

constexpr const char* kStays[] = {
    "the rows, the labels, the files and their names",
    "single values, even in error messages",
};

// What a job would read.
struct Fit {
  std::int64_t train_rows = 0, test_rows = 0, inputs = 0;
  std::size_t number_columns = 0;
};

Result<Fit> fit(const config::JobSpec& job, const config::DataSpec& data,
                const session::Agreement& agreement) {
  FED_ASSIGN(model, model::make_model(job.model));
  FED_TRY(agreement.check(job, model->layout().size() * sizeof(float)));
  FED_ASSIGN(source, data::open(data, expectation_of(job, *model)));
  if (source->inputs() != model->inputs()) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the job's model takes {} features a row; the data has {}",
                             model->inputs(), source->inputs())};
  }
  FED_TRY(agreement.check_rows(source->train_rows()));
  FED_ASSIGN(sums, source->statistics());
  return Fit{source->train_rows(), source->test_rows(), source->inputs(), sums.size() / 3};
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

void print_lines(const char* title, const std::vector<std::pair<std::string, std::string>>& lines) {
  fmt::print("{}\n", title);
  for (const auto& [name, text] : lines) fmt::print("  {:<10} {}\n", name, text);
}

void print(const config::ClientSpec& spec, const data::Description& description,
           const std::optional<Fit>& fit) {
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
  if (fit) {
    fmt::print("the job fits: {} rows to train on, {} to test with, {} features a row\n",
               fit->train_rows, fit->test_rows, fit->inputs);
  }
  fmt::print("\nWhat leaves this machine when it takes part in a job:\n");
  for (const std::string& line : leaves_of(spec.jobs)) fmt::print("  - {}\n", line);
  fmt::print("What never leaves it:\n");
  for (const char* line : kStays) fmt::print("  - {}\n", line);
  print_lines("\nWhat this site lends:", limits_lines(spec, unix_seconds()));
  print_lines("Jobs that it agrees to:", agreement_lines(spec.jobs));
}

Json to_json(const data::Counts& counts) {
  Json json = Json::object();
  for (const auto& [value, rows] : counts) json[value] = rows;
  return json;
}

void print_json(const config::ClientSpec& spec, const data::Description& description,
                const std::optional<Fit>& fit) {
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
               {"leaves", leaves_of(spec.jobs)},
               {"limits", limits_json(spec, unix_seconds())},
               {"stays", kStays}};
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
  std::optional<Fit> fitted;
  if (arguments.has("job")) {
    const auto job = config::load_job_file(arguments.text("job"));
    if (!job) return fail(arguments, arguments.text("job"), job.error());
    const auto result = fit(*job, spec->data, session::Agreement(spec->jobs));
    if (!result) return cli::fail(arguments, result.error(), cli::bad_usage);
    fitted = *result;
  }
  if (arguments.json()) {
    print_json(*spec, *description, fitted);
  } else {
    print(*spec, *description, fitted);
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
