#include "client_node.h"

#include "greeting.h"
#include "seeded_bytes.h"
#include "sim_link.h"

namespace fed::sim {

using Shaking = Greeting<channel::ClientHandshake>;

// The way to the server: the network and the real handshake.
class ClientNode::Dialer final : public app::Dialer {
 public:
  Dialer(ClientNode& node, SimLoop& loop, std::uint64_t seed)
      : node_(node), loop_(loop), lies_(seed) {}
  ~Dialer() override { drop(); }

  void dial(const net::Limits& limits, Duration deadline, Dialled done) override {
    net::Limits own = limits;
    own.receive_bytes = channel::RecordReader::kCapacityMin;
    own.chunk_bytes = node_.traits_.chunk_bytes;
    node_.around_.network.connect(
        node_.index(), deadline, &loop_,
        [this, own, deadline, done = std::move(done)](Result<std::shared_ptr<Cable>> cable) {
          if (!cable) return done(cable.error());
          shake(std::move(*cable), own, deadline, done);
        });
  }

  void drop() {
    if (const auto link = link_.lock()) link->drop();
    shaking_.reset();
  }
  std::shared_ptr<SimLink> link() const { return link_.lock(); }

 private:
  void shake(std::shared_ptr<Cable> cable, const net::Limits& limits, Duration deadline,
             const Dialled& done) {
    auto handshake = app::make_handshake(node_.traits_.spec, node_.keys_);
    if (!handshake) return done(handshake.error());
    shaking_ = std::make_shared<Shaking>(loop_, cable, client_side, std::move(*handshake), deadline,
                                         [this, cable, limits, done](Result<Greeted> greeted) {
                                           if (!greeted) return done(greeted.error());
                                           done(make_link(cable, limits, std::move(*greeted)));
                                         });
    shaking_->start();
  }

  std::shared_ptr<net::Link> make_link(const std::shared_ptr<Cable>& cable,
                                       const net::Limits& limits, Greeted greeted) {
    auto link = std::make_shared<SimLink>(loop_, cable, client_side,
                                          std::move(greeted.established.transport), limits,
                                          std::move(greeted.early));
    link->listen([this](const wire::Message& message, bool incoming) {
      node_.around_.ledger.overhear(node_.index(), message, incoming);
    });
    link->tamper([this](wire::Message& message) { return lie(message); });
    link_ = link;
    return link;
  }

  // Whether anything is said.
  bool lie(wire::Message& message) {
    const FakeWorkshop::Traits& site = node_.traits_.site;
    const wire::SecureName* sum = sum_name_of(message);
    if (sum == nullptr || site.sum_lies == 0 || lies_.uniform() >= site.sum_lies) return true;
    const wire::SecureName name = *sum;
    const wire::Message meant = message;
    if (!lie_in_sum(site.sum_lie, message)) return true;
    ++node_.around_.tally[std::string("lie in a sum: ") + sim::name(site.sum_lie)];
    node_.around_.ledger.sums().lied(node_.index(), name, meant);
    return site.sum_lie != SumLie::silence;
  }

  ClientNode& node_;
  SimLoop& loop_;
  Random lies_;
  std::shared_ptr<Shaking> shaking_;
  std::weak_ptr<SimLink> link_;
};

// One run of the program. What was posted goes before what it refers to.
struct ClientNode::Life {
  Life(ClientNode& node, std::uint64_t seed, session::Outbox outbox, session::ModelCache cache)
      : queue(node.around_.queue),
        loop(queue, mix_seed({seed, 1}), node.unix_offset_, node.name()),
        loading(make_executor(node, mix_seed({seed, 2}), node.traits_.loading,
                              node.traits_.loading_pace)),
        training(make_executor(node, mix_seed({seed, 3}), node.traits_.training,
                               node.traits_.training_pace)),
        workshop(make_workshop(node)),
        dialer(node, loop, mix_seed({seed, 5})),
        core(node.traits_.spec,
             {.disk = node.disk_,
              .loop = loop,
              .loading = *loading,
              .training = *training,
              .dialer = dialer,
              .workshop = *workshop,
              .identity = node.keys_.identity,
              .random = seeded_bytes(mix_seed({seed, 4})),
              .show = [](const std::string&) {},
              .ended = [](int) {}},
             std::move(outbox), std::move(cache),
             {.seed = seed, .inline_bytes_max = node.traits_.inline_bytes_max}) {}
  ~Life() {
    dialer.drop();
    queue.drop(&loop);
    loading.reset();
    training.reset();
  }

  static std::unique_ptr<Executor> make_executor(
      ClientNode& node, std::uint64_t seed, const std::function<std::unique_ptr<Executor>()>& own,
      const SimExecutor::Pace& pace) {
    if (own) return own();
    return std::make_unique<SimExecutor>(node.around_.queue, seed, pace, node.name());
  }
  static std::unique_ptr<app::Workshop> make_workshop(ClientNode& node) {
    if (node.traits_.workshop) return node.traits_.workshop(node.disk_);
    return std::make_unique<FakeWorkshop>(node.disk_, node.traits_.site,
                                          session::Agreement(node.traits_.spec.jobs),
                                          node.around_.ledger, node.around_.tally);
  }

  Queue& queue;
  SimLoop loop;
  std::unique_ptr<Executor> loading, training;
  std::unique_ptr<app::Workshop> workshop;
  Dialer dialer;
  app::ClientCore core;
};

ClientNode::ClientNode(const Surroundings& around, Disk& disk, Traits traits)
    : around_(around),
      disk_(disk),
      traits_(std::move(traits)),
      keys_{crypto::X25519KeyPair::generate(crypto::Memory::plain),
            crypto::Ed25519KeyPair::generate()} {
  around_.queue.name(this, name());
}

ClientNode::~ClientNode() = default;

Status ClientNode::boot() {
  FED_CHECK(!up());
  around_.queue.speak_as(this);
  const fs::path& state = traits_.spec.state_dir;
  FED_TRY(make_folder(disk_, state, Durability::power));
  FED_ASSIGN(outbox, session::Outbox::open(disk_, state / "outbox", app::storage_key(keys_)));
  FED_ASSIGN(cache, session::ModelCache::open(disk_, state / "models"));
  const std::uint64_t seed = mix_seed({traits_.site.seed, index(), ++boots_});
  life_ = std::make_unique<Life>(*this, seed, std::move(outbox), std::move(cache));
  life_->core.start();
  return {};
}

void ClientNode::crash() {
  around_.queue.speak_as(this);
  life_.reset();
}

const app::ClientCore* ClientNode::core() const { return life_ ? &life_->core : nullptr; }

std::int64_t ClientNode::unix_seconds() const { return life_->loop.unix_seconds(); }

std::pair<std::size_t, std::size_t> ClientNode::waiting() const {
  const auto link = life_ ? life_->dialer.link() : nullptr;
  if (!link) return {0, 0};
  return {link->bytes_waiting(), link->bytes_waiting_max()};
}

}  // namespace fed::sim
