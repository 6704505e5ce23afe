// The functions that models.def lists: one for each type, called by make_model.
#pragma once

#include "model/model.h"

namespace fed::model {

#define FED_MODEL(type) Result<std::unique_ptr<Model>> make_##type(const config::ModelSpec& spec);
#include "model/models.def"
#undef FED_MODEL

}  // namespace fed::model
