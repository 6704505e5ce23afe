// The other end of a real connection, played by the test: it says what the test wants said, in the
// order that the test wants, and writes down what it hears.
#pragma once

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <memory>

#include "../sealed_version.h"
#include "../testing.h"
#include "channel/join_code.h"
#include "net/connection.h"
#include "net/listener.h"

namespace fed::test {

// Runs its event loop only inside `expect` and its kin, on the test's thread.
class FakeServer {
 public:
  FakeServer() {
    directory_.allow = [](const crypto::PublicKey&) -> Status { return {}; };
    directory_.psk_of = [this](const channel::JoinId& id) -> Result<crypto::SecretKey> {
      if (id != join_id) return Error{ErrorCode::not_found, "no such invite"};
      return psk_.duplicate(crypto::Memory::plain);
    };
    const auto accepted = [this](boost::asio::ip::tcp::socket socket,
                                 channel::Established established, const std::string&) {
      accept(std::move(socket), std::move(established));
    };
    listener_.emplace(std::vector<boost::asio::any_io_executor>{io_.get_executor()}, identity_,
                      directory_, net::ListenerOptions{}, accepted);
    REQUIRE(listener_->listen("127.0.0.1:0"));
  }
  ~FakeServer() { connection_.reset(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(listener_->port()); }
  const crypto::PublicKey& public_key() const { return identity_.public_key(); }
  channel::JoinCode invitation() const {
    return {channel::set_of(channel::Suite::chachapoly), public_key(), join_id,
            psk_.duplicate(crypto::Memory::plain), address()};
  }

  // The next message of this type; others that come before it are passed over.
  template <class M>
  M expect() {
    M found;
    run_until([&] {
      while (!heard_.empty()) {
        const wire::Message message = std::move(heard_.front());
        heard_.pop_front();
        if (const auto* m = std::get_if<M>(&message)) {
          found = *m;
          return true;
        }
      }
      return false;
    });
    return found;
  }
  void expect_upload(std::size_t bytes) {
    run_until([&] { return uploaded.size() >= bytes; });
  }
  void expect_close() {
    run_until([&] { return connection_ == nullptr; });
  }

  void send(const wire::Message& message) { connection_->send(message); }
  // Bytes [begin, end) of what is sealed.
  void send_sealed(const Version& version, std::uint64_t begin, std::uint64_t end) {
    const fs::path file = scratch_.path() / "sealed";
    REQUIRE(replace_file(file, version.sealed, Durability::process));
    auto opened = File::open_to_read(file);
    REQUIRE(opened);
    bulk_sent_ = false;
    connection_->send_bulk(
        net::SealedDownload{std::make_shared<File>(std::move(*opened)), begin, end});
  }
  // All that was sent arrives, then the session ends in good order.
  void finish() {
    run_until([&] { return bulk_sent_; });
    connection_->finish();
    expect_close();
  }
  // The link breaks.
  void hang_up() {
    connection_->abort(Error{ErrorCode::closed, "the test hangs up"});
    expect_close();
  }

  // Of the chunks that came under `upload`, from its start.
  Bytes uploaded;
  std::uint64_t upload = 1;
  std::size_t hang_up_at = SIZE_MAX;  // as soon as so much has been uploaded
  channel::JoinId join_id{1, 2, 3, 4, 5, 6, 7, 8};
  crypto::Hash handshake_hash{};
  crypto::PublicKey peer{};
  int connections = 0;

 private:
  class Ear final : public net::Handler {
   public:
    explicit Ear(FakeServer& server) : server_(server) {}
    Status on_message(wire::Message message) override {
      server_.heard_.push_back(std::move(message));
      return {};
    }
    Status on_chunk(std::uint64_t of_upload, std::uint64_t offset, ByteView data) override {
      if (of_upload != server_.upload) return {};
      CHECK(offset == server_.uploaded.size());
      append(server_.uploaded, data);
      if (server_.uploaded.size() >= server_.hang_up_at) {
        server_.connection_->abort(Error{ErrorCode::closed, "the test hangs up"});
      }
      return {};
    }
    Status on_sealed(ByteView) override { return Error{ErrorCode::malformed, "sealed"}; }
    void on_bulk_sent() override { server_.bulk_sent_ = true; }
    void on_closed(const Error&) override { server_.connection_.reset(); }

   private:
    FakeServer& server_;
  };

  void accept(boost::asio::ip::tcp::socket socket, channel::Established established) {
    ++connections;
    heard_.clear();
    handshake_hash = established.handshake_hash;
    peer = established.peer;
    connection_ = std::make_shared<net::Connection>(
        std::move(socket), std::move(established.transport), net::Connection::Limits{});
    connection_->start(std::make_shared<Ear>(*this));
  }

  // The deadline is for a test that would otherwise never end.
  template <class Condition>
  void run_until(Condition condition) {
    const Instant deadline = now() + from_seconds(60);
    while (!condition()) {
      REQUIRE(now() < deadline);
      io_.restart();
      io_.run_one_for(std::chrono::seconds(1));
    }
  }

  Scratch scratch_;
  crypto::X25519KeyPair identity_ = crypto::X25519KeyPair::generate(crypto::Memory::plain);
  crypto::SecretKey psk_ = crypto::SecretKey::random(crypto::Memory::plain);
  channel::ServerDirectory directory_;
  std::deque<wire::Message> heard_;
  bool bulk_sent_ = true;
  std::shared_ptr<net::Connection> connection_;
  boost::asio::io_context io_{1};
  std::optional<net::Listener> listener_;
};

}  // namespace fed::test
