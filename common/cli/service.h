// What the service manager wants to know (sd_notify(3)); nothing happens where there is none.
// Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

namespace fed::cli {

void notify_ready();
void notify_reloading();
void notify_stopping();
void notify_status(const std::string& one_line);
void notify_alive();  // to be said twice within every watchdog interval

// The interval that the service manager expects a sign of life in; nothing if it does not.
std::optional<Duration> watchdog_interval();

// True when stderr is connected to the journal, so that lines should carry priorities.
bool logs_to_journal();

// The format to log in: `configured`, but with journald's priorities instead of plain text where
// that is read.
log::Format log_format(log::Format configured);

// The credential `name` that the service manager passed, if it did (systemd.exec(5),
// LoadCredential=).
std::optional<fs::path> credential(const std::string& name);

}  // namespace fed::cli
