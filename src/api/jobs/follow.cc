#include "api/jobs/follow.h"

#include <exception>
#include <utility>
#include <vector>

namespace maru::api::jobs {

struct Followers::Slot {
  Look look;         // of the thread alone
  std::mutex mutex;  // guards what follows
  http::Wake wake;
  std::string ready;                // that the client has not taken yet: until then nobody looks for more
  bool done = false, gone = false;  // gone: the client
};

class Followers::Stream : public http::EventStream {
 public:
  explicit Stream(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
  ~Stream() override {
    const std::lock_guard lock(slot_->mutex);
    slot_->gone = true;
  }
  bool take(std::string& to) override {
    const std::lock_guard lock(slot_->mutex);
    to += std::exchange(slot_->ready, {});
    return !slot_->done;
  }

 private:
  const std::shared_ptr<Slot> slot_;
};

Followers::Followers(std::chrono::milliseconds period) : period_(period), thread_([this] { loop(); }) {}

Followers::~Followers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (const auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    slot->done = true;
    if (!slot->gone) slot->wake();
  }
}

std::unique_ptr<http::EventStream> Followers::follow(Look look, http::Wake wake) {
  auto slot = std::make_shared<Slot>();
  slot->look = std::move(look), slot->wake = std::move(wake);
  {
    const std::lock_guard lock(mutex_);
    slots_.push_back(slot);
  }
  changed_.notify_all();
  return std::make_unique<Stream>(std::move(slot));
}

void Followers::look(Slot& slot) {
  {
    const std::lock_guard lock(slot.mutex);
    if (slot.gone || slot.done || !slot.ready.empty()) return;
  }
  std::string news;
  bool more = false;
  try {
    more = slot.look(news);
  } catch (const std::exception&) {  // the job is no more, say: a client sees the end of the stream
  }
  const std::lock_guard lock(slot.mutex);
  slot.ready = std::move(news), slot.done = !more;
  if (!slot.gone && (slot.done || !slot.ready.empty())) slot.wake();
}

void Followers::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::vector<std::shared_ptr<Slot>> now(slots_.begin(), slots_.end());
    lock.unlock();
    for (const auto& slot : now) look(*slot);
    lock.lock();
    slots_.remove_if([](const auto& slot) {
      const std::lock_guard held(slot->mutex);
      return slot->gone || slot->done;
    });
    if (slots_.empty())
      changed_.wait(lock, [&] { return stopping_ || !slots_.empty(); });
    else
      changed_.wait_for(lock, period_);
  }
}

}  // namespace maru::api::jobs
