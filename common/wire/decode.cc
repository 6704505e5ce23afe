#include <cmath>
#include <memory>
#include <new>

#include "wire/decode_secure.h"

namespace fed::wire {
namespace {

constexpr flatbuffers::uoffset_t kDepthMax = 8;
constexpr flatbuffers::uoffset_t kTablesMax = 64;
constexpr std::align_val_t kAlignment{64};

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
  return TaskRefused{c.job(m.job()), c.count(m.task(), "task"), c.text(m.detail(), "detail"),
                     m.for_good()};
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
  offer.attempt = c.count(m.attempt(), "attempt");
  if (m.model() != nullptr) offer.model = c.array<32>(m.model(), "model");
  if (m.settings() != nullptr) offer.settings = c.array<32>(m.settings(), "settings");
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
  c.require((task.task == 0) == (task.kind == TaskKind::statistics), "kind");
  task.means = c.numbers(m.means(), "means");
  task.deviations = c.numbers(m.deviations(), "deviations");
  c.require(task.means.size() == task.deviations.size(), "deviations");
  task.update_bytes = m.update_bytes();
  task.clipping_norm = c.rate(m.clipping_norm(), "clipping_norm");
  task.privacy_tasks = c.earlier(m.privacy_tasks(), task.task, "privacy_tasks");
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
Message read(const fb::Await& m, Checker& c) {
  return Await{c.job(m.job()), c.count(m.task(), "task"), c.count(m.attempt(), "attempt"),
               c.text(m.detail(), "detail")};
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
    FED_READ(Await)
    FED_READ(SecureTerms)
    FED_READ(SecureKeys)
    FED_READ(SecureRoster)
    FED_READ(SecureShares)
    FED_READ(SecureDelivery)
    FED_READ(SecureSurvivors)
    FED_READ(SecureSignature)
    FED_READ(SecureSignatures)
    FED_READ(SecureReveal)
    FED_READ(SecureRefused)
    FED_READ(SecureAbandoned)
    FED_READ(KeyHeld)
    FED_READ(DecryptSum)
    FED_READ(DecryptedSum)
    FED_READ(DecryptionRefused)
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
  static constexpr std::array kNames = {"Hello",
                                        "Join",
                                        "JobAnswer",
                                        "TaskRefused",
                                        "Fetch",
                                        "Progress",
                                        "Offer",
                                        "Welcome",
                                        "Joined",
                                        "JobOffer",
                                        "JobEnded",
                                        "Task",
                                        "CancelTask",
                                        "Admit",
                                        "Receipt",
                                        "Retry",
                                        "Bye",
                                        "Availability",
                                        "Standby",
                                        "Await",
                                        "SecureTerms",
                                        "SecureKeys",
                                        "SecureRoster",
                                        "SecureShares",
                                        "SecureDelivery",
                                        "SecureSurvivors",
                                        "SecureSignature",
                                        "SecureSignatures",
                                        "SecureReveal",
                                        "SecureRefused",
                                        "SecureAbandoned",
                                        "KeyHeld",
                                        "DecryptSum",
                                        "DecryptedSum",
                                        "DecryptionRefused"};
  static_assert(kNames.size() == std::variant_size_v<Message>);
  return kNames[message.index()];
}

}  // namespace fed::wire
