// The engine: one thread that owns the model, its key-value pages and the scheduler. Requests come in through a bounded
// mailbox, pieces of text go out through one bounded channel per request.
//
// Every step packs decode tokens and prefill chunks of several requests into one batch. What a request gets does not
// depend on who else is in it: kernels are batch-invariant and every choice has its own random numbers.
//
//   full          submit() refuses at once (429), it never queues without bound
//   slow reader   its sequences pause, nobody else waits
//   reader gone   its sequences end and their pages are free before the next step
//   failed step   the requests of that step fail, the engine goes on
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/turns.h"
#include "infer/answer_text.h"
#include "infer/generation.h"
#include "infer/model_drafter.h"
#include "infer/scheduler.h"
#include "infer/step_model.h"
#include "text/grammar/token_trie.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::infer {

struct EngineOptions {
  int64_t max_running = 32;   // choices computed together
  int64_t max_waiting = 128;  // choices that may wait for a place
  int64_t step_tokens = 512;
  int64_t channel_pieces = 256;      // what a slow reader may be behind
  int64_t draft_tokens = 0;          // guessed per choice and step, at most; 0: none
  StepModel* draft_model = nullptr;  // guesses where the text itself gives none; of the same tokens; null: nobody does
  bool prefix_cache = true;          // what begins alike is computed once
  bool shared_prefixes = false;      // also across tenants, who then can tell from the time what others have asked
  std::vector<int32_t> end_tokens;
  uint64_t seed = 0;       // of requests that bring none
  Turns* turns = nullptr;  // taken for each step where several engines compute on one pool; null: this one is alone
};

/// A choice that came to its end.
struct EndedChoice {
  ChoiceTimes times;
  int64_t prompt_tokens = 0, generated_tokens = 0, max_tokens = 0;
  FinishReason finish = FinishReason::kStop;
};

/// Told of what happens, on the engine thread; must not block.
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  /// From submission to the first token of a choice, and from then on between tokens.
  virtual void first_token(double seconds) = 0;
  virtual void next_token(double seconds) = 0;
  virtual void step(int64_t tokens, double seconds) = 0;
  /// Not of choices that failed or that nobody waited for.
  virtual void ended(const EndedChoice& choice) = 0;
};

struct EngineStats {
  int64_t running = 0, waiting = 0;
  int64_t pages = 0, pages_used = 0, pages_known = 0;  // known: may be used again, in use or not
  int64_t tenants = 0, preemptions = 0;
  // Since the start:
  int64_t prompt_tokens = 0, generated_tokens = 0;
  int64_t reused_tokens = 0;                        // of prompts, computed before
  int64_t drafted_tokens = 0, accepted_tokens = 0;  // guessed, and guessed right
};

/// Thread-safe.
class Engine {
 public:
  /// `model` and `tokenizer` must outlive the engine; `observer` may be null.
  Engine(StepModel& model, const text::Tokenizer& tokenizer, EngineOptions options, EngineObserver* observer = nullptr);
  /// Stops; what has not finished fails with kUnavailable.
  ~Engine();
  Engine(const Engine&) = delete;

  /// Prompt and answer together may be this long.
  int64_t max_context() const { return max_context_; }
  /// `wake` is called by the engine thread when a piece is ready.
  ///
  /// Throws   kExhausted when too many requests wait; kInvalidArgument when the prompt is empty, holds an unknown token
  ///          or does not fit with max_tokens.
  std::unique_ptr<Generation> submit(GenerationRequest request, std::function<void()> wake = {});
  EngineStats stats() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Submission {
    std::shared_ptr<const GenerationRequest> request;
    std::shared_ptr<Channel> channel;
    uint64_t seed;
    Clock::time_point time;
  };
  struct Active;        // one choice
  struct ChunkOutcome;  // of one chunk of a step

  void check(const GenerationRequest& request) const;
  uint64_t salt_of(const GenerationRequest& request) const;
  const text::TokenTrie& token_trie();
  void loop();
  bool collect_mail(std::vector<Submission>& mail, bool idle);
  void admit(const Submission& submission);
  void admit_choice(const Submission& submission, int64_t choice);
  void drop_abandoned();
  void pause_slow_readers();
  void expire();
  void guess();
  void guess_by_model();
  std::vector<int32_t> guess_of(SequenceId id, Active& active);
  bool step();
  StepSequence sequence_of(const Chunk& chunk, Active& active) const;
  bool compute(const std::vector<Chunk>& chunks, std::vector<ChunkOutcome>& outcomes);
  void take_logits(const Chunk& chunk, const LogitsRow& row, ChunkOutcome& outcome);
  void sample(const Chunk& chunk, int64_t draft, const LogitsRow& row, ChunkOutcome& outcome);
  void deliver(const Chunk& chunk, ChunkOutcome& outcome);
  void take_outcome(const Chunk& chunk, Active& active, ChunkOutcome& outcome);
  static bool keeps(const Active& active, int32_t end_token);
  bool accept(SequenceId id, Active& active, ScoredToken token, bool computed);
  void time_token(Active& active);
  void end(SequenceId id, Active& active, FinishReason reason, Piece piece);
  void fail(std::shared_ptr<Channel> channel, const Error& error);
  void remove(SequenceId id);
  void publish_stats();
  void notify();

  StepModel& model_;
  const text::Tokenizer& tokenizer_;
  const EngineOptions options_;
  EngineObserver* const observer_;
  const int64_t max_context_;
  std::atomic<int64_t> open_choices_{0};
  std::atomic<uint64_t> requests_{0};
  std::once_flag trie_made_;
  std::unique_ptr<const text::TokenTrie> trie_;  // for grammars; made with the first

  // The engine thread's own.
  Scheduler scheduler_;
  std::optional<ModelDrafter> drafter_;
  text::TokenEncoder encoder_;           // of text that a grammar forces
  std::vector<SamplerScratch> scratch_;  // of each worker
  std::map<SequenceId, Active> active_;
  SequenceId next_id_ = 0;
  EngineStats counts_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable mail_ready_;
  std::vector<Submission> mail_;
  bool notified_ = false, stopping_ = false;
  EngineStats stats_;

  std::thread thread_;
};

}  // namespace maru::infer
