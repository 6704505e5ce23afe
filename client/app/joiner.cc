#include "app/joiner.h"

#include "cli/command.h"

namespace fed::app {
namespace {

Error hung_up() {
  return {ErrorCode::closed,
          "the server hung up before it answered: join again with the same code; if it does so "
          "again, ask the operator for a new one (fedserver invite NAME)"};
}

}  // namespace

Result<channel::ClientHandshake> join_handshake(const channel::JoinCode& code,
                                                const ClientKeys& keys, bool known) {
  std::optional<channel::JoinSecret> secret;
  if (!known) secret = channel::JoinSecret{code.id, code.psk.duplicate(crypto::Memory::plain)};
  return channel::ClientHandshake::start(
      channel::choose_suite(code.suites), keys.channel, code.server,
      crypto::X25519KeyPair::generate(crypto::Memory::plain), std::move(secret));
}

wire::Message join_request(const ClientKeys& keys, bool known, const crypto::Hash& handshake_hash) {
  if (known) return wire::Hello{wire::kProtocol, cli::version_line("fedclient")};
  return wire::Join{keys.identity.verify_key(), keys.identity.sign(handshake_hash)};
}

Joiner::Joiner(std::shared_ptr<net::Link> link) : link_(std::move(link)), result_(hung_up()) {}

Status Joiner::on_message(wire::Message message) {
  if (const auto* joined = std::get_if<wire::Joined>(&message)) {
    result_ = joined->client;
  } else if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    result_ = welcome->client;
  } else if (const auto* bye = std::get_if<wire::Bye>(&message)) {
    result_ = Error{ErrorCode::invalid, "the server refused: " + bye->detail};
  } else {
    return Error{ErrorCode::malformed, std::string("unexpected message ") + wire::name(message)};
  }
  link_->finish();
  return {};
}

Status Joiner::unexpected() { return Error{ErrorCode::malformed, "bulk bytes to a new client"}; }

void Joiner::on_closed(const Error&) {
  link_.reset();
  if (ended) ended();
}

}  // namespace fed::app
