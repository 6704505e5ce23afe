// Which program this is. The commit is asked of git when the build is configured.
#pragma once

namespace fed::cli {

extern const char* const kVersion;  // "0.1.0"
extern const char* const kCommit;   // twelve digits, or "unknown" outside a checkout

}  // namespace fed::cli
