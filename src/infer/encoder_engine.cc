#include "infer/encoder_engine.h"

#include <algorithm>
#include <string>
#include <utility>

namespace maru::infer {

struct Encoding::State {
  EncoderTask task;
  std::vector<EncoderInput> inputs;
  std::function<void()> wake;
  size_t taken = 0;  // inputs that a step has taken; the engine's

  mutable std::mutex mutex;  // guards what follows
  std::vector<std::vector<float>> results;
  size_t done = 0;
  std::optional<Error> error;
  bool abandoned = false;

  bool ended() const { return error || abandoned || done == inputs.size(); }
};

Encoding::Encoding(std::shared_ptr<State> state) : state_(std::move(state)) {}

Encoding::~Encoding() {
  std::lock_guard lock(state_->mutex);
  state_->abandoned = true;
  state_->wake = nullptr;
}

bool Encoding::ready() const {
  std::lock_guard lock(state_->mutex);
  return state_->ended();
}

std::vector<std::vector<float>> Encoding::take() {
  std::lock_guard lock(state_->mutex);
  CHECK(state_->ended());
  if (state_->error) throw Failure(*state_->error);
  return std::move(state_->results);
}

EncoderEngine::EncoderEngine(EncoderRunner& runner, EncoderEngineOptions options)
    : runner_(runner), options_(std::move(options)) {
  thread_ = std::thread([this] { loop(); });
}

EncoderEngine::~EncoderEngine() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::unique_ptr<Encoding> EncoderEngine::submit(std::vector<EncoderInput> inputs, EncoderTask task,
                                                std::function<void()> wake) {
  int64_t tokens = 0;
  for (const EncoderInput& input : inputs) tokens += std::ssize(input.tokens);
  auto state = std::make_shared<State>();
  state->task = task;
  state->inputs = std::move(inputs);
  state->results.resize(state->inputs.size());
  state->wake = std::move(wake);
  auto encoding = std::unique_ptr<Encoding>(new Encoding(state));
  if (state->inputs.empty()) return encoding;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) throw Failure(ErrorCode::kUnavailable, "the server is stopping");
    const bool many = std::ssize(waiting_) >= options_.max_waiting;
    const bool much = !waiting_.empty() && stats_.waiting_tokens + tokens > options_.max_waiting_tokens;
    if (many || much)
      throw Failure(ErrorCode::kExhausted,
                    many
                        ? std::to_string(waiting_.size()) + " requests wait for this model; try again in a moment"
                        : std::to_string(stats_.waiting_tokens) + " tokens wait for this model; try again in a moment");
    waiting_.push_back(std::move(state));
    stats_.waiting_tokens += tokens;
    ++stats_.requests;
  }
  changed_.notify_all();
  return encoding;
}

EncoderStats EncoderEngine::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void EncoderEngine::loop() {
  for (;;) {
    std::vector<Part> parts;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) break;
      parts = next_parts();
    }
    if (!parts.empty()) compute(parts);
  }
  for (const std::shared_ptr<State>& state : waiting_) {
    {
      std::lock_guard lock(state->mutex);
      state->error = Error{ErrorCode::kUnavailable, "the server is stopping"};
    }
    settle(state);
  }
}

/// Texts of one task, one of each request in turn, until the step is full; at least one. The mutex is held.
std::vector<EncoderEngine::Part> EncoderEngine::next_parts() {
  std::vector<Part> parts;
  int64_t left = options_.step_tokens;
  const auto drop = [&](std::list<std::shared_ptr<State>>::iterator at) {
    State& state = **at;
    for (size_t i = state.taken; i < state.inputs.size(); ++i)
      stats_.waiting_tokens -= std::ssize(state.inputs[i].tokens);
    return waiting_.erase(at);
  };
  const auto gone = [](const State& state) {
    std::lock_guard lock(state.mutex);
    return state.abandoned || state.error;
  };
  for (auto at = waiting_.begin(); at != waiting_.end();) at = gone(**at) ? drop(at) : std::next(at);
  for (bool more = true; more && !waiting_.empty();) {
    more = false;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      State& state = **at;
      const int64_t size = std::ssize(state.inputs[state.taken].tokens);
      if (!parts.empty() && (state.task != parts.front().state->task || size > left)) {
        ++at;
        continue;
      }
      parts.push_back({*at, state.taken++});
      left -= size;
      stats_.waiting_tokens -= size;
      more = true;
      at = state.taken == state.inputs.size() ? waiting_.erase(at) : std::next(at);
    }
  }
  // Whoever was first is last next time.
  if (!waiting_.empty()) waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
  return parts;
}

void EncoderEngine::compute(const std::vector<Part>& parts) {
  std::vector<EncoderInput> inputs;
  int64_t tokens = 0;
  for (const Part& part : parts) {
    inputs.push_back(part.state->inputs[part.input]);
    tokens += std::ssize(inputs.back().tokens);
  }
  std::vector<std::vector<float>> results;
  std::optional<Error> error;
  try {
    std::unique_lock<Turns> turn;
    if (options_.turns != nullptr) turn = std::unique_lock(*options_.turns);
    results = parts.front().state->task == EncoderTask::kEmbed ? runner_.embed(inputs) : runner_.classify(inputs);
  } catch (const Failure& failure) {
    error = failure.error();
  } catch (const std::exception& e) {
    error = Error{ErrorCode::kInternal, e.what()};
  }
  {
    std::lock_guard lock(mutex_);
    stats_.texts += std::ssize(parts);
    stats_.tokens += tokens;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    State& state = *parts[i].state;
    {
      std::lock_guard lock(state.mutex);
      if (error && !state.error) state.error = error;
      if (!error) state.results[parts[i].input] = std::move(results[i]);
      ++state.done;
    }
    settle(parts[i].state);
  }
}

void EncoderEngine::settle(const std::shared_ptr<State>& state) {
  std::lock_guard lock(state->mutex);
  if (state->ended() && state->wake) std::exchange(state->wake, nullptr)();
}

}  // namespace maru::infer
