#include "limits.h"

#include <arpa/inet.h>
#include <cblas.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "base/file.h"
#include "channel/records.h"
#include "channel/sealed_blob.h"
#include "clocks.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"
#include "net/bulk.h"
#include "numbers.h"

namespace fed::bench {
namespace {

constexpr double kSeconds = 0.25;  // of one measurement
constexpr int kRepeats = 5;        // whose median counts
constexpr std::size_t kRecordPlainBytes = 1 + net::kChunkHeaderBytes + net::kChunkDataMax;
constexpr std::size_t kLargeBytes = std::size_t{256} << 20;
constexpr std::size_t kSocketPieceBytes = 256 * 1024;

// CPU seconds that one call of `step` takes, repeated.
template <class Step>
double cpu_of(double effort, Step step) {
  std::vector<double> each;
  for (int i = 0; i < kRepeats; ++i) {
    const double begin = thread_cpu_seconds();
    double used = 0;
    std::size_t calls = 0;
    do {
      step();
      ++calls;
      used = thread_cpu_seconds() - begin;
    } while (used < kSeconds / kRepeats * effort);
    each.push_back(used / static_cast<double>(calls));
  }
  return median(each);
}

constexpr crypto::Aead kAead = crypto::Aead::aes256_gcm;

// As many records as a socket's buffer holds, so that the memory is as warm as it is there.
struct Sealed {
  static constexpr std::size_t kCount = 4;
  explicit Sealed(std::size_t plain_bytes) : key(kAead, crypto::SecretKey::random().view()) {
    for (Bytes& record : records) record.resize(plain_bytes + crypto::kTagBytes, 1);
  }
  void seal(crypto::Nonce nonce = {}) {
    for (Bytes& record : records) {
      key.seal(nonce, {}, ByteView(record).first(record.size() - crypto::kTagBytes), record);
    }
  }
  void open() {
    for (Bytes& record : records) FED_CHECK(key.open({}, {}, record));
  }
  double bytes() const {
    return static_cast<double>(kCount * (records[0].size() - crypto::kTagBytes));
  }

  crypto::AeadKey key;
  Bytes records[kCount];
};

double seal_cost(std::size_t plain_bytes, double effort) {
  Sealed sealed(plain_bytes);
  return cpu_of(effort, [&] { sealed.seal(); }) / sealed.bytes();
}

// Opening needs something that opens: seal and open together, less the sealing.
double open_cost(std::size_t plain_bytes, double effort) {
  Sealed sealed(plain_bytes);
  std::vector<double> each;
  for (int i = 0; i < kRepeats; ++i) {
    double used = 0;
    std::size_t calls = 0;
    while (used < kSeconds / kRepeats * effort) {
      sealed.seal();
      const double begin = thread_cpu_seconds();
      sealed.open();
      used += thread_cpu_seconds() - begin;
      ++calls;
    }
    each.push_back(used / static_cast<double>(calls));
  }
  return median(each) / sealed.bytes();
}

struct Pair {
  int client = -1, server = -1;
  ~Pair() {
    ::close(client);
    ::close(server);
  }
};

void connect(Pair& pair) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  FED_CHECK(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0);
  FED_CHECK(::getsockname(listener, generic, &size) == 0);
  pair.client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FED_CHECK(::connect(pair.client, generic, size) == 0);
  pair.server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  FED_CHECK(pair.server >= 0);
  ::close(listener);
  const int yes = 1;
  for (const int end : {pair.client, pair.server}) {
    ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
}

void send_all(int socket, ByteView bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    FED_CHECK(sent > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

struct TcpCost {
  double wall = 0, cpu = 0;  // per byte
};

TcpCost stream_over_tcp(std::size_t bytes) {
  Pair pair;
  connect(pair);
  double sender_cpu = 0;
  const double cpu = thread_cpu_seconds();
  const Stopwatch watch;
  std::thread sender([&] {
    const Bytes piece(kSocketPieceBytes, 1);
    for (std::size_t left = bytes; left > 0; left -= std::min(left, piece.size())) {
      send_all(pair.client, ByteView(piece).first(std::min(left, piece.size())));
    }
    sender_cpu = thread_cpu_seconds();
  });
  Bytes buffer(kSocketPieceBytes);
  for (std::size_t left = bytes; left > 0;) {
    const auto got = ::recv(pair.server, buffer.data(), buffer.size(), 0);
    FED_CHECK(got > 0);
    left -= static_cast<std::size_t>(got);
  }
  const double wall = watch.seconds();
  const double own = thread_cpu_seconds() - cpu;
  sender.join();
  const auto size = static_cast<double>(bytes);
  return {wall / size, (own + sender_cpu) / size};
}

double round_trip(std::size_t count) {
  Pair pair;
  connect(pair);
  std::thread echo([&] {
    for (std::size_t i = 0; i < count; ++i) {
      char byte = 0;
      FED_CHECK(::recv(pair.server, &byte, 1, 0) == 1 && ::send(pair.server, &byte, 1, 0) == 1);
    }
  });
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    char byte = 0;
    FED_CHECK(::send(pair.client, &byte, 1, 0) == 1 && ::recv(pair.client, &byte, 1, 0) == 1);
  }
  const double wall = watch.seconds();
  echo.join();
  return wall / static_cast<double>(count);
}

// Four sums, so that the loop waits for memory and not for its own additions.
float sum_of(std::span<const float> values) {
  float sums[64] = {};
  for (std::size_t i = 0; i + 64 <= values.size(); i += 64) {
    for (std::size_t lane = 0; lane < 64; ++lane) sums[lane] += values[i + lane];
  }
  float sum = 0;
  for (const float each : sums) sum += each;
  return sum;
}

volatile float result_that_is_used;

double write_and_sync(const std::string& folder, std::size_t bytes) {
  const fs::path path = fs::path(folder) / "disk-rate";
  const Bytes piece(std::size_t{4} << 20, 1);
  const auto file = File::open_to_write(path);
  FED_CHECK(file);
  const Stopwatch watch;
  for (std::size_t at = 0; at < bytes; at += piece.size()) FED_CHECK(file->write_at(at, piece));
  FED_CHECK(file->sync(Durability::power));
  const double wall = watch.seconds();
  FED_CHECK(remove_file(path));
  return wall / static_cast<double>(bytes);
}

}  // namespace

template <class Measure>
double MachineLimits::once(const char* name, Measure measure) {
  const auto known = known_.find(name);
  if (known != known_.end()) return known->second;
  return known_[name] = measure();
}

double MachineLimits::open_record() {
  return once("open_record_s_per_byte", [&] { return open_cost(kRecordPlainBytes, effort_); });
}

double MachineLimits::seal_record() {
  return once("seal_record_s_per_byte", [&] { return seal_cost(kRecordPlainBytes, effort_); });
}

double MachineLimits::open_blob() {
  return once("open_blob_s_per_byte", [&] { return open_cost(channel::kBlobChunkBytes, effort_); });
}

double MachineLimits::hash() {
  return once("sha256_s_per_byte", [&] {
    const Bytes block(channel::kBlobChunkBytes, 1);
    crypto::Sha256 hasher;
    const double each = cpu_of(effort_, [&] { hasher.update(block); });
    return each / static_cast<double>(block.size());
  });
}

double MachineLimits::memcpy() {
  return once("memcpy_s_per_byte", [&] {
    const Bytes from(kLargeBytes / 4, 1);
    Bytes to(from.size(), 2);
    const double each = cpu_of(effort_, [&] { std::memcpy(to.data(), from.data(), to.size()); });
    return each / static_cast<double>(from.size());
  });
}

double MachineLimits::read_memory() {
  return once("read_memory_s_per_byte", [&] {
    const std::vector<float> values(kLargeBytes / sizeof(float), 1.0F);
    const double each = cpu_of(effort_, [&] { result_that_is_used = sum_of(values); });
    return each / static_cast<double>(kLargeBytes);
  });
}

void MachineLimits::measure_tcp() {
  if (known_.contains("tcp_wall_s_per_byte")) return;
  std::vector<double> walls, cpus;
  const auto bytes = static_cast<std::size_t>(effort_ * (std::size_t{512} << 20));
  for (int i = 0; i < kRepeats; ++i) {
    const TcpCost cost = stream_over_tcp(bytes);
    walls.push_back(cost.wall);
    cpus.push_back(cost.cpu);
  }
  known_["tcp_wall_s_per_byte"] = median(walls);
  known_["tcp_cpu_s_per_byte"] = median(cpus);
}

double MachineLimits::tcp_wall() {
  measure_tcp();
  return known_["tcp_wall_s_per_byte"];
}

double MachineLimits::tcp_cpu() {
  measure_tcp();
  return known_["tcp_cpu_s_per_byte"];
}

double MachineLimits::tcp_round_trip() {
  return once("tcp_round_trip_s",
              [&] { return round_trip(static_cast<std::size_t>(10'000 * effort_)); });
}

double MachineLimits::x25519() {
  return once("x25519_s", [&] {
    const auto own = crypto::X25519KeyPair::generate(crypto::Memory::plain);
    const auto peer = crypto::X25519KeyPair::generate(crypto::Memory::plain);
    return cpu_of(effort_, [&] { FED_CHECK(own.dh(peer.public_key())); });
  });
}

double MachineLimits::disk(const std::string& folder) {
  return once("disk_write_and_sync_s_per_byte", [&] {
    const auto bytes = static_cast<std::size_t>(effort_ * static_cast<double>(kLargeBytes));
    return write_and_sync(folder, std::max<std::size_t>(bytes, std::size_t{4} << 20));
  });
}

Json MachineLimits::to_json() const {
  Json json = Json::object();
  for (const auto& [name, value] : known_) json[name] = value;
  return json;
}

double sgemm_seconds(const Product& p, double effort) {
  const auto size = [](int rows, int columns) { return static_cast<std::size_t>(rows * columns); };
  const std::vector<float> a(size(p.m, p.k), 0.5F), b(size(p.k, p.n), 0.5F);
  std::vector<float> c(size(p.m, p.n));
  return cpu_of(effort, [&] {
    cblas_sgemm(CblasRowMajor, p.transpose_a ? CblasTrans : CblasNoTrans,
                p.transpose_b ? CblasTrans : CblasNoTrans, p.m, p.n, p.k, 1.0F, a.data(),
                p.transpose_a ? p.m : p.k, b.data(), p.transpose_b ? p.k : p.n, 0.0F, c.data(),
                p.n);
  });
}

}  // namespace fed::bench
