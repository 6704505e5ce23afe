#include "hostile_node.h"

#include <cstring>

#include "base/log.h"

namespace fed::sim {
namespace {

constexpr double kPingSeconds = 10;
constexpr std::size_t kInlineMost = wire::kInlineBytesMax;

}  // namespace

HostileNode::HostileNode(const Surroundings& around, std::string name, std::size_t index,
                         std::uint64_t seed)
    : around_(around),
      index_(index),
      random_(seed),
      keys_{crypto::X25519KeyPair::generate(crypto::Memory::plain),
            crypto::Ed25519KeyPair::generate()},
      loop_(around.queue, mix_seed({seed, 1}), unix_offset_, name) {
  around.queue.name(this, std::move(name));
}

HostileNode::~HostileNode() { leave(); }

void HostileNode::start(const crypto::PublicKey& server) {
  server_ = server;
  examples_ = 10 + static_cast<std::int64_t>(random_.below(1000));
  later(0, 5, [this] { connect(); });
  stay_alive();
}

void HostileNode::leave() {
  gone_ = true;
  around_.queue.drop(this);
  around_.queue.drop(&loop_);
  greeting_.reset();
  link_.reset();
  older_link_.reset();
  stammering_.reset();
}

void HostileNode::later(double least_s, double most_s, Work work) {
  const double after = least_s + random_.uniform() * (most_s - least_s);
  around_.queue.add(around_.queue.now() + from_seconds(after), this, std::move(work));
}

void HostileNode::connect() {
  around_.network.connect(index_, from_seconds(30), this,
                          [this](Result<std::shared_ptr<Cable>> cable) {
                            if (!cable) return later(5, 60, [this] { connect(); });
                            if (lucky(0.1)) return stammer(std::move(*cable));
                            greet(std::move(*cable));
                          });
}

// No handshake at all, or half of one, and then nothing.
void HostileNode::stammer(std::shared_ptr<Cable> cable) {
  ++around_.tally["hostile: no handshake"];
  stammering_ = std::move(cable);
  stammering_->write(client_side, noise(600));
  later(1, 60, [this] {
    stammering_->close(client_side);
    stammering_.reset();
    connect();
  });
}

void HostileNode::greet(std::shared_ptr<Cable> cable) {
  auto handshake =
      channel::ClientHandshake::start(channel::Suite::chachapoly, keys_.channel, server_,
                                      crypto::X25519KeyPair::generate(crypto::Memory::plain));
  FED_CHECK(handshake.has_value());
  greeting_ = std::make_shared<Greeting<channel::ClientHandshake>>(
      loop_, cable, client_side, std::move(*handshake), from_seconds(30),
      [this, cable](Result<Greeted> done) {
        greeting_.reset();
        if (!done) return later(5, 60, [this] { connect(); });
        greeted(cable, std::move(*done));
      });
  greeting_->start();
}

void HostileNode::greeted(const std::shared_ptr<Cable>& cable, Greeted greeted) {
  uploads_.clear();
  const RawLink::Ears ears{[this](const wire::Message& message) { hear(message); },
                           [this, which = ++links_] { lost(which); }};
  link_ =
      std::make_shared<RawLink>(cable, std::move(greeted.established.transport), std::move(ears));
  if (lucky(0.95)) send(wire::Hello{});
  link_->start(greeted.early);
}

void HostileNode::lost(std::uint64_t which) {
  const bool present = which == links_;
  around_.queue.add(around_.queue.now(), this, [this, which] {
    if (which == links_) link_.reset();
  });
  if (present) later(1, 60, [this] { connect(); });
}

void HostileNode::stay_alive() {
  later(kPingSeconds / 2, kPingSeconds, [this] {
    for (const auto& link : {link_, older_link_}) {
      if (link) link->seal(channel::Kind::ping, noise(8));
    }
    stay_alive();
  });
}

void HostileNode::hear(const wire::Message& message) {
  around_.ledger.overhear(index_, message, true);
  std::visit([this](const auto& m) { on(m); }, message);
}

void HostileNode::on(const wire::JobOffer& message) {
  const std::int64_t examples = lucky(0.05) ? -examples_ : examples_;
  send(wire::JobAnswer{message.job, true, examples, {}});
}

void HostileNode::on(const wire::Task& message) {
  later(1, 20, [this, task = message] {
    if (link_) act(task);
  });
}

void HostileNode::on(const wire::Admit& message) {
  const auto entry = uploads_.find({message.job, message.task});
  if (entry == uploads_.end()) return;
  Upload upload = entry->second;
  if (upload.manner == Manner::beyond_the_end) append(upload.bytes, noise(2000));
  const std::size_t size = upload.bytes.size();
  const std::size_t end = upload.manner == Manner::half ? size / 2 : size;
  const std::uint64_t id = message.upload + (upload.manner == Manner::other_upload ? 1 : 0);
  const std::uint64_t shift = upload.manner == Manner::shifted ? 4 : 0;
  for (std::size_t at = std::min<std::size_t>(message.offset, end); at < end;) {
    const std::size_t count = std::min<std::size_t>(end - at, 1 + random_.below(9000));
    link_->send_chunk(id, at + shift, ByteView(upload.bytes).subspan(at, count));
    at += count;
  }
}

void HostileNode::act(const wire::Task& task) {
  const Trick& trick = kTricks[lucky(0.25) ? 0 : random_.below(kTrickCount)];
  ++around_.tally[std::string("hostile: ") + trick.name];
  log::info("job {} task {}: {}", task.job, task.task, trick.name);
  (this->*trick.play)(task);
}

void HostileNode::send(const wire::Message& message) {
  if (!link_) return;
  around_.ledger.overhear(index_, message, false);
  link_->send(message);
}

// What an honest client could have trained.
HostileNode::Update HostileNode::update_for(const wire::Task& task) {
  const std::uint64_t seed = random_.next();
  Update update;
  if (task.kind == wire::TaskKind::statistics) {
    constexpr std::size_t kColumnBytes = 3 * sizeof(double);
    auto site = site_columns(seed, task.job, task.update_bytes / kColumnBytes, examples_);
    update.bytes = copy(as_bytes(std::span<const double>(site.message)));
    update.columns = std::move(site.told);
  } else {
    const auto values = honest_update(seed, task.update_bytes / sizeof(float));
    update.bytes = copy(as_bytes(std::span<const float>(values)));
  }
  update.bytes.resize(task.update_bytes);  // where they are integers
  update.offer = {.job = task.job,
                  .task = task.task,
                  .base_version = task.base_version,
                  .examples = examples_,
                  .bytes = update.bytes.size(),
                  .checksum = checksum(update.bytes),
                  .metrics = {},
                  .body = {},
                  .attempt = 0,
                  .model = {},
                  .settings = {}};
  return update;
}

// Inline where the manner does not say otherwise and chance does not. The ledger knows it: whether
// it may be counted is for the server to decide.
void HostileNode::offer(const Update& update, Manner manner) {
  wire::Offer offer = update.offer;
  if (checksum(update.bytes) == offer.checksum) {
    std::vector<float> values(update.bytes.size() / sizeof(float));
    std::memcpy(values.data(), update.bytes.data(), values.size() * sizeof(float));
    around_.ledger.trained({index_, offer.job, offer.task, offer.checksum},
                           {.base_version = offer.base_version,
                            .examples = offer.examples,
                            .values = std::move(values),
                            .coded = update.bytes,
                            .statistics = !update.columns.empty(),
                            .columns = update.columns,
                            .honest = false});
  }
  const bool in_line = manner == Manner::whole && update.bytes.size() <= kInlineMost && lucky(0.5);
  if (in_line) {
    offer.body = update.bytes;
  } else {
    uploads_[{offer.job, offer.task}] = {update.bytes, manner};
  }
  send(offer);
}

Bytes HostileNode::noise(std::size_t bytes_most) {
  Bytes bytes(1 + random_.below(bytes_most));
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_.next());
  return bytes;
}

}  // namespace fed::sim
