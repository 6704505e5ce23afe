#include <flatbuffers/flatbuffers.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "wire/messages.h"
#include "wire_generated.h"

namespace fed::wire {
namespace {

constexpr flatbuffers::uoffset_t kDepthMax = 8;
constexpr flatbuffers::uoffset_t kTablesMax = 64;
constexpr std::align_val_t kAlignment{64};

// The first broken rule of a message; the readers below go on with harmless values after it.
class Checker {
 public:
  void require(bool holds, const char* field) {
    if (!holds && problem_.empty()) problem_ = field;
  }
  const std::string& problem() const { return problem_; }

  std::string text(const flatbuffers::String* from, const char* field, std::size_t max = kTextMax) {
    if (from == nullptr) return {};
    require(from->size() <= max, field);
    return from->str();
  }
  // 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit: it names folders.
  std::string job(const flatbuffers::String* from) {
    std::string value = text(from, "job", 63);
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    require(!value.empty() && value[0] != '-' && value[0] != '_', "job");
    for (char c : value) require(allowed(c), "job");
    return value;
  }
  std::int64_t count(std::int64_t value, const char* field) {
    require(value >= 0, field);
    return value;
  }
  double seconds(double value, const char* field) {
    require(std::isfinite(value) && value >= 0, field);
    return value;
  }
  double rate(double value, const char* field) { return seconds(value, field); }
  template <std::size_t N>
  std::array<std::uint8_t, N> array(const flatbuffers::Vector<std::uint8_t>* from,
                                    const char* field) {
    std::array<std::uint8_t, N> value{};
    require(from != nullptr && from->size() == N, field);
    if (from != nullptr && from->size() == N) std::copy(from->begin(), from->end(), value.begin());
    return value;
  }
  // Copied bytes by bytes: the verifier lets a vector of doubles begin at any multiple of four.
  std::vector<double> numbers(const flatbuffers::Vector<double>* from, const char* field) {
    if (from == nullptr) return {};
    require(from->size() <= kColumnsMax, field);
    std::vector<double> values(from->size());
    if (!values.empty()) std::memcpy(values.data(), from->Data(), values.size() * sizeof(double));
    for (double value : values) require(std::isfinite(value), field);
    return values;
  }
  template <class To, class From>
  To tag(From value, From last, const char* field) {
    require(static_cast<std::uint8_t>(value) <= static_cast<std::uint8_t>(last), field);
    return static_cast<To>(value);
  }

 private:
  std::string problem_;
};

Message read(const fb::Hello& m, Checker& c) {
  return Hello{m.protocol(), c.text(m.software(), "software")};
}
Message read(const fb::Join& m, Checker& c) {
  return Join{c.array<32>(m.identity_key(), "identity_key"),
              c.array<64>(m.signature(), "signature")};
}
Message read(const fb::JobAnswer& m, Checker& c) {
  return JobAnswer{c.job(m.job()), m.able(), c.count(m.examples(), "examples"),
                   c.text(m.detail(), "detail")};
}
Message read(const fb::TaskRefused& m, Checker& c) {
  return TaskRefused{c.job(m.job()), c.count(m.task(), "task"), c.text(m.detail(), "detail")};
}
Message read(const fb::Fetch& m, Checker& c) {
  return Fetch{c.job(m.job()), c.count(m.version(), "version"), m.offset()};
}
Message read(const fb::Progress& m, Checker& c) {
  return Progress{c.job(m.job()), c.count(m.task(), "task"),
                  c.tag<Phase>(m.phase(), fb::Phase::MAX, "phase"), m.done(), m.total()};
}
Metrics read_metrics(const flatbuffers::Vector<flatbuffers::Offset<fb::Metric>>* from, Checker& c) {
  Metrics metrics;
  if (from == nullptr) return metrics;
  c.require(from->size() <= kMetricsMax, "metrics");
  for (const fb::Metric* metric : *from) {
    c.require(std::isfinite(metric->value()), "metrics");
    metrics.emplace_back(c.text(metric->name(), "metrics", 64), metric->value());
  }
  return metrics;
}
Message read(const fb::Offer& m, Checker& c) {
  Offer offer;
  offer.job = c.job(m.job());
  offer.task = c.count(m.task(), "task");
  offer.base_version = c.count(m.base_version(), "base_version");
  offer.examples = c.count(m.examples(), "examples");
  offer.bytes = m.bytes();
  offer.checksum = c.array<16>(m.checksum(), "checksum");
  offer.metrics = read_metrics(m.metrics(), c);
  if (m.body() != nullptr) offer.body.assign(m.body()->begin(), m.body()->end());
  c.require(offer.body.size() <= kInlineBytesMax, "body");
  c.require(offer.body.empty() || offer.body.size() == offer.bytes, "bytes");
  return offer;
}
Message read(const fb::Welcome& m, Checker& c) {
  return Welcome{c.text(m.client(), "client"), c.text(m.software(), "software"),
                 c.seconds(m.idle_s(), "idle_s")};
}
Message read(const fb::Joined& m, Checker& c) { return Joined{c.text(m.client(), "client")}; }
Message read(const fb::JobOffer& m, Checker& c) {
  return JobOffer{c.job(m.job()), c.text(m.spec(), "spec", kSpecMax)};
}
Message read(const fb::JobEnded& m, Checker& c) {
  return JobEnded{c.job(m.job()), c.text(m.detail(), "detail")};
}
Message read(const fb::Task& m, Checker& c) {
  Task task;
  task.job = c.job(m.job());
  task.task = c.count(m.task(), "task");
  task.attempt = c.count(m.attempt(), "attempt");
  task.kind = c.tag<TaskKind>(m.kind(), fb::TaskKind::MAX, "kind");
  task.base_version = c.count(m.base_version(), "base_version");
  if (const fb::ModelRef* model = m.model()) {
    task.model = ModelRef{c.array<32>(model->hash(), "hash"), model->bytes(), model->cipher(),
                          c.array<32>(model->key(), "key")};
  }
  c.require(task.model.has_value() == (task.kind == TaskKind::training), "model");
  task.means = c.numbers(m.means(), "means");
  task.deviations = c.numbers(m.deviations(), "deviations");
  c.require(task.means.size() == task.deviations.size(), "deviations");
  task.update_bytes = m.update_bytes();
  return task;
}
Message read(const fb::CancelTask& m, Checker& c) {
  return CancelTask{c.job(m.job()), c.count(m.task(), "task"), c.text(m.detail(), "detail")};
}
Message read(const fb::Admit& m, Checker& c) {
  return Admit{c.job(m.job()), c.count(m.task(), "task"), m.upload(), m.offset()};
}
Message read(const fb::Receipt& m, Checker& c) {
  return Receipt{c.job(m.job()), c.count(m.task(), "task"),
                 c.tag<Outcome>(m.outcome(), fb::Outcome::MAX, "outcome"), m.reason(),
                 c.text(m.detail(), "detail")};
}
Message read(const fb::Retry& m, Checker& c) {
  return Retry{c.job(m.job()), c.count(m.task(), "task"), c.text(m.detail(), "detail"),
               c.seconds(m.after_s(), "after_s")};
}
Message read(const fb::Bye& m, Checker& c) {
  return Bye{c.text(m.detail(), "detail"), m.come_back()};
}
Message read(const fb::Availability& m, Checker& c) {
  return Availability{m.open(), c.seconds(m.change_s(), "change_s"),
                      c.rate(m.upload_mbit_s(), "upload_mbit_s"),
                      c.rate(m.download_mbit_s(), "download_mbit_s"), c.text(m.detail(), "detail")};
}
Message read(const fb::Standby& m, Checker& c) {
  return Standby{c.job(m.job()), c.text(m.detail(), "detail"), c.seconds(m.after_s(), "after_s")};
}

Result<Message> read_body(const fb::Envelope& envelope, Checker& checker) {
  switch (envelope.body_type()) {
#define FED_READ(TYPE) \
  case fb::Body::TYPE: \
    return read(*envelope.body_as_##TYPE(), checker);
    FED_READ(Hello)
    FED_READ(Join)
    FED_READ(JobAnswer)
    FED_READ(TaskRefused)
    FED_READ(Fetch)
    FED_READ(Progress)
    FED_READ(Offer)
    FED_READ(Welcome)
    FED_READ(Joined)
    FED_READ(JobOffer)
    FED_READ(JobEnded)
    FED_READ(Task)
    FED_READ(CancelTask)
    FED_READ(Admit)
    FED_READ(Receipt)
    FED_READ(Retry)
    FED_READ(Bye)
    FED_READ(Availability)
    FED_READ(Standby)
#undef FED_READ
    case fb::Body::NONE:
      break;
  }
  return Error{ErrorCode::malformed, "control message of an unknown type; the peer may be newer"};
}

struct Release {
  void operator()(std::uint8_t* memory) const { ::operator delete[](memory, kAlignment); }
};

}  // namespace

Result<Message> decode(ByteView bytes) {
  if (bytes.size() > kFromServerBytesMax)
    return Error{ErrorCode::too_large, "control message too large"};
  // The verifier checks alignment relative to the start of the buffer, so the start itself must be
  // aligned.
  const std::unique_ptr<std::uint8_t[], Release> aligned(static_cast<std::uint8_t*>(
      ::operator new[](std::max<std::size_t>(bytes.size(), 1), kAlignment)));
  std::copy(bytes.begin(), bytes.end(), aligned.get());
  flatbuffers::Verifier verifier(aligned.get(), bytes.size(), kDepthMax, kTablesMax);
  if (!fb::VerifyEnvelopeBuffer(verifier))
    return Error{ErrorCode::malformed, "control message does not verify"};
  Checker checker;
  FED_ASSIGN(message, read_body(*fb::GetEnvelope(aligned.get()), checker));
  if (checker.problem().empty()) return message;
  return Error{ErrorCode::malformed,
               std::string(name(message)) + " message: bad value of " + checker.problem()};
}

const char* name(const Message& message) {
  static constexpr std::array kNames = {
      "Hello",   "Join",   "JobAnswer", "TaskRefused",  "Fetch",  "Progress",   "Offer",
      "Welcome", "Joined", "JobOffer",  "JobEnded",     "Task",   "CancelTask", "Admit",
      "Receipt", "Retry",  "Bye",       "Availability", "Standby"};
  static_assert(kNames.size() == std::variant_size_v<Message>);
  return kNames[message.index()];
}

}  // namespace fed::wire
