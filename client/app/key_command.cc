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
  const bool is_there = real_disk().inspect(file).has_value();
  const auto key = load_or_create_decryption_key(real_disk(), file);
  if (!key) return cli::fail(arguments, key.error());
  const std::string text = coding::to_text(key->public_key());
  if (arguments.json()) {
    const nlohmann::json json = {
        {"secret_key", file.string()}, {"public_key", text}, {"made", !is_there}};
    fmt::print("{}\n", json.dump());
  } else {
    // Beside the output, which is the public key for a script to take.
    fmt::print(stderr, "{} {}\n", is_there ? "the key in" : "made a new key in", file.string());
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
