#include "wire/encoding.h"

namespace fed::wire {
namespace {

Encoded body_of(Builder& to, const Hello& m) {
  const auto software = put(to, m.software);
  return encoded(fb::Body::Hello, fb::CreateHello(to, m.protocol, software));
}
Encoded body_of(Builder& to, const Join& m) {
  const auto key = put_bytes(to, m.identity_key);
  const auto signature = put_bytes(to, m.signature);
  return encoded(fb::Body::Join, fb::CreateJoin(to, key, signature));
}
Encoded body_of(Builder& to, const JobAnswer& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::JobAnswer, fb::CreateJobAnswer(to, job, m.able, m.examples, detail));
}
Encoded body_of(Builder& to, const TaskRefused& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::TaskRefused, fb::CreateTaskRefused(to, job, m.task, detail, m.for_good));
}
Encoded body_of(Builder& to, const Fetch& m) {
  const auto job = put(to, m.job);
  return encoded(fb::Body::Fetch, fb::CreateFetch(to, job, m.version, m.offset));
}
Encoded body_of(Builder& to, const Progress& m) {
  const auto job = put(to, m.job);
  const auto phase = static_cast<fb::Phase>(m.phase);
  return encoded(fb::Body::Progress, fb::CreateProgress(to, job, m.task, phase, m.done, m.total));
}
Encoded body_of(Builder& to, const Offer& m) {
  const auto job = put(to, m.job);
  const auto sum = put_bytes(to, m.checksum);
  std::vector<flatbuffers::Offset<fb::Metric>> list;
  for (const auto& [metric, value] : m.metrics) {
    const auto metric_name = put(to, metric);
    list.push_back(fb::CreateMetric(to, metric_name, value));
  }
  const auto metrics = to.CreateVector(list);
  const auto body = put_bytes(to, m.body);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> model, settings;
  if (m.model) model = put_bytes(to, *m.model);
  if (m.settings) settings = put_bytes(to, *m.settings);
  return encoded(fb::Body::Offer,
                 fb::CreateOffer(to, job, m.task, m.base_version, m.examples, m.bytes, sum, metrics,
                                 body, m.attempt, model, settings));
}
Encoded body_of(Builder& to, const Welcome& m) {
  const auto client = put(to, m.client);
  const auto software = put(to, m.software);
  return encoded(fb::Body::Welcome, fb::CreateWelcome(to, client, software, m.idle_s));
}
Encoded body_of(Builder& to, const Joined& m) {
  const auto client = put(to, m.client);
  return encoded(fb::Body::Joined, fb::CreateJoined(to, client));
}
Encoded body_of(Builder& to, const JobOffer& m) {
  const auto job = put(to, m.job);
  const auto spec = to.CreateString(m.spec);
  return encoded(fb::Body::JobOffer, fb::CreateJobOffer(to, job, spec));
}
Encoded body_of(Builder& to, const JobEnded& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::JobEnded, fb::CreateJobEnded(to, job, detail));
}
Encoded body_of(Builder& to, const Task& m) {
  const auto job = put(to, m.job);
  flatbuffers::Offset<fb::ModelRef> model;
  if (m.model) {
    const auto hash = put_bytes(to, m.model->hash);
    const auto key = put_bytes(to, m.model->key);
    model = fb::CreateModelRef(to, hash, m.model->bytes, m.model->cipher, key);
  }
  const auto means = to.CreateVector(m.means);
  const auto deviations = to.CreateVector(m.deviations);
  const auto privacy_tasks = to.CreateVector(m.privacy_tasks);
  return encoded(
      fb::Body::Task,
      fb::CreateTask(to, job, m.task, m.attempt, static_cast<fb::TaskKind>(m.kind), m.base_version,
                     model, means, deviations, m.update_bytes, m.clipping_norm, privacy_tasks));
}
Encoded body_of(Builder& to, const CancelTask& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::CancelTask, fb::CreateCancelTask(to, job, m.task, detail));
}
Encoded body_of(Builder& to, const Admit& m) {
  const auto job = put(to, m.job);
  return encoded(fb::Body::Admit, fb::CreateAdmit(to, job, m.task, m.upload, m.offset));
}
Encoded body_of(Builder& to, const Receipt& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(
      fb::Body::Receipt,
      fb::CreateReceipt(to, job, m.task, static_cast<fb::Outcome>(m.outcome), m.reason, detail));
}
Encoded body_of(Builder& to, const Retry& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::Retry, fb::CreateRetry(to, job, m.task, detail, m.after_s));
}
Encoded body_of(Builder& to, const Bye& m) {
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::Bye, fb::CreateBye(to, detail, m.come_back));
}
Encoded body_of(Builder& to, const Availability& m) {
  const auto detail = put(to, m.detail);
  return encoded(
      fb::Body::Availability,
      fb::CreateAvailability(to, m.open, m.change_s, m.upload_mbit_s, m.download_mbit_s, detail));
}
Encoded body_of(Builder& to, const Standby& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::Standby, fb::CreateStandby(to, job, detail, m.after_s));
}
Encoded body_of(Builder& to, const Await& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::Await, fb::CreateAwait(to, job, m.task, m.attempt, detail));
}

}  // namespace

Bytes encode(const Message& message) {
  Builder builder(512);
  const Encoded e = std::visit([&](const auto& m) { return body_of(builder, m); }, message);
  builder.Finish(fb::CreateEnvelope(builder, e.type, e.body));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace fed::wire
