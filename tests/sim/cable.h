// One simulated TCP connection: two streams of bytes with a speed, a delay and a window, and what
// may happen to them.
//
// Bytes arrive in order and unchanged unless a fault says otherwise: the connection breaks at a
// given byte (with or without anybody being told), one bit flips, or nothing arrives for a while.
// At most `window` bytes are under way in a direction, as in a socket's buffers. Ends are referred
// to weakly: one that is gone hears nothing.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/random.h"
#include "queue.h"
#include "tally.h"

namespace fed::sim {

// Whoever uses one end. Called from the queue, never from inside a call to the cable.
class CableEnd {
 public:
  virtual ~CableEnd() = default;
  virtual void arrived(ByteView bytes) = 0;
  virtual void writable() = 0;
  virtual void lost(const Error& why) = 0;
};

enum Side : std::size_t { client_side = 0, server_side = 1 };
inline Side other(Side side) { return side == client_side ? server_side : client_side; }

// How a client's network is now; read at every byte, so that it may change under way.
struct Weather {
  Duration delay = std::chrono::milliseconds(20);
  double bytes_per_s = 1e6;
  bool partitioned = false;  // nothing arrives; what was sent waits
};

using Traffic = std::array<std::uint64_t, 2>;  // bytes by the side that sent them

// What is in store for a cable.
struct Fate {
  std::optional<std::uint64_t> breaks_at;  // bytes that still arrive, of both directions together
  bool silently = false;                   // the ends are not told
  std::optional<std::uint64_t> flips_at;   // the byte, counted likewise, of which a bit flips
};

class Cable : public std::enable_shared_from_this<Cable> {
 public:
  struct Shape {
    std::size_t window = 64 * 1024;
    std::size_t piece_most = 16 * 1024;  // bytes that arrive at once
  };

  // `weather`, `tally` and `traffic` outlive it.
  Cable(Queue& queue, const Weather& weather, std::uint64_t seed, Shape shape, Fate fate,
        Tally& tally, Traffic& traffic);
  ~Cable() { queue_.drop(this); }

  void attach(Side side, std::weak_ptr<CableEnd> end) { way(side).end = std::move(end); }

  // As much as the window takes.
  std::size_t write(Side side, ByteView bytes);
  std::size_t room(Side side) const;
  // This end is closed: the other one hears of it after what is under way.
  void close(Side side);
  // Nothing arrives any more.
  void cut(bool silently);
  bool broken() const { return broken_; }

  // The weather may be better now.
  void look_up();
  // No fault is in store any more.
  void spare() { fate_ = {}; }

  std::size_t window() const { return shape_.window; }
  std::size_t under_way(Side side) const { return ways_[side].bytes; }

 private:
  struct Piece {
    Bytes bytes;  // none: the end of the stream
    Instant arrives;
  };
  struct Way {                    // from one side to the other
    std::weak_ptr<CableEnd> end;  // of the side that the way begins at
    std::deque<Piece> pieces;
    std::size_t bytes = 0;
    Instant busy_until{};
    bool closed = false;
    bool scheduled = false;
  };
  Way& way(Side from) { return ways_[from]; }
  void send(Side from, Bytes bytes);
  void schedule(Side from);
  void deliver(Side from);
  void hand_over(Side to, Bytes bytes);

  Queue& queue_;
  const Weather& weather_;
  Random random_;
  const Shape shape_;
  Fate fate_;
  Tally& tally_;
  Traffic& traffic_;
  std::array<Way, 2> ways_;
  std::uint64_t arrived_ = 0;
  bool broken_ = false;
};

}  // namespace fed::sim
