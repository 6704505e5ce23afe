#include "world.h"

#include <charconv>

#include "secagg/packing.h"
#include "secagg/stream.h"

namespace fed::secagg {
namespace {

crypto::Hash named_seed(std::uint64_t seed, std::string_view name) {
  return Transcript("test").add_number(seed).add(name).finish();
}

}  // namespace

crypto::RandomSource seeded(std::uint64_t seed, std::string_view name) {
  const auto key = named_seed(seed, name);
  return [key, block = std::uint64_t{0}](ByteSpan into) mutable {
    crypto::chacha20_stream(key, block, into);
    block += (into.size() + crypto::kChaCha20BlockBytes - 1) / crypto::kChaCha20BlockBytes;
  };
}

World::World(const Options& given) : options(given) {
  for (std::size_t i = 0; i < options.clients; ++i) {
    const auto seed = named_seed(options.seed, "identity " + id(i));
    identities_.push_back(
        std::make_unique<crypto::Ed25519KeyPair>(crypto::SecretKey(seed, crypto::Memory::plain)));
  }
  terms.job = "test";
  terms.round = 7;
  terms.attempt = 1;
  terms.model = crypto::sha256(view("model"));
  terms.settings = crypto::sha256(view("settings"));
  terms.threat = options.threat;
  terms.clients = static_cast<std::uint32_t>(options.clients);
  terms.modulus_bits = static_cast<std::uint8_t>(options.modulus_bits);
  terms.length = options.length;
  demands.job = terms.job;
  demands.round = terms.round;
  demands.model = terms.model;
  demands.settings = terms.settings;
  demands.modulus_bits = terms.modulus_bits;
  demands.length = terms.length;
  demands.threat = terms.threat;
}

// Three digits, so that the order of the names is that of the numbers.
ClientId World::id(std::size_t client) {
  const std::string digits = std::to_string(client);
  return "client-" + std::string(3 - digits.size(), '0') + digits;
}

IdentityLookup World::identity_of() const {
  return [this](std::string_view name) -> std::optional<crypto::VerifyKey> {
    const std::size_t dash = name.rfind('-') + 1;
    std::size_t number = size();
    std::from_chars(name.data() + dash, name.data() + name.size(), number);
    if (number < size() && id(number) == name) return identities_[number]->verify_key();
    return std::nullopt;
  };
}

ClientSetup World::setup(std::size_t client) const {
  return {id(client),
          demands,
          identity(client),
          identity_of(),
          seeded(options.seed, "random " + id(client)),
          [](const crypto::Hash&) { return false; }};
}

Words World::input(std::size_t client) const {
  const auto key = named_seed(options.seed, "input " + id(client));
  Stream stream{crypto::KeyView(key)};
  Words words = zero_words(options.modulus_bits, options.length);
  std::visit(
      [&](auto& values) {
        for (auto& value : values) {
          value = static_cast<std::remove_reference_t<decltype(value)>>(
              stream.next() & modulus_mask(options.modulus_bits));
        }
      },
      words);
  return words;
}

std::vector<std::uint64_t> World::sum(const std::vector<std::size_t>& of) const {
  std::vector<std::uint64_t> total(options.length);
  for (std::size_t client : of) {
    const auto values = values_of(input(client));
    for (std::size_t i = 0; i < total.size(); ++i) {
      total[i] = (total[i] + values[i]) & modulus_mask(options.modulus_bits);
    }
  }
  return total;
}

std::vector<std::uint64_t> values_of(const Words& words) {
  return std::visit(
      [](const auto& values) { return std::vector<std::uint64_t>(values.begin(), values.end()); },
      words);
}

Play::Play(const World& of)
    : world(of),
      server(of.server()),
      present(of.size(), true),
      inputs(of.size()),
      masked(zero_words(of.terms.modulus_bits, of.terms.length)) {
  for (std::size_t i = 0; i < of.size(); ++i) clients.push_back(of.client(i));
}

bool Play::here(Step step, std::size_t client) {
  if (present[client] && absent(step, client)) present[client] = false;
  return present[client];
}

void Play::refused(std::size_t client, Status status) {
  if (status) return;
  refused_by_server.push_back(std::move(status));
  present[client] = false;
}

template <class T>
bool Play::answered(std::size_t client, const Answer<T>& answer) {
  if (answer) return true;
  refused_by_client.push_back(answer.error());
  present[client] = false;
  return false;
}

Attempt<void> Play::advertise() {
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (!here(Step::advertise, i)) continue;
    auto keys = clients[i].advertise(world.terms);
    if (!answered(i, keys)) continue;
    if (alter_keys) alter_keys(i, *keys);
    refused(i, server.keys(*keys));
  }
  FED_ASSIGN(closed, server.close_keys());
  roster = std::move(closed);
  for (const SignedKeys& keys : roster.entries) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (World::id(i) == keys.id) numbers.push_back(i);
    }
  }
  return {};
}

Attempt<void> Play::share() {
  for (Member member = 0; member < numbers.size(); ++member) {
    const std::size_t i = numbers[member];
    if (!here(Step::share, i)) continue;
    auto message = clients[i].share(roster);
    if (!answered(i, message)) continue;
    if (alter_shares) alter_shares(i, *message);
    refused(i, server.shares(member, *message));
  }
  return server.close_shares();
}

Attempt<void> Play::mask() {
  for (Member member = 0; member < numbers.size(); ++member) {
    const std::size_t i = numbers[member];
    if (!here(Step::mask, i)) continue;
    auto input = clients[i].mask(server.delivery(member), world.input(i));
    if (!answered(i, input)) continue;
    if (alter_input) alter_input(i, *input);
    inputs[i] = *input;
    refused(i, receive(member, *input));
  }
  FED_ASSIGN(closed, server.close_inputs());
  set = std::move(closed);
  return {};
}

Status Play::receive(Member from, ByteView packed) {
  const unsigned bits = world.terms.modulus_bits;
  FED_TRY(check_packed(packed, bits, world.terms.length));
  FED_TRY(server.input(from));
  add_packed(packed, bits, masked);
  return {};
}

Attempt<void> Play::sign() {
  for (Member member : set.survivors) {
    const std::size_t i = numbers[member];
    if (!here(Step::sign, i)) continue;
    auto signature = clients[i].sign(set);
    if (!answered(i, signature)) continue;
    if (alter_signature) alter_signature(i, *signature);
    refused(i, server.signature(member, *signature));
  }
  FED_ASSIGN(closed, server.close_signatures());
  signatures = std::move(closed);
  return {};
}

void Play::unmask() {
  for (Member member : set.survivors) {
    const std::size_t i = numbers[member];
    if (!here(Step::unmask, i)) continue;
    auto revelation = clients[i].unmask(signatures);
    if (!answered(i, revelation)) continue;
    if (alter_revelation) alter_revelation(i, *revelation);
    const auto used = server.reveal(member, *revelation);
    if (!used) refused(i, used.error());
  }
}

Attempt<void> Play::until(Step last) {
  FED_TRY(advertise());
  if (last >= Step::share) FED_TRY(share());
  if (last >= Step::mask) FED_TRY(mask());
  if (last >= Step::sign) FED_TRY(sign());
  if (last >= Step::unmask) unmask();
  return {};
}

Attempt<Words> Play::run() {
  FED_TRY(until(Step::unmask));
  return finish();
}

std::vector<std::size_t> Play::survivors() const {
  std::vector<std::size_t> found;
  for (Member member : set.survivors) found.push_back(numbers[member]);
  return found;
}

}  // namespace fed::secagg
