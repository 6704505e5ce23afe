// The records in the state folder that a client reads when it first needs them, looked at before:
// the roster of peers, the sums that were answered, and those that a key holder has decrypted.
#pragma once

#include <vector>

#include "base/disk.h"
#include "config/client.h"

namespace fed::app {

// What cannot be read: each names its file, and what this client will not do until it is mended.
std::vector<Error> damaged_records(Disk& disk, const config::ClientSpec& spec);

}  // namespace fed::app
