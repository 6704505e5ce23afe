#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/join.h"

namespace fed::app {
namespace {

struct Plan {
  fs::path state, config;
  config::DataSpec data;
  bool force = false;
};

Error usage(std::string detail) { return {ErrorCode::invalid, std::move(detail)}; }

// "csv:PATH" or "idx:IMAGES,LABELS".
Result<config::DataSpec> data_from(const std::string& text, const std::string& label) {
  config::DataSpec data;
  data.label = label;
  const std::string rest = text.substr(std::min(text.find(':') + 1, text.size()));
  if (text.starts_with("csv:") && !rest.empty()) {
    data.path = fs::absolute(rest);
    return data;
  }
  const auto comma = rest.find(',');
  if (!text.starts_with("idx:") || comma == std::string::npos) {
    return usage("--data is \"" + text + "\"; allowed: csv:PATH or idx:IMAGES,LABELS");
  }
  data.format = config::DataSpec::Format::idx;
  data.label.clear();
  data.images = fs::absolute(rest.substr(0, comma));
  data.labels = fs::absolute(rest.substr(comma + 1));
  return data;
}

Result<Plan> plan_from(const cli::Arguments& arguments) {
  Plan plan;
  plan.state = fs::absolute(arguments.text("state"));
  plan.config =
      arguments.has("config") ? fs::path(arguments.text("config")) : plan.state / "client.json";
  plan.force = arguments.has("force");
  plan.data.path = "data.csv";
  plan.data.label = arguments.text("label");
  if (arguments.has("data")) {
    FED_ASSIGN(data, data_from(arguments.text("data"), arguments.text("label")));
    plan.data = std::move(data);
  }
  return plan;
}

config::ClientSpec spec_for(const Plan& plan, const channel::JoinCode& code,
                            const std::string& name) {
  config::ClientSpec spec;
  spec.server = code.address;
  spec.server_key = to_base64url(code.server);
  spec.name = name;
  const bool aes = channel::choose_suite(code.suites) == channel::Suite::aesgcm;
  spec.cipher = aes ? config::ClientSpec::Cipher::aesgcm : config::ClientSpec::Cipher::chachapoly;
  spec.state_dir = plan.state;
  spec.data = plan.data;
  return spec;
}

Result<std::string> join(const Plan& plan, const channel::JoinCode& code) {
  std::error_code error;
  if (!plan.force && fs::exists(plan.config, error)) {
    return Error{ErrorCode::already_exists, plan.config.string() +
                                                " is already there; name another file with "
                                                "--config, or replace it with --force"};
  }
  FED_ASSIGN(lock, lock_state(real_disk(), plan.state));
  FED_ASSIGN(keys, load_or_create_keys(real_disk(), plan.state));
  FED_ASSIGN(name, join_server(code, keys));
  if (plan.config.has_parent_path()) FED_TRY(make_folder(plan.config.parent_path()));
  const std::string text = config::to_text(spec_for(plan, code, name));
  FED_TRY(replace_file(plan.config, view(text), Durability::power, 0644));
  return name;
}

void say(const cli::Arguments& arguments, const Plan& plan, const std::string& name,
         const std::string& server) {
  if (arguments.json()) {
    const nlohmann::json json = {{"client", name},
                                 {"server", server},
                                 {"config", plan.config.string()},
                                 {"state_dir", plan.state.string()}};
    fmt::print("{}\n", json.dump());
    return;
  }
  const std::string file = plan.config.string();
  const char* data = arguments.has("data") ? "See that it names the columns as your file does"
                                           : "Say where the data lies";
  fmt::print("Joined {} as {}.\n\nNext:\n", server, name);
  fmt::print("  1. {} (\"data\" in {}).\n", data, file);
  fmt::print("  2. fedclient check --config {}\n", file);
  fmt::print("  3. fedclient run --config {}\n", file);
}

int run(const cli::Arguments& arguments) {
  const auto plan = plan_from(arguments);
  if (!plan) return cli::fail(arguments, plan.error(), cli::bad_usage);
  const auto code = channel::decode_join_code(arguments.text("code"));
  if (!code) return cli::fail(arguments, code.error(), cli::bad_usage);
  const auto name = join(*plan, *code);
  if (!name) return cli::fail(arguments, name.error());
  say(arguments, *plan, *name, code->address);
  return cli::done;
}

void add_options(cli::options::options_description& options) {
  const auto text = [] { return cli::options::value<std::string>(); };
  options.add_options()("state", text()->required(), "folder for this client's keys and outbox")(
      "config", text(), "the client file to write; default: client.json in the state folder")(
      "data", text(), "where the data lies: csv:PATH or idx:IMAGES,LABELS; can be edited later")(
      "label", text()->default_value("label"), "csv: the job's name of the label's column")(
      "force", "replace the client file if it is there");
}

}  // namespace

cli::Command join_command() {
  return {"join",
          "CODE --state DIR [--config FILE]",
          "make this client's keys, join the server that gave CODE, write the client file",
          add_options,
          {"code"},
          run};
}

}  // namespace fed::app
