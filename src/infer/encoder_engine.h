// A text encoder for many requests at once: one thread that owns the runner and takes texts of all waiting requests in
// turn, so that one request with a thousand texts does not keep a single one waiting.
//
//   full          submit() refuses at once (429)
//   reader gone   its texts are not computed any more
//   failed step   the requests of that step fail, the engine goes on
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/turns.h"
#include "infer/encoder_runner.h"

namespace maru::infer {

enum class EncoderTask : uint8_t {
  kEmbed,     // a vector per text
  kClassify,  // the classifier's logits
};

/// The answer on its way. Thread-safe; destroying the reader's handle cancels what is left.
class Encoding {
 public:
  ~Encoding();
  Encoding(const Encoding&) = delete;
  /// All is there, or it failed.
  bool ready() const;
  /// Once ready: a vector per text, in their order. Throws what the request failed with. Call once.
  std::vector<std::vector<float>> take();

 private:
  friend class EncoderEngine;
  struct State;
  explicit Encoding(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct EncoderEngineOptions {
  int64_t step_tokens = 2048;  // computed together
  int64_t max_waiting = 64;    // requests
  int64_t max_waiting_tokens = 1 << 20;
  Turns* turns = nullptr;  // as of an Engine
};

struct EncoderStats {
  int64_t requests = 0, waiting_tokens = 0;
  int64_t texts = 0, tokens = 0;  // since the start
};

/// Thread-safe.
class EncoderEngine {
 public:
  /// The runner must outlive the engine.
  explicit EncoderEngine(EncoderRunner& runner, EncoderEngineOptions options = {});
  /// Stops; what has not finished fails with kUnavailable.
  ~EncoderEngine();
  EncoderEngine(const EncoderEngine&) = delete;

  /// `wake` is called by the engine's thread once the answer is ready. `batch_tokens` of the runner bounds a step too.
  ///
  /// Throws   kExhausted when too much waits.
  std::unique_ptr<Encoding> submit(std::vector<EncoderInput> inputs, EncoderTask task, std::function<void()> wake = {});
  EncoderStats stats() const;

 private:
  using State = Encoding::State;
  struct Part {
    std::shared_ptr<State> state;
    size_t input;
  };
  void loop();
  std::vector<Part> next_parts();
  void compute(const std::vector<Part>& parts);
  void settle(const std::shared_ptr<State>& state);

  EncoderRunner& runner_;
  const EncoderEngineOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::list<std::shared_ptr<State>> waiting_;  // with texts that no step has taken yet, next first
  EncoderStats stats_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace maru::infer
