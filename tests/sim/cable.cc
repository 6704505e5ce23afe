#include "cable.h"

#include <algorithm>

namespace fed::sim {
namespace {

Error reset() { return {ErrorCode::closed, "the connection was lost: reset"}; }
Error ended() { return {ErrorCode::closed, "the connection was lost: end of file"}; }

}  // namespace

Cable::Cable(Queue& queue, const Weather& weather, std::uint64_t seed, Shape shape, Fate fate,
             Tally& tally, Traffic& traffic)
    : queue_(queue),
      weather_(weather),
      random_(seed),
      shape_(shape),
      fate_(fate),
      tally_(tally),
      traffic_(traffic) {}

std::size_t Cable::room(Side side) const {
  const Way& out = ways_[side];
  if (out.closed) return 0;
  return out.bytes >= shape_.window ? 0 : shape_.window - out.bytes;
}

std::size_t Cable::write(Side side, ByteView bytes) {
  const std::size_t count = std::min(room(side), bytes.size());
  ByteView rest = bytes.first(count);
  traffic_[side] += count;
  // So that a stream is not always seen in the pieces in which it was written.
  while (!rest.empty() && !broken_) {
    const std::size_t piece =
        std::min<std::size_t>(rest.size(), 1 + random_.below(shape_.piece_most));
    send(side, copy(rest.first(piece)));
    rest = rest.subspan(piece);
  }
  if (broken_) way(side).bytes += count;  // nobody takes them: the window fills
  return count;
}

void Cable::send(Side from, Bytes bytes) {
  Way& out = way(from);
  const double seconds_on_wire = static_cast<double>(bytes.size()) / weather_.bytes_per_s;
  out.busy_until = std::max(out.busy_until, queue_.now()) + from_seconds(seconds_on_wire);
  out.bytes += bytes.size();
  out.pieces.push_back({std::move(bytes), out.busy_until + weather_.delay});
  schedule(from);
}

void Cable::schedule(Side from) {
  Way& out = way(from);
  if (out.scheduled || out.pieces.empty() || weather_.partitioned) return;
  out.scheduled = true;
  queue_.add(out.pieces.front().arrives, this, [weak = weak_from_this(), from] {
    const auto self = weak.lock();
    if (self) self->deliver(from);
  });
}

void Cable::look_up() {
  schedule(client_side);
  schedule(server_side);
}

void Cable::deliver(Side from) {
  Way& out = way(from);
  out.scheduled = false;
  if (broken_ || out.pieces.empty() || weather_.partitioned) return;
  Piece piece = std::move(out.pieces.front());
  out.pieces.pop_front();
  out.bytes -= piece.bytes.size();
  const auto sender = out.end.lock();
  const auto receiver = way(other(from)).end.lock();
  schedule(from);
  if (piece.bytes.empty()) {
    if (receiver) receiver->lost(ended());
    return;
  }
  hand_over(other(from), std::move(piece.bytes));
  if (sender && !broken_) sender->writable();
}

void Cable::hand_over(Side to, Bytes bytes) {
  const std::uint64_t begin = arrived_;
  if (fate_.flips_at && *fate_.flips_at >= begin && *fate_.flips_at < begin + bytes.size()) {
    bytes[*fate_.flips_at - begin] ^= static_cast<std::uint8_t>(1u << random_.below(8));
    ++tally_["flipped byte"];
    fate_.flips_at.reset();
  }
  const bool breaks = fate_.breaks_at && *fate_.breaks_at < begin + bytes.size();
  if (breaks) bytes.resize(*fate_.breaks_at > begin ? *fate_.breaks_at - begin : 0);
  arrived_ += bytes.size();
  const auto receiver = way(to).end.lock();
  if (receiver && !bytes.empty()) receiver->arrived(bytes);
  if (!breaks) return;
  ++tally_[fate_.silently ? "connection lost silently" : "connection lost"];
  cut(fate_.silently);
}

void Cable::close(Side side) {
  if (broken_ || way(side).closed) return;
  way(side).closed = true;
  way(side).end.reset();
  send(side, {});
}

void Cable::cut(bool silently) {
  if (broken_) return;
  broken_ = true;
  for (Way& each : ways_) {
    each.pieces.clear();
    each.bytes = 0;
    if (silently) continue;
    queue_.add(queue_.now(), this, [end = each.end] {
      if (const auto alive = end.lock()) alive->lost(reset());
    });
  }
}

}  // namespace fed::sim
