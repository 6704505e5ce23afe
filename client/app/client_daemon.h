// `fedclient run`: the client's core (client_core.h) as a process.
//
// Two kinds of thread. The main one runs the event loop, where the core lives. Data is read on a
// second one and training happens on a third. Used from one thread; run() returns when the daemon
// ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>

#include "app/client_core.h"
#include "app/client_keys.h"
#include "app/local_workshop.h"
#include "app/tcp_dialer.h"
#include "net/asio_loop.h"

namespace fed::app {

class ClientDaemon {
 public:
  struct Options {
    bool once = false;  // end when a job has ended, or the server wants no more of this client
    std::shared_ptr<const paillier::SecretKey> decryption_key{};  // of a key holder
  };

  // `disk` (of the state), `spec` and `keys` outlive it.
  ClientDaemon(Disk& disk, const config::ClientSpec& spec, const ClientKeys& keys,
               session::Outbox outbox, session::ModelCache cache, Options options);

  // Until a signal says stop (status 0), or with `once`: 0 after a job, 1 if the server refuses.
  int run();

 private:
  ClientSurroundings surroundings(Disk& disk, const ClientKeys& keys, const Options& options);
  void schedule_watchdog();
  void await_signal();
  void end(int status);

  int exit_status_ = 0;
  boost::asio::io_context io_{1};
  boost::asio::thread_pool loading_thread_{1}, training_thread_{1};
  net::AsioLoop loop_{io_.get_executor()};
  net::AsioExecutor loading_{loading_thread_.get_executor()};
  net::AsioExecutor training_{training_thread_.get_executor()};
  TcpDialer dialer_;
  LocalWorkshop workshop_;
  ClientCore core_;
  boost::asio::signal_set signals_{io_};
  Timer watchdog_;
};

}  // namespace fed::app
