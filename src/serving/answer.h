// One request's answer on the way: the pieces of all its generations in turn, taken apart into what they are, whatever
// words they will be put into.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/request_record.h"
#include "infer/generation.h"
#include "serving/choice_limits.h"
#include "serving/model_host.h"
#include "serving/receipt_writer.h"
#include "text/chat/answer/answer_parser.h"

namespace maru::serving {

/// A piece of one choice. Its `text` is what of it is for the reader; all of it is in `events`.
struct AnswerPiece : infer::Piece {
  std::vector<text::AnswerEvent> events;
  bool called = false;  // with `finish`: the answer calls tools, and waits for what they return
};

/// Owned by one thread at a time. Destroying it cancels what has not finished and gives its places back.
class Answer {
 public:
  using Next = infer::Generation::Next;

  /// Submits one generation per prompt, each with the same number of choices, in the name of the caller's tenant.
  /// `wake` is called by an engine thread when there is something to take. `reading`: of a chat (see chat_prompt);
  /// without it all is text. `order`: of a receipt.
  ///
  /// Throws   RequestFailure "model_not_found" when the caller may not ask this model; kExhausted when the caller or
  ///          the engine has no place left; what Engine::submit throws.
  Answer(std::shared_ptr<const ServedModel> model, std::vector<infer::GenerationRequest> prompts, ChoiceLimits& limits,
         const Caller& caller, const std::function<void()>& wake, text::AnswerReading reading = {},
         ReceiptOrder order = {});

  /// The next piece of any of them, if there is one now; choices are numbered across all prompts.
  Next next(AnswerPiece& piece);
  /// After kFailed.
  const Error& error() const { return error_; }
  size_t num_choices() const { return generations_.size() * static_cast<size_t>(choices_per_prompt_); }
  /// Of the prompt that a choice answers.
  size_t prompt_of(size_t choice) const { return choice / static_cast<size_t>(choices_per_prompt_); }
  int64_t prompt_tokens() const { return prompt_tokens_; }
  /// Of these, computed before; known at the end.
  int64_t reused_tokens() const { return reused_tokens_; }
  /// At the end: the receipt that was ordered, or null. CHECKs that all choices have ended.
  Json receipt() const;
  const ServedModel& model() const { return *model_; }

 private:
  void submit(std::vector<infer::GenerationRequest> prompts, const ChoiceLimits& limits,
              const std::function<void()>& wake);
  void count(int64_t more);
  void note_request(const std::vector<infer::GenerationRequest>& prompts) const;
  void note_end(const AnswerPiece& piece) const;
  void begin_bill();
  void take(const AnswerPiece& piece);
  void take_apart(AnswerPiece& piece);

  std::shared_ptr<const ServedModel> model_;
  std::shared_ptr<RequestRecord> record_;  // null: nothing is noted
  std::unique_ptr<ChoiceLimits::Places> places_;
  std::unique_ptr<ChoiceLimits::Reservation> reservation_;
  int64_t choices_per_prompt_ = 1, prompt_tokens_ = 0, reused_tokens_ = 0, num_generated_ = 0;
  std::vector<int64_t> generated_;  // tokens of each choice
  std::vector<std::unique_ptr<infer::Generation>> generations_;
  std::vector<std::unique_ptr<text::AnswerParser>> parsers_;  // per choice
  std::unique_ptr<ReceiptWriter> writer_;                     // null: no receipt is wanted
  Error error_;
};

}  // namespace maru::serving
