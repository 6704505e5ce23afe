#include <fmt/core.h>

#include <algorithm>

#include "app/client_commands.h"
#include "app/config_file.h"
#include "app/local_job.h"
#include "app/model_file.h"
#include "tensor/kernels.h"

namespace fed::app {
namespace {

constexpr std::int64_t kRowsAtOnce = 1024;

// How the input is read: as the client file says, if there is one, but all of its rows.
config::DataSpec data_for(const ModelFile& file, config::DataSpec data, const fs::path& input) {
  data.format = file.job.inputs ? config::DataSpec::Format::csv : data.format;
  data.path = data.images = input;
  data.labels = data.test_path = data.test_images = data.test_labels = fs::path();
  data.test_fraction = 0;
  if (file.job.inputs) data.label = file.job.inputs->label;
  return data;
}

// Without a client file: a table for a job with inputs, else images, unless the name says .csv.
config::DataSpec default_data(const ModelFile& file, const std::string& input) {
  config::DataSpec data;
  const bool csv = file.job.inputs || input.ends_with(".csv") || input.ends_with(".csv.gz");
  data.format = csv ? config::DataSpec::Format::csv : config::DataSpec::Format::idx;
  return data;
}

Result<model::Examples> read_rows(const ModelFile& file, const config::DataSpec& data) {
  data::Expectation expectation = expectation_of(file.job, *file.model);
  expectation.labels_required = false;
  FED_ASSIGN(source, data::open(data, expectation));
  if (source->inputs() != file.model->inputs()) {
    return Error{ErrorCode::mismatch,
                 fmt::format("the model takes {} features a row; the input has {}",
                             file.model->inputs(), source->inputs())};
  }
  FED_ASSIGN(dataset, source->load(file.scaling));
  return std::move(dataset.train);
}

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text.append(c == '"' ? 2 : 1, c);
  return text + "\"";
}

// A line for each row: the probability of each class and the likeliest one, or the value.
class Lines {
 public:
  explicit Lines(const ModelFile& file)
      : classes_(class_names(file)), outputs_(static_cast<std::size_t>(file.model->outputs())) {}

  std::string header() const {
    std::string line;
    for (const std::string& name : classes_) line += quoted("probability_" + name) + ",";
    return line + "predicted\n";
  }

  std::string row(std::span<const float> outputs) const {
    if (classes_.empty()) return fmt::format("{}\n", outputs[0]);
    std::vector<float> probabilities(outputs.begin(), outputs.end());
    if (outputs_ == 1) probabilities = {1 - outputs[0], outputs[0]};
    std::string line;
    for (const float probability : probabilities) line += fmt::format("{},", probability);
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    return line + quoted(classes_[static_cast<std::size_t>(best - probabilities.begin())]) + "\n";
  }

  std::size_t outputs() const { return outputs_; }

 private:
  std::vector<std::string> classes_;
  std::size_t outputs_;
};

Result<std::int64_t> predict(const ModelFile& file, const config::DataSpec& data,
                             const fs::path& output) {
  FED_ASSIGN(rows, read_rows(file, data));
  tensor::use_single_thread();
  model::Workspace workspace;
  const Lines lines(file);
  const fs::path temporary = output.string() + ".tmp";
  FED_TRY(remove_file(temporary));
  FED_ASSIGN(out, File::open_to_write(temporary));
  std::string text = lines.header();
  std::uint64_t written = 0;
  std::vector<float> values;
  for (std::int64_t row = 0; row < rows.rows; row += kRowsAtOnce) {
    const auto count = static_cast<std::size_t>(std::min(kRowsAtOnce, rows.rows - row));
    const auto width = static_cast<std::size_t>(rows.inputs);
    const auto features = std::span<const float>(rows.features)
                              .subspan(static_cast<std::size_t>(row) * width, count * width);
    values.resize(count * lines.outputs());
    file.model->predict(file.weights, features, static_cast<std::int64_t>(count), values,
                        workspace);
    for (std::size_t i = 0; i < count; ++i) {
      text += lines.row(std::span(values).subspan(i * lines.outputs(), lines.outputs()));
    }
    FED_TRY(out.write_at(written, view(text)));
    written += text.size();
    text.clear();
  }
  FED_TRY(out.write_at(written, view(text)));
  FED_TRY(rename_file(temporary, output, Durability::process));
  return rows.rows;
}

int run(const cli::Arguments& arguments) {
  const auto file = load_model_file(arguments.text("model"));
  if (!file) return cli::fail(arguments, file.error(), cli::bad_usage);
  const std::string input = arguments.text("input");
  config::DataSpec data = default_data(*file, input);
  if (arguments.has("config")) {
    const auto spec = load_config(arguments);
    if (!spec) return cli::bad_usage;
    data = spec->data;
  }
  const auto rows =
      predict(*file, data_for(*file, std::move(data), input), arguments.text("output"));
  if (!rows) return cli::fail(arguments, rows.error(), cli::bad_usage);
  const char* format = arguments.json() ? "{{\"rows\":{}}}\n" : "{} rows\n";
  fmt::print(fmt::runtime(format), *rows);
  return cli::done;
}

void add_options(cli::options::options_description& options) {
  const auto text = [] { return cli::options::value<std::string>(); };
  options.add_options()("model", text()->required(),
                        "a .safetensors file that `fedserver export` wrote")(
      "input", text()->required(), "rows: a CSV file, or images; the label may be absent")(
      "output", text()->required(), "CSV: probabilities and the predicted class, or the value")(
      "config", text(), "a client file, for its column names and delimiter");
}

}  // namespace

cli::Command predict_command() {
  return {"predict",
          "--model FILE --input FILE --output FILE",
          "use a model on rows of this machine",
          add_options,
          {},
          run};
}

}  // namespace fed::app
