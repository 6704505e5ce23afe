#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/key_holder.h"
#include "base/disk.h"
#include "coding/encrypted_vector.h"

namespace fed::app {
namespace {

int run(const cli::Arguments& arguments) {
  const fs::path file = arguments.text("file");
  const auto key = load_or_create_decryption_key(real_disk(), file);
  if (!key) return cli::fail(arguments, key.error());
  const std::string text = coding::to_text(key->public_key());
  if (arguments.json()) {
    fmt::print("{}\n", nlohmann::json{{"secret_key", file.string()}, {"public_key", text}}.dump());
  } else {
    fmt::print("{}\n", text);
  }
  return cli::done;
}

}  // namespace

cli::Command key_command() {
  return {"key",
          "FILE",
          "make a key for homomorphic encryption, or read it, and print its public key",
          {},
          {"file"},
          run};
}

}  // namespace fed::app
