#include "config/client.h"

#include "config/checks.h"
#include "config/read.h"

namespace fed::config {
namespace {

constexpr Name<ClientSpec::Cipher> ciphers[] = {{ClientSpec::Cipher::aesgcm, "aesgcm"},
                                                {ClientSpec::Cipher::chachapoly, "chachapoly"}};

// Such a client needs no data.
bool holds_key(const Json& jobs) { return jobs["homomorphic_encryption"]["secret_key"] != ""; }

Problems check(const Examined& file) {
  const Json& document = file.document;
  Problems problems;
  if (file.has_whole("server") && !port_fits(document["server"], 1)) {
    problems.push_back({"/server", "has a port out of range; allowed: a port from 1 to 65535"});
  }
  if (file.has_whole("limits")) check_site_limits(document["limits"], "/limits", problems);
  if (file.has_whole("jobs")) check_agreement(document["jobs"], "/jobs", problems);
  if (file.has_whole("data")) check_data(read_data(document["data"], {}), "/data", problems);
  if (!document.contains("data") && file.has_whole("jobs") && !holds_key(document["jobs"])) {
    problems.push_back({"/data", "is missing; needed: an object"});
  }
  return problems;
}

}  // namespace

Checked<ClientSpec> parse_client(std::string_view text, const std::filesystem::path& folder) {
  FED_ASSIGN(document, validate(Kind::client, text, check));
  return ClientSpec{
      .server = document.at("server"),
      .server_key = document.at("server_key"),
      .name = document.value("name", ""),
      .cipher = read_enum(document, "cipher", ciphers),
      .state_dir = path_at(document, "state_dir", folder),
      .threads = document.at("threads"),
      .idle_s = document.at("idle_s"),
      .reconnect_s_max = document.at("reconnect_s_max"),
      .limits = read_site_limits(document.at("limits")),
      .jobs = read_agreement(document.at("jobs"), folder),
      .log = read_log(document.at("log")),
      .data = document.contains("data") ? read_data(document["data"], folder) : DataSpec{}};
}

Checked<ClientSpec> load_client_file(const std::filesystem::path& path) {
  FED_ASSIGN(text, read_text(path));
  return parse_client(text, std::filesystem::absolute(path).parent_path());
}

std::string to_text(const ClientSpec& spec) {
  OrderedJson file;
  file["server"] = spec.server;
  file["server_key"] = spec.server_key;
  if (!spec.name.empty()) file["name"] = spec.name;
  file["cipher"] = name_in(spec.cipher, ciphers);
  file["state_dir"] = spec.state_dir.string();
  file["threads"] = spec.threads;
  file["idle_s"] = spec.idle_s;
  file["reconnect_s_max"] = spec.reconnect_s_max;
  file["limits"] = site_limits_to_json(spec.limits);
  file["jobs"] = agreement_to_json(spec.jobs);
  file["log"] = log_to_json(spec.log);
  if (!spec.data.empty()) file["data"] = data_to_json(spec.data);
  return pretty(file);
}

}  // namespace fed::config
