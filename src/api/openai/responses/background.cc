#include "api/openai/responses/background.h"

#include <iterator>
#include <utility>

#include "http/json_body.h"

namespace maru::api::openai {

using serving::Answer;
using serving::AnswerPiece;

BackgroundRuns::BackgroundRuns(ResponseStore& store) : store_(store), thread_([this] { loop(); }) {}

BackgroundRuns::~BackgroundRuns() {
  {
    std::lock_guard lock(news_mutex_);
    stopping_ = true;
  }
  news_ready_.notify_all();
  thread_.join();
}

std::string BackgroundRuns::start(ResponseBuilder builder,
                                  const std::function<std::unique_ptr<Answer>(std::function<void()>)>& submit) {
  builder.set_status("queued");
  std::lock_guard lock(mutex_);
  auto answer = submit([this] { notify(); });
  std::string body = http::to_line(builder.json());
  store_.put(builder.stored());
  std::string id = builder.id();
  runs_.emplace(std::move(id), Run{.builder = std::move(builder), .answer = std::move(answer)});
  notify();  // it may have had something to say before it was here
  return body;
}

void BackgroundRuns::cancel(const std::string& tenant, const std::string& id) {
  std::lock_guard lock(mutex_);
  const auto run = runs_.find(id);
  if (run == runs_.end() || run->second.builder.tenant() != tenant) return;
  run->second.builder.cancel();
  store_.put(run->second.builder.stored());
  runs_.erase(run);
}

void BackgroundRuns::notify() {
  {
    std::lock_guard lock(news_mutex_);
    news_ = true;
  }
  news_ready_.notify_one();
}

/// False when it is to stop.
bool BackgroundRuns::wait() {
  std::unique_lock lock(news_mutex_);
  news_ready_.wait(lock, [&] { return news_ || stopping_; });
  news_ = false;
  return !stopping_;
}

void BackgroundRuns::loop() {
  while (wait()) {
    std::lock_guard lock(mutex_);
    for (auto run = runs_.begin(); run != runs_.end();) run = take(run->second) ? std::next(run) : runs_.erase(run);
  }
  std::lock_guard lock(mutex_);
  runs_.clear();
}

void BackgroundRuns::begin(ResponseBuilder& builder) {
  builder.set_status("in_progress");
  store_.put(builder.stored());
}

/// What has come of it; false when that was all, and it is kept.
bool BackgroundRuns::take(Run& run) {
  for (AnswerPiece piece;;) switch (run.answer->next(piece)) {
      case Answer::Next::kPiece:
        if (!std::exchange(run.begun, true)) begin(run.builder);
        run.builder.add(piece, Output::drop);
        break;
      case Answer::Next::kWait: return true;
      case Answer::Next::kFailed: run.builder.fail(run.answer->error()); return store_.put(run.builder.stored()), false;
      case Answer::Next::kEnd:
        run.builder.finish(*run.answer, Output::drop);
        return store_.put(run.builder.stored()), false;
    }
}

}  // namespace maru::api::openai
