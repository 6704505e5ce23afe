#include "net/sendfile.h"

#include <sys/sendfile.h>

#include <cerrno>

namespace fed::net {

std::size_t send_file(int socket, const SealedDownload& stretch, boost::system::error_code& error) {
  auto offset = static_cast<off_t>(stretch.offset);
  const ssize_t sent =
      ::sendfile(socket, stretch.file->descriptor(), &offset, stretch.end - stretch.offset);
  if (sent > 0) return static_cast<std::size_t>(sent);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  error = sent == 0 ? boost::system::errc::make_error_code(boost::system::errc::io_error)
                    : boost::system::error_code(errno, boost::system::system_category());
  return 0;
}

}  // namespace fed::net
