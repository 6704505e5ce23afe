#include <fmt/ranges.h>

#include <iostream>

#include "app/client_commands.h"
#include "app/client_daemon.h"
#include "app/config_file.h"
#include "app/priority.h"
#include "app/privacy_text.h"
#include "app/state_records.h"
#include "base/access.h"
#include "base/log.h"
#include "cli/service.h"

namespace fed::app {
namespace {

// Under a service manager the journal wants its own prefixes, unless the file asks for JSON.
void set_up_log(const config::LogSpec& spec) {
  const bool journal = cli::logs_to_journal() && spec.format == log::Format::text;
  log::set_up(spec.level, journal ? log::Format::journald : spec.format);
}

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 5;
  const bool all = names.size() <= kNamed;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(all ? names.size() : kNamed);
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), all ? "" : ", ...");
}

void report(const session::Outbox::Findings& found, const fs::path& folder) {
  if (!found.in_clear.empty()) {
    log::warning(
        "an earlier version kept trained updates in clear, which are sealed now; what the disk "
        "still holds of the old files is not: {}",
        joined(found.in_clear));
  }
  if (!found.other_key.empty()) {
    log::warning(
        "trained updates in {} are sealed with another key than this client.key and cannot be "
        "read; they stay there in case the key comes back, and their tasks are done again: {}",
        folder.string(), joined(found.other_key));
  }
  if (!found.damaged.empty()) {
    log::warning("trained updates are not whole; they are removed and their tasks done again: {}",
                 joined(found.damaged));
  }
}

// What would else be found at the first task that needs it.
void look_at_state(Disk& disk, const config::ClientSpec& spec) {
  if (const auto open = open_to_others(disk, spec.state_dir)) log::warning("{}", *open);
  for (const Error& damaged : damaged_records(disk, spec)) log::error("{}", damaged.detail);
  const auto privacy = ledger_of(spec).overview();
  if (!privacy) return log::error("{}", privacy.error().detail);
  const std::string spent = spent_text(spec, *privacy);
  if (!spent.empty()) log::warning("{}", spent);
}

Result<int> run_daemon(const config::ClientSpec& spec, ClientDaemon::Options options) {
  Disk& disk = real_disk();
  FED_ASSIGN(lock, lock_state(disk, spec.state_dir));
  FED_ASSIGN(keys, load_keys(disk, spec.state_dir));
  FED_ASSIGN(held_key, load_held_key(disk, spec.jobs.homomorphic_encryption));
  options.decryption_key = std::move(held_key);
  look_at_state(disk, spec);
  const fs::path folder = spec.state_dir / "outbox";
  FED_ASSIGN(outbox, session::Outbox::open(disk, folder, storage_key(keys)));
  report(outbox.findings(), folder);
  FED_ASSIGN(cache, session::ModelCache::open(disk, spec.state_dir / "models"));
  ClientDaemon daemon(disk, spec, keys, std::move(outbox), std::move(cache), options);
  return daemon.run();
}

int run(const cli::Arguments& arguments) {
  const auto spec = load_config(arguments);
  if (!spec) return cli::bad_usage;
  set_up_log(spec->log);
  yield_to_others(spec->limits.nice);
  const auto status = run_daemon(*spec, {.once = arguments.has("once")});
  if (!status) return cli::fail(arguments, status.error());
  return *status;
}

}  // namespace

cli::Command run_command() {
  return {"run",
          "--config FILE [--once]",
          "train whenever the server asks; reconnect for ever",
          [](cli::options::options_description& options) {
            add_config_option(options);
            options.add_options()("once", "end when a job has ended");
          },
          {},
          run};
}

}  // namespace fed::app
