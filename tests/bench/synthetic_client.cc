#include "synthetic_client.h"

#include <algorithm>

namespace fed::bench {

void SyntheticClient::Dialer::dial(const net::Limits& limits, Duration deadline, Dialled done) {
  net::Limits own = limits;
  own.receive_bytes = receive_bytes_;
  tcp_.dial(own, deadline, std::move(done));
}

SyntheticClient::SyntheticClient(net::AsioLoop& loop, const Member& member, const Update& update,
                                 const Observer& observer, Traits traits)
    : loop_(loop),
      update_(update),
      observer_(observer),
      traits_(traits),
      dialer_(loop, member, traits.receive_bytes),
      session_("fedbench", {}),
      uplink_(loop, dialer_, member.spec, *this, traits.index) {}

void SyntheticClient::disconnected() {
  download_.reset();
  if (observer_.disconnected) observer_.disconnected(traits_.index);
  carry_out(session_.disconnected());
}

Status SyntheticClient::received(const wire::Message& message) {
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    uplink_.welcomed();
    uplink_.hear_idle(from_seconds(welcome->idle_s));
    if (observer_.welcomed) observer_.welcomed(traits_.index);
  }
  if (const auto* task = std::get_if<wire::Task>(&message); task && observer_.asked) {
    observer_.asked(traits_.index, *task);
  }
  carry_out(session_.message(message, loop_.now()));
  return {};
}

void SyntheticClient::carry_out(session::Session::Effects effects) {
  std::move(effects.begin(), effects.end(), std::back_inserter(effects_));
  if (carrying_out_) return;
  carrying_out_ = true;
  while (!effects_.empty()) {
    const session::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    std::visit([this](const auto& e) { run(e); }, effect);
  }
  carrying_out_ = false;
  if (const auto wakeup = session_.next_wakeup()) {
    tick_ = loop_.at(*wakeup, [this] { carry_out(session_.tick(loop_.now())); });
  }
}

void SyntheticClient::run(const session::LoadJob& effect) {
  carry_out(session_.job_loaded(effect.job, traits_.examples));
}

// ---- Models ----

void SyntheticClient::run(const session::ObtainModel& effect) {
  if (had_ == effect.model.hash) {
    return carry_out(session_.model_ready(effect.job, effect.version));
  }
  const auto key = channel::BlobKey::from(effect.model.cipher, effect.model.key);
  FED_CHECK(key);
  download_.emplace(Download{.job = effect.job,
                             .version = effect.version,
                             .model = effect.model,
                             .blob = channel::SealedBlob(*key, effect.model.bytes)});
  download_->missing = channel::sealed_size(effect.model.bytes);
  carry_out(session_.model_partial(effect.job, effect.version, 0));
}

Status SyntheticClient::sealed(ByteView bytes) {
  if (!download_ || bytes.size() > download_->missing) {
    return Error{ErrorCode::malformed, "sealed bytes that were not asked for"};
  }
  download_->missing -= bytes.size();
  if (traits_.verify) FED_TRY(add(*download_, bytes));
  return download_->missing == 0 ? finish_download() : Status();
}

Status SyntheticClient::add(Download& download, ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t wanted = channel::sealed_range(download.model.bytes, download.next).bytes;
    const std::size_t take = std::min(wanted - download.chunk.size(), bytes.size());
    append(download.chunk, bytes.first(take));
    bytes = bytes.subspan(take);
    if (download.chunk.size() < wanted) break;
    FED_ASSIGN(plain, download.blob.open_chunk(download.next, download.chunk));
    download.hasher.update(plain);
    download.chunk.clear();
    ++download.next;
  }
  return {};
}

Status SyntheticClient::finish_download() {
  const Download download = *std::exchange(download_, std::nullopt);
  if (traits_.verify && download.hasher.finish() != download.model.hash) {
    return Error{ErrorCode::mismatch, "the model is not the one that was announced"};
  }
  had_ = download.model.hash;
  const wire::Task* task = session_.active();
  if (task != nullptr && observer_.obtained) observer_.obtained(traits_.index, *task);
  carry_out(session_.model_ready(download.job, download.version));
  return {};
}

// ---- Updates ----

void SyntheticClient::run(const session::Train& effect) {
  if (traits_.gated) {
    waiting_ = effect.task;
  } else {
    answer(effect.task);
  }
}

void SyntheticClient::go(bool open) {
  traits_.gated = !open;
  const auto task = std::exchange(waiting_, std::nullopt);
  if (task) answer(*task);
}

void SyntheticClient::answer(const wire::Task& task) {
  carry_out(session_.trained({.job = task.job,
                              .task = task.task,
                              .base_version = task.base_version,
                              .examples = traits_.examples,
                              .bytes = update_.bytes,
                              .checksum = update_.sum,
                              .metrics = {{"train_loss", 0.5}, {"train_seconds", 0.0}},
                              .body = {},
                              .attempt = 0,
                              .model = {},
                              .settings = {}}));
}

void SyntheticClient::run(const session::SendOffer& effect) {
  const wire::Offer* kept = session_.kept({effect.job, effect.task});
  if (kept == nullptr) return;
  wire::Offer offer = *kept;
  if (offer.bytes <= wire::kInlineBytesMax) {
    offer.body.resize(offer.bytes);
    FED_CHECK(update_.file->read_at(0, offer.body));
  }
  uplink_.send(offer);
}

void SyntheticClient::run(const session::StartUpload& effect) {
  if (observer_.uploading) observer_.uploading(traits_.index, effect);
  uplink_.send_bulk(net::ChunkUpload{update_.file, effect.upload, effect.offset, update_.bytes});
  carry_out(session_.progress(
      {effect.job, effect.task, wire::Phase::uploading, effect.offset, update_.bytes}));
}

void SyntheticClient::run(const session::DropUpdate& effect) {
  if (observer_.answered) observer_.answered(traits_.index, effect.receipt);
}

void SyntheticClient::run(const session::JobDone& effect) {
  if (observer_.ended) observer_.ended(traits_.index, effect.job);
}

}  // namespace fed::bench
