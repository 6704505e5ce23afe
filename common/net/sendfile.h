// sendfile(2) into a non-blocking socket: bytes go from the page cache to the network without a
// copy here.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>

#include "net/bulk.h"

namespace fed::net {

// Sends what the socket takes now of [stretch.offset, stretch.end); returns how many bytes that
// was, possibly 0. `error` is set if the socket failed or the file is shorter than it should be.
std::size_t send_file(int socket, const SealedDownload& stretch, boost::system::error_code& error);

}  // namespace fed::net
