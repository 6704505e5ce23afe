#include "sim/aside.h"

#include <algorithm>

#include "tensor/kernels.h"

namespace fed::sim {
namespace {

thread_local Aside* current_aside = nullptr;

}  // namespace

Aside* Aside::current() { return current_aside; }

void Aside::run(const Work& work) {
  current_aside = this;
  work();
  current_aside = nullptr;
}

void Aside::release() {
  for (const Work& post : std::exchange(kept_, {})) post();
}

void WorkPool::Piece::compute() {
  Work work;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return;
    state_ = State::running;
    work = std::move(work_);
  }
  aside_.run(work);
  work = nullptr;
  const std::lock_guard lock(mutex_);
  state_ = State::done;
  changed_.notify_all();
}

void WorkPool::Piece::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ == State::done; });
  aside_.release();
}

void WorkPool::Piece::call_off() {
  std::unique_lock lock(mutex_);
  if (state_ == State::waiting) state_ = State::done;
  changed_.wait(lock, [this] { return state_ == State::done; });
  work_ = nullptr;
}

WorkPool::WorkPool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<WorkPool::Piece> WorkPool::begin(Work work, Instant at) {
  auto piece = std::make_shared<Piece>(std::move(work), at);
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(piece);
  }
  wake_.notify_one();
  return piece;
}

void WorkPool::serve() {
  tensor::flush_denormals();  // from the first piece on, as the trainer does
  while (true) {
    std::shared_ptr<Piece> piece;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (stop_) return;
      piece = std::move(waiting_.front());
      waiting_.pop_front();
    }
    piece->compute();
  }
}

AsideExecutor::~AsideExecutor() {
  queue_.drop(this);
  for (const auto& each : begun_) {
    if (const auto piece = each.lock()) piece->call_off();
  }
}

void AsideExecutor::post(Work work) {
  const Instant begin = std::max(busy_until_, queue_.now());
  busy_until_ = begin + cost_;
  if (befall_) befall_(begin, cost_);
  const auto piece = pool_.begin(std::move(work), queue_.now());
  std::erase_if(begun_, [](const auto& each) { return each.expired(); });
  begun_.push_back(piece);
  queue_.add(busy_until_, this, [piece] { piece->finish(); });
}

}  // namespace fed::sim
