// Uploads that become whole together.
#include "store/arrivals.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "base/disk.h"
#include "folder.h"
#include "store/staging.h"

namespace {

using fed::Bytes;
using fed::Durability;
using fed::ErrorCode;
using fed::Result;
using fed::store::Arrivals;
using fed::store::Staging;
using fed::store::Upload;
using fed::store::UploadFacts;
using fed::store::UploadKey;
using fed::store::testing::content;
using fed::store::testing::Folder;

UploadKey key(std::int64_t client, std::int64_t task = 1) { return {"fashion", task, client}; }

Bytes update(std::int64_t client) { return Bytes(400, static_cast<std::uint8_t>(client)); }

struct Sites {
  Folder folder;
  std::unique_ptr<Staging> staging =
      Staging::open(fed::real_disk(), folder / "staging", {Durability::power, 0}).value();

  // All bytes are there.
  Upload whole(const UploadKey& of) {
    const Bytes bytes = update(of.client);
    Upload upload = staging->receive(of, bytes.size(), fed::checksum(bytes)).value();
    upload.write(0, bytes).value();
    return upload;
  }
  Bytes staged(const UploadKey& of) const {
    return content(folder / "staging/fashion" / std::to_string(of.task) /
                   (std::to_string(of.client) + ".update"));
  }
};

}  // namespace

TEST_CASE("uploads that finish together each have their own end") {
  Sites sites;
  std::vector<Upload> uploads;
  uploads.push_back(sites.whole(key(1)));
  const Bytes other = update(9);
  uploads.push_back(sites.staging->receive(key(2), other.size(), fed::checksum(update(2))).value());
  uploads.back().write(0, other).value();  // not what was announced
  uploads.push_back(sites.whole(key(3)));
  const auto newer = sites.staging->receive(key(3), 400, fed::checksum(update(3)));  // superseded
  uploads.push_back(sites.staging->receive(key(4), 400, fed::checksum(update(4))).value());
  uploads.back().write(0, fed::ByteView(update(4)).first(100)).value();  // not whole
  uploads.push_back(sites.whole(key(5, 2)));
  const std::vector<Result<UploadFacts>> facts = Upload::finish(uploads);
  REQUIRE(facts.size() == 5);
  CHECK(facts[0].value().checksum == fed::checksum(update(1)));
  CHECK(facts[1].error().code == ErrorCode::mismatch);
  CHECK(facts[2].error().code == ErrorCode::closed);
  CHECK(facts[3].error().code == ErrorCode::invalid);
  CHECK(facts[4].value().bytes == 400);
  CHECK(sites.staged(key(1)) == update(1));
  CHECK(sites.staged(key(5, 2)) == update(5));
}

TEST_CASE("who arrives while others are being finished is in the next group") {
  Sites sites;
  Arrivals arrivals;
  std::vector<std::int64_t> order;
  const auto note = [&](std::int64_t client) {
    return [&, client](const Result<UploadFacts>& facts) {
      CHECK(facts.has_value());
      order.push_back(client);
    };
  };
  arrivals.finish(sites.whole(key(1)), [&](const Result<UploadFacts>& facts) {
    note(1)(facts);
    for (const std::int64_t client : {2, 3}) {
      arrivals.finish(sites.whole(key(client)), note(client));
      CHECK(order.size() == 1);  // not here, but by whoever is at it
    }
  });
  CHECK(order == std::vector<std::int64_t>{1, 2, 3});
  arrivals.finish(sites.whole(key(4)), note(4));
  CHECK(order.size() == 4);
}

TEST_CASE("arrivals from many threads are all finished, each once") {
  Sites sites;
  Arrivals arrivals;
  constexpr int kThreads = 4, kEach = 25;
  std::atomic<int> finished = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        arrivals.finish(sites.whole(key(t * kEach + i)),
                        [&](const Result<UploadFacts>& facts) { finished += facts.has_value(); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(finished == kThreads * kEach);
  for (int i = 0; i < kThreads * kEach; ++i) CHECK(sites.staged(key(i)) == update(i));
}
