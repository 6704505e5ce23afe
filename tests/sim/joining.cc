#include "joining.h"

namespace fed::sim {
namespace {

constexpr auto kDeadline = std::chrono::seconds(30);

}  // namespace

Joining::Joining(const Surroundings& around, std::size_t index, const app::ClientKeys& keys,
                 const std::int64_t& unix_offset, std::uint64_t seed)
    : around_(around),
      index_(index),
      keys_(keys),
      loop_(around.queue, seed, unix_offset, "site-" + std::to_string(index + 1)) {}

Joining::~Joining() {
  if (link_) link_->drop();
  around_.queue.drop(&loop_);
}

void Joining::attempt(channel::JoinCode code, Done done) {
  code_ = std::move(code);
  done_ = std::move(done);
  dial(false);
}

void Joining::dial(bool known) {
  around_.network.connect(index_, kDeadline, &loop_,
                          [this, known](Result<std::shared_ptr<Cable>> cable) {
                            if (!cable) return ended(true, cable.error());
                            shake(std::move(*cable), known);
                          });
}

void Joining::shake(std::shared_ptr<Cable> cable, bool known) {
  auto handshake = app::join_handshake(*code_, keys_, known);
  FED_CHECK(handshake.has_value());
  greeting_ = std::make_shared<Greeting<channel::ClientHandshake>>(
      loop_, cable, client_side, std::move(*handshake), kDeadline,
      [this, cable, known](Result<Greeted> greeted) {
        if (!greeted) return ended(known, greeted.error());
        talk(cable, known, std::move(*greeted));
      });
  greeting_->start();
}

void Joining::talk(const std::shared_ptr<Cable>& cable, bool known, Greeted greeted) {
  const net::Limits limits{.idle = kDeadline};
  channel::Established& established = greeted.established;
  link_ = std::make_shared<SimLink>(loop_, cable, client_side, std::move(established.transport),
                                    limits, std::move(greeted.early));
  joiner_ = std::make_shared<app::Joiner>(link_);
  joiner_->ended = [this, known] { ended(known, joiner_->result()); };
  link_->start(joiner_);
  link_->send(app::join_request(keys_, known, established.handshake_hash));
}

// Later, since it may be the link or the handshake that says so.
void Joining::ended(bool known, Result<std::string> name) {
  loop_.post([this, known, name = std::move(name)] {
    greeting_.reset();
    joiner_.reset();
    link_.reset();
    const bool again = !known && !name && name.error().code == ErrorCode::closed;
    if (again) return dial(true);
    std::exchange(done_, nullptr)(name);
  });
}

}  // namespace fed::sim
