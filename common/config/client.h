// The typed form of a client file (`client.json`). The keys, their ranges and their defaults are in
// schemas/client.schema.json and configs/README.md.
//
// Plain values; copy freely, share const.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/data.h"
#include "config/problem.h"
#include "config/server.h"
#include "config/site.h"

namespace fed::config {

struct ClientSpec {
  enum class Cipher { aesgcm, chachapoly };

  std::string server;      // HOST:PORT
  std::string server_key;  // the server's public key, 43 characters of base64url
  std::string name;        // as invited; empty = the server knows it by the key alone
  Cipher cipher = Cipher::aesgcm;
  std::filesystem::path state_dir = "/var/lib/fedclient";
  int threads = 1;
  double idle_s = 120;          // no byte moved for so long: connect again
  double reconnect_s_max = 60;  // longest pause between two attempts
  SiteLimitsSpec limits;        // what the site lends
  AgreementSpec jobs;           // what it agrees to
  LogSpec log;
  DataSpec data;  // empty, if at all, of a client that holds a key (jobs.homomorphic_encryption)

  bool operator==(const ClientSpec&) const = default;
};

// Reads the text of a client file. Relative paths are taken from `folder` (as they are, if it is
// empty).
Checked<ClientSpec> parse_client(std::string_view text, const std::filesystem::path& folder = {});

// The same for a file; relative paths are taken from the folder that it is in.
Checked<ClientSpec> load_client_file(const std::filesystem::path& path);

// A complete file, for people: every key, indented, ended by a newline. parse_client gives `spec`
// back, if its `server`, `server_key` and `data` are filled.
std::string to_text(const ClientSpec& spec);

}  // namespace fed::config
