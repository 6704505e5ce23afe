#include "server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/admin_client.h"
#include "app/identity.h"
#include "clocks.h"
#include "crypto/random.h"
#include "store/journal.h"

namespace fed::bench {
namespace {

constexpr int kReadySecondsMax = 300;
constexpr double kReconnectSecondsMax = 0.1;  // so that a restart is noticed at once
constexpr std::int64_t kNow = 1'700'000'000;  // of the joining; nothing depends on it
constexpr std::int64_t kYear = 365 * 86400;

// A descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// One that nobody has at the moment.
Result<std::uint16_t> free_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, size) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    return from_errno("a free port", errno);
  }
  return ntohs(address.sin_port);
}

Member make_member(std::size_t index) {
  Member member{
      {},
      {crypto::X25519KeyPair::generate(crypto::Memory::plain), crypto::Ed25519KeyPair::generate()}};
  member.spec.name = "client-" + std::to_string(index);
  return member;
}

Status enrol(store::Journal& journal, const Member& member) {
  store::Invite invite{crypto::random_array<8>(), member.spec.name, crypto::SecretKey::random(),
                       kNow + kYear};
  const store::InviteId id = invite.id;
  FED_TRY(journal.add_invite(invite));
  const auto taken = journal.take_invite(id, member.keys.channel.public_key(),
                                         member.keys.identity.verify_key(), kNow);
  return taken ? Status() : Status(taken.error());
}

// What sd_notify(3) calls an abstract socket; its name is made by the kernel.
Result<std::string> bind_notifications(int socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof address.sun_family;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket, generic, size) != 0) return from_errno("the notification socket", errno);
  size = sizeof address;
  if (::getsockname(socket, generic, &size) != 0) return from_errno("its name", errno);
  const std::size_t length = size - sizeof address.sun_family;
  return "@" + std::string(address.sun_path + 1, length - 1);
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* program, const char* config, int log,
                         char* const* environment) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(log, STDERR_FILENO);
  ::dup2(log, STDOUT_FILENO);
  char* const arguments[] = {const_cast<char*>(program), const_cast<char*>("run"),
                             const_cast<char*>("--config"), const_cast<char*>(config), nullptr};
  ::execve(program, arguments, environment);
  ::_exit(127);
}

std::vector<std::string> environment_with(const std::string& notifications) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("NOTIFY_SOCKET=")) all.emplace_back(*entry);
  }
  all.push_back("NOTIFY_SOCKET=" + notifications);
  return all;
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const fs::path& program,
                                                            Workspace& workspace,
                                                            std::size_t members,
                                                            const Options& options) {
  std::unique_ptr<ServerProcess> server(new ServerProcess(program, workspace));
  FED_TRY(server->prepare(members, options));
  FED_TRY(server->launch());
  return server;
}

ServerProcess::~ServerProcess() {
  kill();
  std::error_code ignored;
  fs::remove_all(spec_.state_dir, ignored);
}

Status ServerProcess::prepare(std::size_t members, const Options& options) {
  FED_ASSIGN(port, free_port());
  spec_.listen = "127.0.0.1:" + std::to_string(port);
  spec_.state_dir = workspace_.fresh("server");
  spec_.admin_socket = spec_.state_dir / "admin.sock";
  spec_.io_threads = options.io_threads;
  spec_.compute_threads = options.compute_threads;
  spec_.durability = options.durability;
  spec_.limits.connections_max = static_cast<std::int64_t>(members + 16);
  spec_.limits.memory_bytes_max = options.memory_bytes_max;
  spec_.limits.idle_s = options.idle_s;
  config_file_ = spec_.state_dir / "server.json";
  FED_TRY(replace_file(config_file_, view(config::to_text(spec_)), Durability::process));
  FED_ASSIGN(identity, app::load_identity(real_disk(), spec_.state_dir));
  FED_ASSIGN(journal, store::Journal::open(real_disk(), spec_.state_dir / "registry.db",
                                           {.durability = Durability::process}));
  for (std::size_t i = 0; i < members; ++i) {
    Member member = make_member(i);
    member.spec.server = spec_.listen;
    member.spec.reconnect_s_max = kReconnectSecondsMax;
    member.spec.server_key = to_base64url(identity.public_key());
    FED_TRY(enrol(journal, member));
    members_.push_back(std::move(member));
  }
  return {};
}

Status ServerProcess::launch() {
  const Descriptor notifications(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  FED_ASSIGN(name, bind_notifications(notifications.get()));
  const fs::path log = spec_.state_dir / "log";
  const Descriptor output(::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600));
  std::vector<std::string> environment = environment_with(name);
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return from_errno("fork", errno);
  if (child == 0) {
    become(program_.c_str(), config_file_.c_str(), output.get(), pointers.data());
  }
  process_ = child;
  workspace_.adopt(child);
  return await_ready(notifications.get());
}

Status ServerProcess::await_ready(int notifications) const {
  const Descriptor end(static_cast<int>(::syscall(SYS_pidfd_open, process_, 0)));
  for (;;) {
    pollfd waiting[] = {{notifications, POLLIN, 0}, {end.get(), POLLIN, 0}};
    if (::poll(waiting, 2, kReadySecondsMax * 1000) <= 0) break;
    if (waiting[0].revents != 0) {
      char text[4096];
      const auto length = ::recv(notifications, text, sizeof text, 0);
      const std::string_view said(text, length > 0 ? static_cast<std::size_t>(length) : 0);
      if (said.find("READY=1") != std::string_view::npos) return {};
    } else if (waiting[1].revents != 0) {
      break;
    }
  }
  return Error{ErrorCode::closed, "fedserver did not start: " + last_words()};
}

void ServerProcess::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  workspace_.release(process_);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

Status ServerProcess::restart() {
  kill();
  return launch();
}

void ServerProcess::stop() {
  if (process_ <= 0) return;
  ::kill(process_, SIGTERM);
  ::kill(process_, SIGINT);  // the second one does not wait for rounds
  workspace_.release(process_);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

Result<nlohmann::json> ServerProcess::ask(const nlohmann::json& request) const {
  FED_ASSIGN(client, app::AdminClient::connect(spec_.admin_socket));
  return client.ask(request);
}

Status ServerProcess::submit(const std::string& job) const {
  const auto answer = ask({{"command", "submit"}, {"job", job}});
  return answer ? Status() : Status(within("the job was refused", answer.error()));
}

double ServerProcess::cpu_seconds() const { return process_cpu_seconds(process_); }

std::string ServerProcess::last_words() const {
  constexpr std::size_t kMost = 2000;
  const auto log = read_file(spec_.state_dir / "log", 1 << 30);
  if (!log) return "";
  const std::string_view all = text(*log);
  return std::string(all.substr(all.size() > kMost ? all.size() - kMost : 0));
}

}  // namespace fed::bench
