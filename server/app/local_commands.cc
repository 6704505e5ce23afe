#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/daemon.h"
#include "app/identity.h"
#include "app/plan.h"
#include "base/log.h"
#include "cli/service.h"
#include "config/client.h"
#include "config/document.h"
#include "config/job.h"
#include "config/server.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;

const fs::path kSystemState = "/var/lib/fedserver";

Result<std::string> write_new_config(const config::ServerSpec& spec, const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    return Error{ErrorCode::already_exists, path.string() + " exists; it is not overwritten"};
  }
  FED_TRY(replace_file(path, view(config::to_text(spec)), Durability::power, 0644));
  return path.string();
}

Result<Json> make_state(const cli::Arguments& arguments) {
  config::ServerSpec spec;
  std::error_code error;
  spec.state_dir = fs::absolute(arguments.text("state"), error);
  if (arguments.has("listen")) spec.listen = arguments.text("listen");
  if (spec.state_dir != kSystemState) spec.admin_socket = spec.state_dir / "admin.sock";
  const fs::path file =
      arguments.has("config") ? fs::path(arguments.text("config")) : spec.state_dir / "server.json";
  const auto checked = config::parse_server(config::to_text(spec));
  if (!checked) return Error{ErrorCode::invalid, config::format_problems("init", checked.error())};
  FED_TRY(make_folder(spec.state_dir));
  const fs::path key_file = spec.state_dir / "server.key";
  if (fs::exists(key_file, error)) {
    return Error{ErrorCode::already_exists,
                 key_file.string() +
                     " exists: this folder has an identity already, which is not overwritten"};
  }
  FED_ASSIGN(config_path, write_new_config(spec, file));
  FED_TRY(crypto::create_key_file(real_disk(), key_file, crypto::SecretKey::random()));
  FED_ASSIGN(identity, load_identity(real_disk(), spec.state_dir));
  Json made = {{"state", spec.state_dir.string()},
               {"config", config_path},
               {"public_key", to_base64url(identity.public_key())}};
  return {boost::system::in_place_value, std::move(made)};
}

int init(const cli::Arguments& arguments) {
  const auto made = make_state(arguments);
  if (!made) return cli::fail(arguments, made.error());
  if (arguments.json()) {
    std::cout << made->dump() << "\n";
    return cli::done;
  }
  std::cout << "state folder  " << (*made)["state"].get<std::string>() << "\n"
            << "config file   " << (*made)["config"].get<std::string>() << "\n"
            << "public key    " << (*made)["public_key"].get<std::string>() << "\n\n"
            << "Start it with `fedserver run --config " << (*made)["config"].get<std::string>()
            << "`.\n";
  return cli::done;
}

int run(const cli::Arguments& arguments) {
  const std::string file = arguments.text("config");
  const auto spec = config::load_server_file(file);
  if (!spec) {
    std::cerr << config::format_problems(file, spec.error());
    return cli::bad_usage;
  }
  log::set_up(spec->log.level, cli::log_format(spec->log.format));
  const Status status = run_daemon(*spec, file);
  if (status) return cli::done;
  log::error("{}", status.error().detail);
  return cli::refused;
}

struct Findings {
  config::Problems problems;
  std::vector<std::string> notes;  // of a file that is good
};

// All that submitting it would find, but for what depends on the server and its clients.
Findings findings_in_job(std::string_view text, const fs::path& folder) {
  auto spec = config::parse_job(text, folder);
  if (!spec) return {spec.error(), {}};
  const auto plan = make_plan(std::move(*spec));
  if (!plan) return {{{"", plan.error().detail}}, {}};
  return {{}, (*plan)->notes()};
}

Findings findings_in(const std::string& file) {
  const auto text = config::read_text(file);
  if (!text) return {text.error(), {}};
  const auto kind = config::guess_kind(*text);
  if (!kind) {
    const auto parsed = config::parse_json(*text);
    if (!parsed) return {parsed.error(), {}};
    return {{{"", "is neither a server, a job nor a client file"}}, {}};
  }
  const fs::path folder = fs::path(file).parent_path();
  switch (*kind) {
    case config::Kind::server: {
      const auto spec = config::parse_server(*text, folder);
      return {spec ? config::Problems() : spec.error(), {}};
    }
    case config::Kind::job:
      return findings_in_job(*text, folder);
    case config::Kind::client: {
      const auto spec = config::parse_client(*text, folder);
      return {spec ? config::Problems() : spec.error(), {}};
    }
  }
  return {};
}

int check(const cli::Arguments& arguments) {
  bool all_good = true;
  Json report = Json::array();
  for (const std::string& file : arguments.get<std::vector<std::string>>("files")) {
    const auto [problems, notes] = findings_in(file);
    all_good = all_good && problems.empty();
    Json list = Json::array();
    for (const config::Problem& p : problems)
      list.push_back({{"pointer", p.pointer}, {"message", p.message}});
    report.push_back({{"file", file}, {"problems", list}, {"notes", notes}});
    if (arguments.json()) continue;
    if (problems.empty()) std::cout << file << ": good\n";
    for (const std::string& note : notes) std::cout << file << ": note: " << note << "\n";
    std::cerr << config::format_problems(file, problems);
  }
  if (arguments.json()) std::cout << report.dump() << "\n";
  return all_good ? cli::done : cli::bad_usage;
}

int schema(const cli::Arguments& arguments) {
  const auto kind = config::kind_from(arguments.text("kind"));
  if (!kind) {
    return cli::fail(arguments, {ErrorCode::invalid, "the schemas are: server, job, client"},
                     cli::bad_usage);
  }
  std::cout << config::schema_text(*kind);
  return cli::done;
}

}  // namespace

std::vector<cli::Command> local_commands() {
  namespace po = cli::options;
  const auto text = [] { return po::value<std::string>(); };
  return {
      {"init",
       "--state DIR",
       "make the state folder, the identity and a complete server.json",
       [text](po::options_description& add) {
         add.add_options()("state", text()->required(), "folder for all that the server keeps")(
             "listen", text(), "HOST:PORT to listen on (0.0.0.0:7600)")(
             "config", text(), "where to write the config file (DIR/server.json)");
       },
       {},
       init},
      {"run",
       "--config FILE",
       "run the daemon, in the foreground",
       [text](po::options_description& add) {
         add.add_options()("config", text()->required(), "the server's config file");
       },
       {},
       run},
      {"check",
       "FILE...",
       "say what is wrong with server, job or client files",
       {},
       {"files..."},
       check},
      {"schema",
       "server|job|client",
       "print the JSON Schema of a file, for editors",
       {},
       {"kind"},
       schema},
  };
}

}  // namespace fed::app
