// The typed form of a server file (`server.json`). The keys, their ranges and their defaults are in
// schemas/server.schema.json and configs/README.md; a ServerSpec made with no arguments has every
// default.
//
// Plain values; copy freely, share const.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/log.h"
#include "config/problem.h"

namespace fed::config {

struct LogSpec {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;

  bool operator==(const LogSpec&) const = default;
};

struct LimitsSpec {
  std::int64_t connections_max = 4096;
  std::uint64_t memory_bytes_max = 0;  // 0 = 80 % of the machine's memory
  std::uint64_t upload_bytes_max = 0;  // 0 = derived from the job's model
  double handshake_s = 5;              // a peer must be authenticated by then
  double idle_s = 120;                 // no byte moved for so long: the connection is closed

  bool operator==(const LimitsSpec&) const = default;
};

struct ServerSpec {
  std::string listen = "0.0.0.0:7600";  // HOST:PORT; port 0 = any free one
  std::string advertise;                // HOST:PORT put in join codes; empty = as `listen`
  std::filesystem::path state_dir = "/var/lib/fedserver";
  std::filesystem::path admin_socket = "/run/fedserver/admin.sock";
  int io_threads = 0;       // 0 = one a core
  int compute_threads = 0;  // 0 = one a core
  Durability durability = Durability::power;
  double drain_s = 60;  // how long SIGTERM waits for the round to finish
  LimitsSpec limits;
  LogSpec log;

  bool operator==(const ServerSpec&) const = default;
};

// Reads the text of a server file. Relative paths are taken from `folder` (as they are, if it is
// empty).
Checked<ServerSpec> parse_server(std::string_view text, const std::filesystem::path& folder = {});

// The same for a file; relative paths are taken from the folder that it is in.
Checked<ServerSpec> load_server_file(const std::filesystem::path& path);

// A complete file, for people: every key, indented, ended by a newline. parse_server gives `spec`
// back.
std::string to_text(const ServerSpec& spec);

}  // namespace fed::config
