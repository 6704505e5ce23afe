// The network between the clients and the server: who can be reached, how fast, and what goes wrong
// on the way.
//
// Not thread-safe: one a seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cable.h"

namespace fed::sim {

class Network {
 public:
  // How often what befalls a cable.
  struct Climate {
    double breaks = 0.3;    // of the cables break at some byte
    double silently = 0.3;  // of those without telling anybody
    double flips = 0.05;    // of the cables flip a bit
    Cable::Shape shape{};
  };
  using Answer = std::function<void(Result<std::shared_ptr<Cable>>)>;
  using Server = std::function<void(std::shared_ptr<Cable>)>;

  Network(Queue& queue, std::uint64_t seed, Climate climate, std::size_t clients, Tally& tally);
  ~Network() { queue_.drop(this); }

  // Who answers; null: connections are refused.
  void serve(Server server) { server_ = std::move(server); }

  // Answers later: a cable, or an error when nobody is there or at the deadline. The answer is
  // dropped with `owner` (Queue::drop).
  void connect(std::size_t client, Duration deadline, const void* owner, Answer answer);

  // Bytes that have been sent, by the side that sent them.
  const Traffic& traffic() const { return traffic_; }

  Weather& weather(std::size_t client) { return weather_[client]; }
  // After a change of the weather.
  void look_up();
  // All cables break.
  void cut_all(bool silently);
  // From now on nothing goes wrong, and everyone is reachable.
  void calm();

  // Every cable that is in use.
  std::vector<std::shared_ptr<Cable>> cables();

 private:
  Fate draw();

  Queue& queue_;
  Random random_;
  Climate climate_;
  Tally& tally_;
  Traffic traffic_{};
  Server server_;
  std::vector<Weather> weather_;
  std::vector<std::weak_ptr<Cable>> cables_;
};

}  // namespace fed::sim
