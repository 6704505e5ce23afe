#include "crowd.h"

namespace fed::bench {

Crowd::Crowd(std::span<const Member> members, const Update& update, const Observer& observer,
             SyntheticClient::Traits traits, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    places_.push_back(std::make_unique<Place>());
    guards_.push_back(boost::asio::make_work_guard(places_.back()->io));
  }
  for (const Member& member : members) {
    traits.index = clients_.size();
    clients_.push_back(std::make_unique<SyntheticClient>(place_of(traits.index).loop, member,
                                                         update, observer, traits));
  }
  for (const auto& place : places_) {
    threads_.emplace_back([io = &place->io] { io->run(); });
  }
}

Crowd::~Crowd() {
  guards_.clear();
  for (const auto& place : places_) place->io.stop();
  for (std::thread& thread : threads_) thread.join();
}

void Crowd::start() {
  for (std::size_t i = 0; i < size(); ++i) start(i);
}

void Crowd::start(std::size_t index) {
  place_of(index).loop.post([client = clients_[index].get()] { client->start(); });
}

void Crowd::stop() {
  for (std::size_t i = 0; i < size(); ++i) {
    place_of(i).loop.post([client = clients_[i].get()] { client->stop(); });
  }
}

void Crowd::disconnect(std::size_t index) {
  place_of(index).loop.post([client = clients_[index].get()] { client->disconnect(); });
}

void Crowd::go(bool open) {
  for (std::size_t i = 0; i < size(); ++i) go(i, open);
}

void Crowd::go(std::size_t index, bool open) {
  place_of(index).loop.post([client = clients_[index].get(), open] { client->go(open); });
}

}  // namespace fed::bench
