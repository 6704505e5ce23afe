#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/config_file.h"
#include "app/local_job.h"
#include "app/model_file.h"
#include "model/metrics.h"
#include "tensor/kernels.h"

namespace fed::app {
namespace {

Result<model::Metrics> evaluate(const ModelFile& file, config::DataSpec data, bool all) {
  if (all) {
    data.test_fraction = 1;
    data.test_path = data.test_images = data.test_labels = fs::path();
  }
  FED_ASSIGN(source, data::open(data, expectation_of(file.job, *file.model)));
  if (source->inputs() != file.model->inputs()) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the model takes {} features a row; the data has {}",
                             file.model->inputs(), source->inputs())};
  }
  FED_ASSIGN(dataset, source->load(file.scaling));
  if (dataset.holdout.rows == 0) {
    return Error{ErrorCode::invalid,
                 "the data section keeps no rows for tests; use --all to take all of them"};
  }
  tensor::use_single_thread();
  model::Workspace workspace;
  return model::evaluate(*file.model, file.weights, dataset.holdout, workspace);
}

void print(const cli::Arguments& arguments, const model::Metrics& metrics) {
  nlohmann::json json = {{"examples", metrics.examples}};
  if (!arguments.json()) fmt::print("{:<9} {}\n", "rows", metrics.examples);
  for (const std::string_view name : model::metric_names()) {
    const auto value = model::value_of(metrics, name);
    if (!value) continue;
    json[std::string(name)] = *value;
    if (!arguments.json()) fmt::print("{:<9} {:.6g}\n", name, *value);
  }
  if (arguments.json()) fmt::print("{}\n", json.dump());
}

int run(const cli::Arguments& arguments) {
  const auto spec = load_config(arguments);
  if (!spec) return cli::bad_usage;
  const auto file = load_model_file(arguments.text("model"));
  if (!file) return cli::fail(arguments, file.error(), cli::bad_usage);
  const auto metrics = evaluate(*file, spec->data, arguments.has("all"));
  if (!metrics) return cli::fail(arguments, metrics.error(), cli::bad_usage);
  print(arguments, *metrics);
  return cli::done;
}

}  // namespace

cli::Command evaluate_command() {
  return {"evaluate",
          "--model FILE --config FILE",
          "judge a model on this machine's test rows",
          [](cli::options::options_description& options) {
            add_config_option(options);
            options.add_options()("model", cli::options::value<std::string>()->required(),
                                  "a .safetensors file that `fedserver export` wrote")(
                "all", "use all rows, not only those kept for tests");
          },
          {},
          run};
}

}  // namespace fed::app
