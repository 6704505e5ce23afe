// One end of a session whose owner decides about every record: what it is, what is in it, and when
// to send bytes that are none at all. For peers that do not keep to the protocol.
//
// It reads as it should, so that its owner knows what it is asked. Held by its owner. Not
// thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "cable.h"
#include "channel/record_reader.h"
#include "wire/assembler.h"

namespace fed::sim {

class RawLink final : public CableEnd, public std::enable_shared_from_this<RawLink> {
 public:
  // Called from the queue; either may destroy the owner's reference to this.
  struct Ears {
    std::function<void(const wire::Message&)> message;
    std::function<void()> lost;
  };
  RawLink(std::shared_ptr<Cable> cable, channel::Transport transport, Ears ears)
      : cable_(std::move(cable)), transport_(std::move(transport)), ears_(std::move(ears)) {}
  ~RawLink() override { cable_->close(client_side); }

  // `early`: bytes that came with the end of the handshake.
  void start(ByteView early);

  void send(const wire::Message& message);
  void send_chunk(std::uint64_t upload, std::uint64_t offset, ByteView data);
  void seal(channel::Kind kind, ByteView body);
  // As they are, in no record.
  void send_bytes(ByteView bytes);
  // As an owner that hangs up without a word.
  void cut() { cable_->cut(false); }

  void arrived(ByteView bytes) override;
  void writable() override;
  void lost(const Error&) override { end(); }

 private:
  bool read();
  Status take(const channel::Record& record);
  void end();

  std::shared_ptr<Cable> cable_;
  channel::Transport transport_;
  Ears ears_;
  channel::RecordReader reader_;
  wire::Assembler assembler_{wire::kFromServerBytesMax};
  std::size_t sealed_ = 0;  // bytes of a stretch that are still to come
  Bytes waiting_;           // for room on the cable
};

}  // namespace fed::sim
