// How much a socket takes that it cannot send yet.
//
// Linux lets a socket hold megabytes. On a slow line that is minutes in which writing stands still
// though bytes move, so that a time-out takes the line for dead; and after a reconnection the old
// bytes would compete with the new. With a small limit, a writer sees the line's own pace.
#pragma once

#include <cstddef>

namespace fed::net {

// At 64 kbit/s a socket asks for more every 16 s: well within any sensible idle time.
inline constexpr std::size_t kUnsentBytesMax = 256 * 1024;

// TCP_NOTSENT_LOWAT. Best effort: without it everything works, on a fast line.
void limit_unsent(int socket);

}  // namespace fed::net
