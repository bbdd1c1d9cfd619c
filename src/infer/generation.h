// One request to the engine and its answer on the way: what to generate, the pieces that come back, and the handle
// that the reader holds.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "infer/grammar_processor.h"
#include "infer/sampler.h"
#include "infer/token_digest.h"

namespace maru {
class Adapter;
}

namespace maru::infer {

struct GenerationRequest {
  std::vector<int32_t> prompt;
  SamplingOptions sampling;
  std::optional<uint64_t> seed;  // none: one that no other request has
  int64_t max_tokens = 16;
  int64_t choices = 1;
  std::vector<std::string> stop;                    // the answer ends before any of these
  std::vector<int32_t> shown;                       // special tokens that are in its text; others have none
  std::vector<int32_t> stop_tokens = {};            // end tokens of this request
  int64_t min_tokens = 0;                           // it does not end by itself before
  bool ignore_eos = false;                          // go on after an end token
  std::shared_ptr<Adapter> adapter;                 // made for the engine's model; null: what the model is served with
  std::optional<AnswerConstraint> constraint = {};  // none: the answer is free
  bool score_prompt = false;                        // log-probabilities of the prompt's tokens too
  bool digest = false;                              // the last piece of each choice has one of its tokens
  bool continues_prompt = true;  // the answer's text goes on with the prompt's; false: a text of its own (a chat's)
  double timeout_seconds = std::numeric_limits<double>::infinity();
  std::string tenant = {};      // tenants take turns
  double tenant_weight = 1;     // with 2 it gets twice as much
  int64_t priority = 0;         // among its tenant's requests; lower is earlier
  std::string cache_salt = {};  // what was computed for this prompt is used again for those of the same salt only
  bool keeps_stop = false;      // the stop string, or the one of stop_tokens, that ends it is in its text
  bool shows_special = false;   // special tokens are in its text
  bool tells_tokens = false;    // pieces carry their tokens, also where no log-probabilities were asked for
  // Makes for each choice what is told its text as it comes, on the engine's thread, and says when the answer is over;
  // empty: it ends by tokens and stop strings alone.
  std::function<std::function<bool(std::string_view)>()> make_end = {};
  int64_t prompt_top = -1;      // with score_prompt: that many likeliest; -1: as many as of the answer's tokens
};

enum class FinishReason : uint8_t {
  kStop,    // an end token or a stop string
  kLength,  // max_tokens
};
std::string_view name_of(FinishReason reason);

struct ScoredToken {
  int32_t token = 0;
  std::optional<float> logprob;  // none for the first token of a prompt
  std::vector<TokenLogprob> top;
  int64_t rank = 0;  // among all tokens, the likeliest is 1; 0: no log-probabilities were asked for
};

/// When what happened to a choice. Not set: it has not happened.
struct ChoiceTimes {
  using Clock = std::chrono::steady_clock;
  Clock::time_point submitted, started, first_token, ended;  // started: its first step began
};

/// Some text of one choice. Texts of a choice put end to end are its answer: always whole characters, never a part of
/// a stop string.
struct Piece {
  int64_t choice = 0;
  std::string text;
  std::vector<ScoredToken> tokens;                 // those that `text` comes from, when they were asked for
  bool is_prompt = false;                          // scores of the prompt; no text
  std::optional<FinishReason> finish;              // set on the last piece of a choice
  std::string stop;                                // with kStop: the stop string; empty: an end token
  std::optional<int32_t> end_token;                // that ended it and is not among `tokens`
  int64_t num_tokens = 0;                          // sampled so far in this choice
  int64_t num_reused = 0;                          // with finish: tokens of the prompt that had been computed before
  std::shared_ptr<const TokenDigest> digest = {};  // with finish, if it was asked for
  ChoiceTimes times;                               // with finish
};

/// A bounded queue of pieces between the engine and one reader. Thread-safe.
class Channel {
 public:
  /// `wake` is called, under the channel's lock, when something new is there; it must not block.
  Channel(int64_t choices, size_t capacity, std::function<void()> wake);

  // The engine's side.
  void push(Piece piece);
  void fail(Error error);
  /// The reader is behind: do not compute more for it.
  bool full() const;
  bool abandoned() const;
  void set_notify(std::function<void()> notify);

  // The reader's side.
  enum class Next : uint8_t { kPiece, kWait, kEnd, kFailed };
  Next next(Piece& piece);
  Next wait_next(Piece& piece);
  Error error() const;
  void abandon();

 private:
  Next next_locked(Piece& piece);
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Piece> pieces_;
  std::optional<Error> error_;
  int64_t open_choices_;
  bool abandoned_ = false;
  std::function<void()> wake_, notify_;  // of the reader and of the engine; empty once that side is gone
};

/// The reader's handle. Destroying it cancels what has not finished. Owned by one thread at a time.
class Generation {
 public:
  using Next = Channel::Next;
  explicit Generation(std::shared_ptr<Channel> channel, uint64_t seed = 0)
      : channel_(std::move(channel)), seed_(seed) {}
  ~Generation() { channel_->abandon(); }
  Generation(const Generation&) = delete;
  /// The request's, or the one that it was given.
  uint64_t seed() const { return seed_; }
  /// The next piece, if there is one now.
  Next next(Piece& piece) { return channel_->next(piece); }
  /// Waits for the next piece; never kWait.
  Next wait_next(Piece& piece) { return channel_->wait_next(piece); }
  /// Why the request failed, after kFailed.
  Error error() const { return channel_->error(); }

 private:
  std::shared_ptr<Channel> channel_;
  const uint64_t seed_;
};

}  // namespace maru::infer
