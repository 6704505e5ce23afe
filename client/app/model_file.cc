#include "app/model_file.h"

#include <nlohmann/json.hpp>

#include "app/local_job.h"
#include "tensor/statistics.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;

constexpr const char* kJob = "job_text";
constexpr const char* kStatistics = "statistics";

Result<config::JobSpec> job_of(const tensor::Metadata& metadata) {
  const auto text = metadata.find(kJob);
  if (text == metadata.end()) {
    return Error{ErrorCode::malformed,
                 "its metadata has no job; use a file that `fedserver export` wrote"};
  }
  auto job = config::parse_job(text->second);
  if (job) return std::move(*job);
  return Error{ErrorCode::invalid, config::format_problems("the job in it", job.error())};
}

Result<std::vector<data::Scaling>> scaling_in(const tensor::Metadata& metadata,
                                              const config::JobSpec& job) {
  using Scaling = config::InputsSpec::Scaling;
  if (!job.inputs || job.inputs->scaling != Scaling::federated) return std::vector<data::Scaling>();
  const auto text = metadata.find(kStatistics);
  const Json json = text == metadata.end() ? Json() : Json::parse(text->second, nullptr, false);
  try {
    return scaling_of(json.at("means").get<std::vector<double>>(),
                      json.at("deviations").get<std::vector<double>>());
  } catch (const Json::exception&) {
    return Error{ErrorCode::malformed,
                 "its metadata has no means and deviations, which the job's scaling needs"};
  }
}

Result<ModelFile> load(const fs::path& path) {
  FED_ASSIGN(reader, tensor::SafetensorsReader::open(path));
  FED_ASSIGN(job, job_of(reader.metadata()));
  if (job.model.inputs == 0 && job.inputs) job.model.inputs = encoded_width(*job.inputs);
  FED_ASSIGN(model, model::make_model(job.model));
  FED_ASSIGN(scaling, scaling_in(reader.metadata(), job));
  tensor::Floats weights(model->layout().size());
  FED_TRY(reader.read(model->layout(), weights));
  if (!tensor::all_finite(weights)) {
    return Error{ErrorCode::invalid, "it has weights that are not finite"};
  }
  return ModelFile{std::move(job), std::move(model), std::move(weights), std::move(scaling),
                   reader.metadata()};
}

}  // namespace

Result<ModelFile> load_model_file(const fs::path& path) {
  auto file = load(path);
  if (!file) return within(path.string(), file.error());
  return file;
}

std::vector<std::string> class_names(const ModelFile& file) {
  if (file.job.inputs) return file.job.inputs->classes;
  std::vector<std::string> names;
  const std::int64_t classes = model::class_count(file.model->loss(), file.model->outputs());
  for (std::int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace fed::app
