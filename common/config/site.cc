#include "config/site.h"

#include <algorithm>
#include <set>

#include "config/read.h"

namespace fed::config {
namespace {

constexpr const char* kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

using Peers = SecureAgreementSpec::Peers;
constexpr Name<Peers> peers[] = {{Peers::first_use, "first_use"}, {Peers::pinned, "pinned"}};

// A rate below this is a slip of the unit, not a wish.
constexpr double kMbitLeast = 0.01;

int minutes_of(const std::string& clock) {  // "20:30"; the schema has checked the shape
  return std::stoi(clock.substr(0, 2)) * 60 + std::stoi(clock.substr(3));
}

std::string clock_of(int minutes) {
  const auto two = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return two(minutes / 60) + ":" + two(minutes % 60);
}

HoursSpec read_window(const Json& item) {
  HoursSpec window;
  window.from_min = minutes_of(item.at("from"));
  window.to_min = minutes_of(item.at("to"));
  for (std::size_t day = 0; day < 7; ++day) {
    const Json& days = item.at("days");
    window.days[day] = std::find(days.begin(), days.end(), kDays[day]) != days.end();
  }
  return window;
}

OrderedJson window_to_json(const HoursSpec& window) {
  OrderedJson item;
  item["from"] = clock_of(window.from_min);
  item["to"] = clock_of(window.to_min);
  item["days"] = OrderedJson::array();
  for (std::size_t day = 0; day < 7; ++day) {
    if (window.days[day]) item["days"].push_back(kDays[day]);
  }
  return item;
}

// "mon-fri", "mon,wed", or nothing for all seven.
std::string days_text(const std::array<bool, 7>& days) {
  std::string text;
  bool all = true;
  for (std::size_t first = 0; first < 7; ++first) {
    all = all && days[first];
    if (!days[first]) continue;
    std::size_t last = first;
    while (last + 1 < 7 && days[last + 1]) ++last;
    text += (text.empty() ? "" : ",") + std::string(kDays[first]);
    if (last > first) text += (last > first + 1 ? "-" : ",") + std::string(kDays[last]);
    first = last;
  }
  return all ? "" : text + " ";
}

void check_window(const Json& item, const std::string& pointer, Problems& problems) {
  if (item.at("from") == item.at("to")) {
    problems.push_back({pointer + "/to", "is " + item.at("to").dump() +
                                             ", when the window begins; allowed: another time, "
                                             "\"24:00\" for the end of the day"});
  }
  check_distinct(item.at("days"), pointer + "/days", problems);
}

void check_rate(const Json& section, const std::string& pointer, const char* key,
                Problems& problems) {
  const double rate = section.at(key);
  if (rate == 0 || rate >= kMbitLeast) return;
  problems.push_back({step(pointer, key), "is " + section.at(key).dump() +
                                              "; allowed: 0 for no limit, or at least " +
                                              Json(kMbitLeast).dump()});
}

SecureAgreementSpec read_secure_agreement(const Json& section) {
  return {.required = section.at("required"),
          .clients_min = section.at("clients_min"),
          .adversary = read_enum(section, "adversary", adversaries),
          .corrupted_min = section.at("corrupted_min"),
          .peers = read_enum(section, "peers", peers)};
}

OrderedJson secure_agreement_to_json(const SecureAgreementSpec& spec) {
  return {{"required", spec.required},
          {"clients_min", spec.clients_min},
          {"adversary", name_in(spec.adversary, adversaries)},
          {"corrupted_min", spec.corrupted_min},
          {"peers", name_in(spec.peers, peers)}};
}

bool has(const Json& list, const char* item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

void check_distinct(const Json& list, const std::string& pointer, Problems& problems) {
  std::set<Json> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (seen.insert(list[i]).second) continue;
    problems.push_back(
        {step(pointer, std::to_string(i)), "is " + list[i].dump() + ", as an earlier item"});
  }
}

std::string hours_text(const std::vector<HoursSpec>& hours) {
  std::string text;
  for (const HoursSpec& window : hours) {
    text += (text.empty() ? "" : ", ") + days_text(window.days) + clock_of(window.from_min) + "-" +
            clock_of(window.to_min);
  }
  return text.empty() ? "always" : text;
}

SiteLimitsSpec read_site_limits(const Json& section) {
  SiteLimitsSpec spec;
  for (const Json& item : section.at("hours")) spec.hours.push_back(read_window(item));
  spec.upload_mbit_s_max = section.at("upload_mbit_s_max");
  spec.download_mbit_s_max = section.at("download_mbit_s_max");
  spec.nice = section.at("nice");
  return spec;
}

OrderedJson site_limits_to_json(const SiteLimitsSpec& spec) {
  OrderedJson section;
  section["hours"] = OrderedJson::array();
  for (const HoursSpec& window : spec.hours) section["hours"].push_back(window_to_json(window));
  section["upload_mbit_s_max"] = spec.upload_mbit_s_max;
  section["download_mbit_s_max"] = spec.download_mbit_s_max;
  section["nice"] = spec.nice;
  return section;
}

void check_site_limits(const Json& section, const std::string& pointer, Problems& problems) {
  const Json& hours = section.at("hours");
  for (std::size_t i = 0; i < hours.size(); ++i) {
    check_window(hours[i], pointer + "/hours/" + std::to_string(i), problems);
  }
  check_rate(section, pointer, "upload_mbit_s_max", problems);
  check_rate(section, pointer, "download_mbit_s_max", problems);
}

AgreementSpec read_agreement(const Json& section, const std::filesystem::path& folder) {
  AgreementSpec spec;
  spec.names = section.at("names").get<std::vector<std::string>>();
  spec.names_declined = section.at("names_declined").get<std::vector<std::string>>();
  spec.models = section.at("models").get<std::vector<std::string>>();
  const Json& leaves = section.at("leaves");
  spec.delta = has(leaves, "delta");
  spec.gradient = has(leaves, "gradient");
  spec.statistics = has(leaves, "statistics");
  spec.metrics = has(leaves, "metrics");
  spec.rows_min = section.at("rows_min");
  spec.update_bytes_max = section.at("update_bytes_max");
  const Json& privacy = section.at("privacy");
  spec.privacy = {.required = privacy.at("required"),
                  .epsilon_max = privacy.at("epsilon_max"),
                  .delta = privacy.at("delta")};
  spec.secure_aggregation = read_secure_agreement(section.at("secure_aggregation"));
  const Json& encryption = section.at("homomorphic_encryption");
  spec.homomorphic_encryption = {.public_key = encryption.at("public_key"),
                                 .secret_key = encryption.at("secret_key") == ""
                                                   ? std::filesystem::path()
                                                   : path_at(encryption, "secret_key", folder),
                                 .clients_min = encryption.at("clients_min")};
  return spec;
}

OrderedJson agreement_to_json(const AgreementSpec& spec) {
  OrderedJson section;
  section["names"] = spec.names;
  section["names_declined"] = spec.names_declined;
  section["models"] = spec.models;
  section["leaves"] = OrderedJson::array();
  if (spec.delta) section["leaves"].push_back("delta");
  if (spec.gradient) section["leaves"].push_back("gradient");
  if (spec.statistics) section["leaves"].push_back("statistics");
  if (spec.metrics) section["leaves"].push_back("metrics");
  section["rows_min"] = spec.rows_min;
  section["update_bytes_max"] = spec.update_bytes_max;
  section["privacy"] = {{"required", spec.privacy.required},
                        {"epsilon_max", spec.privacy.epsilon_max},
                        {"delta", spec.privacy.delta}};
  section["secure_aggregation"] = secure_agreement_to_json(spec.secure_aggregation);
  const HomomorphicAgreementSpec& encryption = spec.homomorphic_encryption;
  section["homomorphic_encryption"] = {{"public_key", encryption.public_key},
                                       {"secret_key", encryption.secret_key.string()},
                                       {"clients_min", encryption.clients_min}};
  return section;
}

void check_agreement(const Json& section, const std::string& pointer, Problems& problems) {
  for (const char* key : {"names", "names_declined", "models", "leaves"}) {
    check_distinct(section.at(key), step(pointer, key), problems);
  }
}

}  // namespace fed::config
