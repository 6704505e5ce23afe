// A file that is in memory only: for bytes that are read like a file's and go with the process.
#pragma once

#include "base/file.h"

namespace fed::app {

// To read; writing is a broken invariant. Reads are thread-safe.
File memory_file(Bytes content);

}  // namespace fed::app
