// A model as `fedserver export` writes it (.safetensors): the weights, and in the metadata the job
// and, where the job scales by all sites' columns, their means and deviations.
//
// Movable values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/job.h"
#include "data/source.h"
#include "model/model.h"
#include "tensor/safetensors.h"

namespace fed::app {

struct ModelFile {
  config::JobSpec job;
  std::unique_ptr<model::Model> model;
  tensor::Floats weights;
  std::vector<data::Scaling> scaling;  // of the number columns; empty unless federated
  tensor::Metadata metadata;
};

// ErrorCode::malformed, mismatch or invalid: not such a file, or its parts do not go together.
Result<ModelFile> load_model_file(const fs::path& path);

// The names of what the model can answer: the job's classes, "0", "1", ... for a job without
// inputs, or none for a number.
std::vector<std::string> class_names(const ModelFile& file);

}  // namespace fed::app
