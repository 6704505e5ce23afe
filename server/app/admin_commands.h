// What the operator can ask of the daemon, one function a command. Control loop only.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/admin_server.h"
#include "app/coordinator.h"
#include "app/metrics_json.h"

namespace fed::app {

struct AdminReply {
  struct Attachment {
    File file;
    std::uint64_t bytes = 0;
  };
  Json body;
  std::optional<Attachment> file;  // follows the body
};

class AdminCommands : public std::enable_shared_from_this<AdminCommands> {
 public:
  using Answer = std::function<void(AdminReply)>;

  AdminCommands(Coordinator& coordinator, AdminIdentity identity, std::function<void()> stop);

  // `answer` is called once, now or later.
  void handle(const std::string& line, Answer answer);

 private:
  using Handler = void (AdminCommands::*)(const Json& request, Answer answer);
  static const std::map<std::string, Handler>& handlers();

  void invite(const Json& request, Answer answer);
  void clients(const Json& request, Answer answer);
  void revoke(const Json& request, Answer answer);
  void submit(const Json& request, Answer answer);
  void jobs(const Json& request, Answer answer);
  void show(const Json& request, Answer answer);
  void pause(const Json& request, Answer answer);
  void resume(const Json& request, Answer answer);
  void cancel(const Json& request, Answer answer);
  void status(const Json& request, Answer answer);
  void why(const Json& request, Answer answer);
  void export_model(const Json& request, Answer answer);
  void replay(const Json& request, Answer answer);
  void privacy(const Json& request, Answer answer);
  void drain(const Json& request, Answer answer);
  void order(const Json& request, round::JobState to, const Answer& answer);

  Coordinator& coordinator_;
  const AdminIdentity identity_;
  const std::function<void()> stop_;
};

}  // namespace fed::app
