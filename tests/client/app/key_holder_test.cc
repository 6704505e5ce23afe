// A key holder before a server that wants more of it than the sum of each round.
#include "app/key_holder.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "../session/state_disk.h"
#include "base/log.h"
#include "coding/encrypted_vector.h"
#include "config/job.h"
#include "core_bench.h"

namespace fed::app {
namespace {

std::shared_ptr<const paillier::SecretKey> new_key() {
  crypto::Wiped<crypto::kKeyBytes> seed;
  crypto::random_bytes(seed.span());
  return std::make_shared<const paillier::SecretKey>(paillier::SecretKey::from_seed(seed.view()));
}

const std::shared_ptr<const paillier::SecretKey>& key() {
  static const auto made = new_key();
  return made;
}

// So many features that a sum has more than one message of ciphertexts; none for statistics.
wire::JobOffer offer(const std::string& public_key, int features = 20'000) {
  const std::string text = R"({"name": "job", "model": {"type": "linear", "inputs": )" +
                           std::to_string(features) +
                           R"(, "outputs": 1}, "rounds": {"max": 9, "cohort": 5},
      "aggregation": {"weighting": "uniform"},
      "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}},
      "homomorphic_encryption": {"key_holder": "h", "public_key": ")" +
                           public_key + "\"}}";
  return {"job", config::parse_job(text).value().text};
}

struct World : test::StateDisk {
  test::ManualLoop loop;
  std::vector<wire::Message> sent;
  std::string refused;  // as its own people are told
  std::optional<KeyHolder> holder;

  explicit World(std::int64_t clients_min = 3) { start(clients_min); }
  void start(std::int64_t clients_min = 3) {
    holder.emplace(KeyHolder::Setup{
        .key = key(),
        .disk = disk,
        .state_dir = "/state",
        .clients_min = clients_min,
        .loop = loop,
        .work = loop,
        .send = [this](wire::Message message) { sent.push_back(std::move(message)); },
        .refused = [this](const wire::DecryptSum&, const Error& why) { refused = why.detail; }});
    holder->offered(offer(coding::to_text(key()->public_key())));
    sent.clear();
  }
  wire::Message ask(const wire::DecryptSum& question) {
    sent.clear();
    holder->on(question);
    loop.pass(0);
    REQUIRE(sent.size() == 1);
    return sent.front();
  }
  bool decrypts(const wire::DecryptSum& question) {
    return std::holds_alternative<wire::DecryptedSum>(ask(question));
  }
  std::string refusal(const wire::DecryptSum& question) {
    const auto answer = ask(question);
    REQUIRE(std::holds_alternative<wire::DecryptionRefused>(answer));
    return std::get<wire::DecryptionRefused>(answer).detail;
  }
};

Bytes ciphertext(std::uint64_t number) {
  paillier::Plaintext plaintext;
  plaintext.span()[0] = number;
  const auto& to = key()->public_key();
  return copy(paillier::encrypt(to, plaintext, paillier::Randomness::draw(to, crypto::random_bytes))
                  ->bytes());
}

TEST_CASE("key holder: it says so of jobs with its key only") {
  World world;
  world.holder->offered(offer(coding::to_text(key()->public_key())));
  REQUIRE(world.sent.size() == 1);
  CHECK(std::get<wire::KeyHeld>(world.sent[0]).job == "job");
  world.holder->offered(offer(coding::to_text(new_key()->public_key())));
  world.holder->offered({"job", "{}"});
  CHECK(world.sent.size() == 1);
}

TEST_CASE("key holder: a sum is decrypted, the same one again too, and after a restart") {
  World world;
  const wire::DecryptSum question{"job", 4, 3, 0, ciphertext(77)};
  const auto first = std::get<wire::DecryptedSum>(world.ask(question));
  CHECK(first.round == 4);
  REQUIRE(first.plaintexts.size() == wire::kPlaintextBytes);
  CHECK(load_le<std::uint64_t>(first.plaintexts.data()) == 77);
  CHECK(world.decrypts(question));
  world.cut_power();
  world.start();
  CHECK(world.decrypts(question));
  CHECK_THAT(world.refusal({"job", 4, 3, 0, ciphertext(77)}), Catch::Contains("another sum"));
}

TEST_CASE("key holder: another sum of a round, or one of an earlier round, is refused") {
  World world;
  CHECK(world.decrypts({"job", 4, 3, 0, ciphertext(1)}));
  CHECK_THAT(world.refusal({"job", 4, 5, 0, ciphertext(2)}), Catch::Contains("another sum"));
  CHECK_THAT(world.refusal({"job", 3, 5, 0, ciphertext(2)}), Catch::Contains("earlier"));
  CHECK(world.decrypts({"job", 5, 5, 0, ciphertext(2)}));
}

TEST_CASE("key holder: a stretch that overlaps another, or that no sum has, is refused") {
  World world;
  const std::string nowhere = "no such ciphertexts";
  CHECK_THAT(world.refusal({"job", 4, 3, 1, ciphertext(1)}), Catch::Contains(nowhere));
  CHECK_THAT(world.refusal({"job", 4, 3, 8000, ciphertext(1)}), Catch::Contains(nowhere));
  CHECK(world.decrypts({"job", 4, 3, 80, ciphertext(1)}));
  // A job without columns to scale has no statistics.
  CHECK_THAT(world.refusal({"job", 0, 3, 0, ciphertext(1)}), Catch::Contains(nowhere));
}

TEST_CASE("key holder: too few clients, and jobs of others, are refused") {
  World world(5);
  CHECK_THAT(world.refusal({"job", 4, 4, 0, ciphertext(1)}), Catch::Contains("at least 5"));
  CHECK_THAT(world.refusal({"other", 4, 5, 0, ciphertext(1)}), Catch::Contains("no key"));
  CHECK(world.decrypts({"job", 4, 5, 0, ciphertext(1)}));
}

TEST_CASE("key holder: more rounds than the job has are refused, and leave no trace") {
  World world;
  CHECK_THAT(world.refusal({"job", 10, 3, 0, ciphertext(1)}), Catch::Contains("no round 10"));
  CHECK(world.decrypts({"job", 8, 3, 0, ciphertext(1)}));
  CHECK(world.decrypts({"job", 9, 3, 0, ciphertext(2)}));
}

TEST_CASE("key holder: what is no ciphertext is refused, and what cannot be recorded") {
  World world;
  CHECK_FALSE(world.decrypts({"job", 4, 3, 0, Bytes(wire::kCiphertextBytes)}));
  world.fill_up();
  CHECK_THAT(world.refusal({"job", 5, 3, 0, ciphertext(1)}), Catch::Contains("log"));
}

TEST_CASE(
    "key holder: why it cannot is for its own people, with the file, and not for the server") {
  World world;
  std::string jobs;
  for (std::size_t i = 0; i < session::kDecryptionJobsMax; ++i)
    jobs += fmt::format("old{} 1 0 {}\n", i, to_hex(crypto::Hash{}));
  SECTION("a full record") { world.write("/state/decrypted", jobs); }
  SECTION("a damaged one") { world.write("/state/decrypted", "nonsense\n"); }
  SECTION("no folder for it") { REQUIRE(world.disk.remove("/state")); }
  CHECK(world.refusal({"job", 5, 3, 0, ciphertext(1)}) == "the key holder's own log says why");
  CHECK_THAT(world.refused, Catch::Contains("/state"));
}

TEST_CASE("key holder: a sum is in the log once, however many stretches it has") {
  World world;
  std::vector<std::string> said;
  log::redirect([&](log::Level, std::string_view line) {
    if (line.find("decrypting") != std::string_view::npos) said.emplace_back(line);
  });
  CHECK(world.decrypts({"job", 4, 3, 0, ciphertext(1)}));
  CHECK(world.decrypts({"job", 4, 3, 80, ciphertext(2)}));
  CHECK(said ==
        std::vector<std::string>{"job job round 4: decrypting the sum of 3 clients' updates"});
  CHECK(world.decrypts({"job", 5, 4, 0, ciphertext(3)}));
  CHECK(said.size() == 2);
  log::redirect(nullptr);
}

TEST_CASE("key holder: its file holds a key of 32 bytes, and always the same pair") {
  test::StateDisk state;
  CHECK(load_decryption_key(state.disk, "/state/key").error().code == ErrorCode::not_found);
  const auto made = load_or_create_decryption_key(state.disk, "/state/key");
  REQUIRE(made.has_value());
  CHECK(state.text("/state/key").size() == 65);  // 64 digits and a newline
  CHECK(load_decryption_key(state.disk, "/state/key")->public_key() == made->public_key());
}

}  // namespace
}  // namespace fed::app
