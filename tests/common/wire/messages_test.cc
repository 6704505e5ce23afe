#include "wire/messages.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "samples.h"

namespace fed::wire {
namespace {

// Encoding is deterministic, so equal bytes mean equal messages.
TEST_CASE("every message comes back as it went") {
  for (const Message& message : sample_messages()) {
    const Bytes bytes = encode(message);
    const auto back = decode(bytes);
    INFO(name(message));
    REQUIRE(back.has_value());
    CHECK(back->index() == message.index());
    CHECK(encode(*back) == bytes);
  }
}

TEST_CASE("fields keep their values and their width") {
  const auto messages = sample_messages();
  const auto task = decode(encode(messages[11])).value();
  const Task& read = std::get<Task>(task);
  CHECK(read.model->bytes == std::uint64_t{5} << 32);
  CHECK(read.means == std::vector<double>{1.5, 2.5});
  CHECK(read.kind == TaskKind::training);
  CHECK(read.privacy_tasks == std::vector<std::int64_t>{1, 2});
  const auto offer = decode(encode(messages[6])).value();
  CHECK(std::get<Offer>(offer).metrics[1] == std::pair<std::string, double>("accuracy", 0.5));
  CHECK(std::get<Offer>(offer).body.size() == 8);
  CHECK(std::get<Offer>(offer).attempt == 2);
  CHECK(std::get<Offer>(offer).model == Key(all<32>(7)));
  Offer plain = std::get<Offer>(messages[6]);
  plain.attempt = 0;
  plain.model.reset();
  CHECK_FALSE(std::get<Offer>(decode(encode(plain)).value()).model.has_value());
}

TEST_CASE("ciphertexts and plaintexts come whole, and not too many of them at a time") {
  const auto accepts = [](const Message& message) { return decode(encode(message)).has_value(); };
  const auto question = [](std::size_t bytes) { return DecryptSum{"job", 1, 3, 0, Bytes(bytes)}; };
  const auto answer = [](std::size_t bytes) { return DecryptedSum{"job", 1, 0, Bytes(bytes)}; };
  CHECK(accepts(question(kCiphertextsMax * kCiphertextBytes)));
  CHECK_FALSE(accepts(question((kCiphertextsMax + 1) * kCiphertextBytes)));
  CHECK_FALSE(accepts(question(kCiphertextBytes - 1)));
  CHECK_FALSE(accepts(question(0)));
  CHECK(accepts(answer(kCiphertextsMax * kPlaintextBytes)));
  CHECK_FALSE(accepts(answer((kCiphertextsMax + 1) * kPlaintextBytes)));
  CHECK_FALSE(accepts(answer(kPlaintextBytes + 1)));
  CHECK_FALSE(accepts(DecryptSum{"job", -1, 3, 0, Bytes(kCiphertextBytes)}));
  const auto back = std::get<DecryptSum>(decode(encode(decryption_samples()[1])).value());
  CHECK(std::tie(back.round, back.clients, back.first) == std::tuple(7, 40, 80));
  CHECK(encode(DecryptedSum{"job", 1, 0, Bytes(kCiphertextsMax * kPlaintextBytes)}).size() <=
        kFromClientBytesMax);
}

TEST_CASE("a message that is cut anywhere is refused") {
  for (const Message& message : sample_messages()) {
    const Bytes bytes = encode(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const auto back = decode(ByteView(bytes).first(length));
      // What is cut off may have been padding; then nothing of the message may have changed.
      if (back) CHECK(encode(*back) == bytes);
    }
  }
}

// A flipped bit may give another valid message, never one that breaks a rule, and never a crash
// (the sanitizers watch).
TEST_CASE("a flipped bit gives an error or a message within the rules") {
  std::size_t refused = 0, total = 0;
  for (const Message& message : sample_messages()) {
    const Bytes bytes = encode(message);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
      const auto back = decode(flipped);
      ++total;
      if (!back) {
        ++refused;
      } else {
        CHECK(decode(encode(*back)).has_value());
      }
    }
  }
  CHECK(refused > total / 4);
}

TEST_CASE("rules that the verifier does not know are checked") {
  const auto refuses = [](Message message) {
    const auto back = decode(encode(message));
    return !back && back.error().code == ErrorCode::malformed;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(refuses(TaskRefused{"", 1, ""}));
  CHECK(refuses(TaskRefused{"../etc", 1, ""}));
  CHECK(refuses(TaskRefused{"-x", 1, ""}));
  CHECK(refuses(TaskRefused{"Upper", 1, ""}));
  CHECK(refuses(TaskRefused{std::string(64, 'a'), 1, ""}));
  CHECK(refuses(TaskRefused{"job", -1, ""}));
  CHECK(refuses(Retry{"job", 1, "", nan}));
  CHECK(refuses(Retry{"job", 1, "", -1}));
  CHECK(refuses(Welcome{"a", "b", std::numeric_limits<double>::infinity()}));
  CHECK(refuses(JobAnswer{"job", true, -5, ""}));
  CHECK(refuses(Progress{"job", 1, static_cast<Phase>(9), 0, 0}));
  CHECK(refuses(Receipt{"job", 1, static_cast<Outcome>(3), 0, ""}));
  CHECK(refuses(Availability{true, nan, 0, 0, ""}));
  CHECK(refuses(Availability{true, 0, -1, 0, ""}));
  CHECK(refuses(Availability{true, 0, 0, std::numeric_limits<double>::infinity(), ""}));
  CHECK(refuses(Standby{"job", "", -1}));
  CHECK(refuses(Standby{"", "", 1}));
  CHECK(refuses(Await{"", 1, 0, ""}));
  CHECK(refuses(Await{"job", -1, 0, ""}));
  CHECK(refuses(Await{"job", 1, -1, ""}));
  Offer offer = std::get<Offer>(sample_messages()[6]);
  offer.metrics = {{"loss", nan}};
  CHECK(refuses(offer));
  offer.metrics.assign(kMetricsMax + 1, {"loss", 1.0});
  CHECK(refuses(offer));
  offer.metrics.clear();
  offer.bytes = 9;
  CHECK(refuses(offer));
  offer.bytes = 8;
  CHECK_FALSE(refuses(offer));
  offer.attempt = -1;
  CHECK(refuses(offer));
  Task task = std::get<Task>(sample_messages()[11]);
  task.deviations.pop_back();
  CHECK(refuses(task));
  task = std::get<Task>(sample_messages()[11]);
  task.model.reset();
  CHECK(refuses(task));
  task.kind = TaskKind::statistics;  // of which there is one, by the number 0
  CHECK(refuses(task));
  task.task = 0;
  task.privacy_tasks.clear();
  CHECK_FALSE(refuses(task));
  task = std::get<Task>(sample_messages()[11]);
  task.task = 0;
  task.privacy_tasks.clear();
  CHECK(refuses(task));
  using Tasks = std::vector<std::int64_t>;
  for (const Tasks& wrong :
       {Tasks{0}, Tasks{-1, 2}, Tasks{2, 1}, Tasks{2, 2}, Tasks{3}, Tasks{1, 2, 3}}) {
    task = std::get<Task>(sample_messages()[11]);
    task.privacy_tasks = wrong;
    CHECK(refuses(task));
  }
  task.task = 1'000'000;
  task.privacy_tasks.resize(kPrivacyTasksMax);
  std::iota(task.privacy_tasks.begin(), task.privacy_tasks.end(), 7);
  CHECK_FALSE(refuses(task));
  task.privacy_tasks.push_back(99'999);
  CHECK(refuses(task));
}

TEST_CASE("text beyond its limit is cut by the sender") {
  const auto back = decode(encode(Bye{std::string(2 * kTextMax, 'x'), true}));
  REQUIRE(back.has_value());
  CHECK(std::get<Bye>(*back).detail.size() == kTextMax);
}

TEST_CASE("random bytes are refused") {
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(static_cast<std::size_t>(round % 97));
    for (auto& byte : bytes) {
      state = state * 1664525u + 1013904223u;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
    CHECK_FALSE(decode(bytes).has_value());
  }
}

}  // namespace
}  // namespace fed::wire
