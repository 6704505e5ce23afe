// Many synthetic clients in a few threads.
//
// Each thread runs one event loop; the clients are dealt to them. Used from one thread; what the
// observer hears comes on the crowd's threads. The destructor ends everything at once.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "synthetic_client.h"

namespace fed::bench {

class Crowd {
 public:
  // `members`, `update` and `observer` outlive it. Client i is members[i]; its traits are `traits`
  // with that index. Nobody connects before start().
  Crowd(std::span<const Member> members, const Update& update, const Observer& observer,
        SyntheticClient::Traits traits, unsigned threads);
  ~Crowd();

  std::size_t size() const { return clients_.size(); }
  void start();
  void start(std::size_t index);
  void stop();
  void disconnect(std::size_t index);
  // Thread-safe: as SyntheticClient::go, for all or one.
  void go(bool open);
  void go(std::size_t index, bool open);

 private:
  struct Place {
    boost::asio::io_context io{1};
    net::AsioLoop loop{io.get_executor()};
  };
  Place& place_of(std::size_t index) { return *places_[index % places_.size()]; }

  std::vector<std::unique_ptr<Place>> places_;
  std::vector<std::unique_ptr<SyntheticClient>> clients_;  // gone before their loops
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guards_;
  std::vector<std::thread> threads_;
};

}  // namespace fed::bench
