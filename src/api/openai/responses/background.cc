#include "api/openai/responses/background.h"

#include <iterator>
#include <utility>

#include "http/json_body.h"

namespace maru::api::openai {

using serving::Answer;
using serving::AnswerPiece;

namespace {

/// To the log of events, where there is one.
void say(const ResponseBuilder& builder, const char* type, const Json& data) {
  if (builder.events() != nullptr) builder.events()->append(type, data);
}

void tell(const ResponseBuilder& builder, const char* type) {
  if (builder.events() != nullptr) builder.events()->append(type, {{"response", builder.json()}});
}

int64_t logged(const ResponseBuilder& builder) { return builder.events() == nullptr ? 0 : builder.events()->bytes(); }

}  // namespace

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
  tell(builder, "response.created");
  tell(builder, "response.queued");
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
  end(run->second.builder);
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
    shed();
  }
  std::lock_guard lock(mutex_);
  runs_.clear();
}

void BackgroundRuns::begin(ResponseBuilder& builder) {
  builder.set_status("in_progress");
  store_.put(builder.stored());
  tell(builder, "response.in_progress");
}

/// Kept first: whoever sees its last event may ask for it. Clients know no event of a cancellation.
void BackgroundRuns::end(ResponseBuilder& builder) {
  store_.put(builder.stored());
  if (builder.events() == nullptr) return;
  tell(builder, builder.status() == "cancelled" ? "response.incomplete" : ("response." + builder.status()).c_str());
  builder.events()->close();
}

void BackgroundRuns::shed() {
  for (;;) {
    int64_t bytes = 0;
    auto most = runs_.end();
    for (auto run = runs_.begin(); run != runs_.end(); ++run) {
      bytes += logged(run->second.builder);
      if (most == runs_.end() || logged(run->second.builder) > logged(most->second.builder)) most = run;
    }
    if (bytes <= store_.most_bytes()) return;
    most->second.builder.fail({ErrorCode::kExhausted,
                               "the events of responses in the background take more memory than "
                               "this server keeps (stored_responses_mib)"});
    end(most->second.builder);
    runs_.erase(most);
  }
}

/// What has come of it; false when that was all, and it is kept.
bool BackgroundRuns::take(Run& run) {
  const Output::Send send = [&](const char* type, const Json& data) { say(run.builder, type, data); };
  for (AnswerPiece piece;;) switch (run.answer->next(piece)) {
      case Answer::Next::kPiece:
        if (!std::exchange(run.begun, true)) begin(run.builder);
        run.builder.add(piece, send);
        break;
      case Answer::Next::kWait: return true;
      case Answer::Next::kFailed: run.builder.fail(run.answer->error()); return end(run.builder), false;
      case Answer::Next::kEnd: run.builder.finish(*run.answer, send); return end(run.builder), false;
    }
}

}  // namespace maru::api::openai
