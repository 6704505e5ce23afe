#include "config/server.h"

#include "config/read.h"

namespace fed::config {
namespace {

constexpr Name<Durability> durabilities[] = {{Durability::power, "power"},
                                             {Durability::process, "process"}};
constexpr Name<log::Level> levels[] = {{log::Level::debug, "debug"},
                                       {log::Level::info, "info"},
                                       {log::Level::warning, "warning"},
                                       {log::Level::error, "error"}};
constexpr Name<log::Format> formats[] = {
    {log::Format::text, "text"}, {log::Format::json, "json"}, {log::Format::journald, "journald"}};

LimitsSpec read_limits(const Json& section) {
  return {.connections_max = section.at("connections_max"),
          .memory_bytes_max = section.at("memory_bytes_max"),
          .upload_bytes_max = section.at("upload_bytes_max"),
          .handshake_s = section.at("handshake_s"),
          .idle_s = section.at("idle_s")};
}

Problems check(const Examined& file, const std::filesystem::path& folder) {
  Problems problems;
  const std::string range = "has a port out of range; allowed: a port from ";
  if (file.has_whole("listen") && !port_fits(file.document["listen"], 0)) {
    problems.push_back({"/listen", range + "0 to 65535"});
  }
  if (file.has_whole("advertise") && !port_fits(file.document["advertise"], 1)) {
    problems.push_back({"/advertise", range + "1 to 65535"});
  }
  if (!file.has_whole("admin_socket")) return problems;
  const std::filesystem::path socket = path_at(file.document, "admin_socket", folder);
  constexpr std::size_t socket_bytes_max = 107;  // unix(7): sun_path without its end
  if (socket.native().size() > socket_bytes_max) {
    problems.push_back({"/admin_socket", "is too long as \"" + socket.string() +
                                             "\"; allowed: a path of at most 107 bytes"});
  }
  return problems;
}

}  // namespace

LogSpec read_log(const Json& section) {
  return {.level = read_enum(section, "level", levels),
          .format = read_enum(section, "format", formats)};
}

OrderedJson log_to_json(const LogSpec& spec) {
  return {{"level", name_in(spec.level, levels)}, {"format", name_in(spec.format, formats)}};
}

bool port_fits(const std::string& address, int least) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  return port >= least && port <= 65535;
}

Checked<ServerSpec> parse_server(std::string_view text, const std::filesystem::path& folder) {
  FED_ASSIGN(document, validate(Kind::server, text,
                                [&](const Examined& file) { return check(file, folder); }));
  return ServerSpec{.listen = document.at("listen"),
                    .advertise = document.value("advertise", ""),
                    .state_dir = path_at(document, "state_dir", folder),
                    .admin_socket = path_at(document, "admin_socket", folder),
                    .io_threads = document.at("io_threads"),
                    .compute_threads = document.at("compute_threads"),
                    .durability = read_enum(document, "durability", durabilities),
                    .drain_s = document.at("drain_s"),
                    .limits = read_limits(document.at("limits")),
                    .log = read_log(document.at("log"))};
}

Checked<ServerSpec> load_server_file(const std::filesystem::path& path) {
  FED_ASSIGN(text, read_text(path));
  return parse_server(text, std::filesystem::absolute(path).parent_path());
}

std::string to_text(const ServerSpec& spec) {
  OrderedJson file;
  file["listen"] = spec.listen;
  if (!spec.advertise.empty()) file["advertise"] = spec.advertise;
  file["state_dir"] = spec.state_dir.string();
  file["admin_socket"] = spec.admin_socket.string();
  file["io_threads"] = spec.io_threads;
  file["compute_threads"] = spec.compute_threads;
  file["durability"] = name_in(spec.durability, durabilities);
  file["drain_s"] = spec.drain_s;
  file["limits"] = {{"connections_max", spec.limits.connections_max},
                    {"memory_bytes_max", spec.limits.memory_bytes_max},
                    {"upload_bytes_max", spec.limits.upload_bytes_max},
                    {"handshake_s", spec.limits.handshake_s},
                    {"idle_s", spec.limits.idle_s}};
  file["log"] = log_to_json(spec.log);
  return pretty(file);
}

}  // namespace fed::config
