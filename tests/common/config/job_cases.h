// Good jobs, and what is wrong with them once they are changed.
#pragma once

#include "config/job.h"
#include "helpers.h"

namespace fed::config {

inline Json image_job() {
  return Json::parse(R"({"name": "a", "rounds": {"max": 5, "cohort": 4},
    "model": {"type": "mlp", "inputs": 3, "hidden": [4], "outputs": 2}})");
}

inline Json table_job() {
  return Json::parse(
      R"({"name": "a", "rounds": {"max": 5, "cohort": 4}, "model": {"type": "logistic"},
    "inputs": {"columns": [{"name": "age"}, {"name": "pain", "type": "category", "values": ["1", "2"]}],
               "label": {"name": "y", "classes": ["no", "yes"]}}})");
}

// `job` with the values of `patch`, merged as RFC 7396 says (null removes a key), has exactly these
// problems.
inline void expect(Json job, const std::string& patch, const Problems& problems) {
  INFO(patch);
  REQUIRE(parse_job(job.dump()).has_value());
  job.merge_patch(Json::parse(patch));
  const auto parsed = parse_job(job.dump());
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error() == problems);
}

}  // namespace fed::config
