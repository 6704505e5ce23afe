#include "server_node.h"

#include <list>

#include "app/reception.h"
#include "app/server_state.h"
#include "greeting.h"
#include "sim_link.h"

namespace fed::sim {
namespace {

using Shaking = Greeting<channel::ServerHandshake>;

constexpr auto kGoodbye = std::chrono::seconds(2);
constexpr const char* kName = "server";
constexpr std::uint64_t kMemoryBytesMax = std::uint64_t{1} << 30;

std::size_t of(double share, std::size_t limit) {
  return static_cast<std::size_t>(share * static_cast<double>(limit));
}

}  // namespace

// One run of the program. What was posted goes before what it refers to.
struct ServerNode::Life {
  Life(ServerNode& node, std::uint64_t seed, app::ServerState opened)
      : around(node.around_),
        state(std::move(opened)),
        control(around.queue, mix_seed({seed, 1}), node.unix_offset_, kName),
        compute(around.queue, mix_seed({seed, 2}), node.traits_.compute, kName),
        handshakes(directory.for_handshakes([this] { return control.unix_seconds(); })),
        coordinator({.config = node.traits_.spec,
                     .journal = state.journal,
                     .staging = *state.staging,
                     .checkpoints = state.checkpoints,
                     .parallel_for = node.traits_.parallel_for,
                     .threads = 1,
                     .directory = directory,
                     .disk = node.disk_,
                     .blobs = state.blobs,
                     .control = control,
                     .compute = compute,
                     .memory_bytes_max = kMemoryBytesMax,
                     .early_fold_from = seed % 2 == 0 ? 0 : app::kEarlyFoldFrom}),
        reception(coordinator) {
    for (std::size_t i = 0; i < node.traits_.io_loops; ++i) {
      loops.push_back(std::make_unique<SimLoop>(around.queue, mix_seed({seed, 3, i}),
                                                node.unix_offset_, kName));
    }
  }
  ~Life() {
    for (const auto& each : links) {
      if (const auto link = each.lock()) link->drop();
    }
    around.queue.drop(&control);
    around.queue.drop(&compute);
    for (const auto& loop : loops) around.queue.drop(loop.get());
  }

  void accept(std::shared_ptr<Cable> cable) {
    SimLoop& loop = *loops[accepted++ % loops.size()];
    channel::ServerHandshake handshake(state.identity, handshakes,
                                       crypto::X25519KeyPair::generate(crypto::Memory::plain));
    const auto place = shaking.insert(shaking.end(), nullptr);
    *place = std::make_shared<Shaking>(loop, cable, server_side, std::move(handshake),
                                       from_seconds(coordinator.parts().config.limits.handshake_s),
                                       [this, place, &loop, cable](Result<Greeted> greeted) {
                                         const auto keep = std::move(*place);
                                         shaking.erase(place);
                                         if (!greeted) return;
                                         welcome(loop, cable, std::move(*greeted));
                                       });
    (*place)->start();
  }

  void welcome(SimLoop& loop, const std::shared_ptr<Cable>& cable, Greeted greeted) {
    net::Limits limits = reception.limits();
    limits.receive_bytes = channel::RecordReader::kCapacityMin;
    channel::Established& peer = greeted.established;
    const auto link = std::make_shared<SimLink>(loop, cable, server_side, std::move(peer.transport),
                                                limits, std::move(greeted.early));
    std::erase_if(links, [](const auto& each) { return each.expired(); });
    links.push_back(link);
    listen(*link, peer.peer);
    reception.receive(link, peer, "simulated");
  }

  // What of the sums has arrived here.
  void listen(SimLink& link, const crypto::PublicKey& peer) {
    const auto client = directory.find(peer);
    if (!client) return;
    link.listen(
        [&ledger = around.ledger, id = client->id](const wire::Message& message, bool incoming) {
          if (incoming) ledger.sums().arrived(id, message);
          // A sum is over when the server says so, whether or not its client hears it.
          const bool over = std::holds_alternative<wire::SecureAbandoned>(message);
          if (!incoming && over) ledger.sums().overhear(0, message, true);
        });
  }

  void drain() {
    patience = control.after(from_seconds(coordinator.parts().config.drain_s),
                             [this] { say_goodbye(false); });
    coordinator.drain([this] { say_goodbye(true); });
  }

  void say_goodbye(bool rested) {
    if (leaving) return;
    leaving = true;
    around.network.serve(nullptr);
    const auto leave = [this, rested](Duration after) {
      patience = control.after(after, [this, rested] { gone(rested); });
    };
    leave(kGoodbye);
    coordinator.disconnect_all("the server is shutting down", [leave] { leave(Duration::zero()); });
  }

  const Surroundings& around;
  app::ServerState state;
  SimLoop control;
  SimExecutor compute;
  std::vector<std::unique_ptr<SimLoop>> loops;
  app::Directory directory;
  const channel::ServerDirectory handshakes;
  app::Coordinator coordinator;
  app::Reception reception;
  std::list<std::shared_ptr<Shaking>> shaking;
  std::vector<std::weak_ptr<SimLink>> links;
  std::size_t accepted = 0;
  std::function<void(bool rested)> gone;  // set: it is draining
  bool leaving = false;
  Timer patience;
};

ServerNode::ServerNode(const Surroundings& around, Disk& disk, Traits traits)
    : around_(around), disk_(disk), traits_(std::move(traits)) {
  around_.queue.name(this, kName);
}

ServerNode::~ServerNode() { crash(false); }

Status ServerNode::boot() {
  FED_CHECK(!up());
  speak();
  FED_ASSIGN(state, app::ServerState::open(disk_, traits_.spec));
  key_ = state.identity.public_key();
  life_ = std::make_unique<Life>(*this, mix_seed({traits_.seed, ++boots_}), std::move(state));
  FED_TRY(life_->coordinator.start());
  around_.network.serve([this](std::shared_ptr<Cable> cable) { life_->accept(std::move(cable)); });
  return {};
}

void ServerNode::crash(bool silently) {
  if (!up()) return;
  speak();
  around_.network.serve(nullptr);
  around_.network.cut_all(silently);
  life_.reset();
}

void ServerNode::drain(std::function<void(bool rested)> ended) {
  if (!up() || draining()) return;
  speak();
  life_->gone = [this, ended = std::move(ended)](bool rested) {
    around_.queue.add(around_.queue.now(), &life_->control, [ended, rested] { ended(rested); });
  };
  life_->drain();
}

bool ServerNode::draining() const { return life_ && life_->gone; }

void ServerNode::speak() const { around_.queue.speak_as(this); }

app::Coordinator& ServerNode::coordinator() {
  speak();
  return life_->coordinator;
}
store::Journal& ServerNode::journal() { return life_->state.journal; }
store::Staging& ServerNode::staging() { return *life_->state.staging; }
const store::Checkpoints& ServerNode::checkpoints() { return life_->state.checkpoints; }

std::string ServerNode::check_links(double share) const {
  if (!life_) return {};
  for (const auto& each : life_->links) {
    const auto link = each.lock();
    if (!link) continue;
    const std::size_t most = of(share, link->bytes_waiting_max());
    if (link->bytes_waiting() > most) {
      return "a link of the server has " + std::to_string(link->bytes_waiting()) +
             " bytes waiting, more than " + std::to_string(most);
    }
  }
  return {};
}

}  // namespace fed::sim
