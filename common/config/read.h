// Small readers from JSON that has passed its schema to the typed forms, and back. For the .cc
// files of this folder.
//
// Free functions; thread-safe.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "config/data.h"
#include "config/document.h"
#include "config/job.h"
#include "config/problem.h"
#include "config/server.h"
#include "config/site.h"

namespace fed::config {

using OrderedJson =
    nlohmann::ordered_json;  // keys in the order in which a person wants to read them

// A file as people write it. A folder whose name is no UTF-8 is written with replacement
// characters.
inline std::string pretty(const OrderedJson& file) {
  return file.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

// One enumerator and its name in the files.
template <class E>
using Name = std::pair<E, const char*>;

// The enumerator named by the text at `key`; the schema's enum holds the same names.
template <class E, std::size_t N>
E read_enum(const Json& object, const char* key, const Name<E> (&names)[N]) {
  const auto& text = object.at(key).get_ref<const std::string&>();
  for (const auto& [value, name] : names) {
    if (text == name) return value;
  }
  FED_CHECK(false);
}

template <class E, std::size_t N>
const char* name_in(E value, const Name<E> (&names)[N]) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  FED_CHECK(false);
}

// Both in a job and in what a site asks of one.
inline constexpr Name<SecureAggregationSpec::Adversary> adversaries[] = {
    {SecureAggregationSpec::Adversary::curious, "curious"},
    {SecureAggregationSpec::Adversary::semi_malicious, "semi_malicious"}};

LogSpec read_log(const Json& section);
OrderedJson log_to_json(const LogSpec& spec);

// A `data` section of a client or of `evaluation`; keys that the latter does not have are left at
// "no test rows kept".
DataSpec read_data(const Json& section, const std::filesystem::path& folder);
OrderedJson data_to_json(const DataSpec& spec);

// The sections `limits` and `jobs` of a client, and what a schema cannot say of them.
SiteLimitsSpec read_site_limits(const Json& section);
OrderedJson site_limits_to_json(const SiteLimitsSpec& spec);
void check_site_limits(const Json& section, const std::string& pointer, Problems& problems);
AgreementSpec read_agreement(const Json& section, const std::filesystem::path& folder);
OrderedJson agreement_to_json(const AgreementSpec& spec);
void check_agreement(const Json& section, const std::string& pointer, Problems& problems);

// Adds a problem for each text of a list that an earlier item has already.
void check_distinct(const Json& list, const std::string& pointer, Problems& problems);

// Whether the port of "HOST:PORT" is from `least` to 65535; the schema has checked the shape.
bool port_fits(const std::string& address, int least);

}  // namespace fed::config
