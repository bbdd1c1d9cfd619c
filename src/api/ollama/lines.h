// The JSON objects of Ollama's answers: one per line of a stream, or a single one.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "serving/answer.h"

namespace maru::api::ollama {

/// What every object of one answer carries, and how to write it.
struct AnswerInfo {
  using Clock = std::chrono::steady_clock;
  bool chat = false;     // else of /api/generate
  std::string model;     // as the client named it
  bool thinking = true;  // false: the model's reasoning is left out
  bool logprobs = false;
  bool keeps_context = false;             // the last object has the tokens of all that was said
  std::vector<int32_t> context, closing;  // these tokens: before the answer, and behind it
  Clock::time_point begin = Clock::now();
};

/// A part of an answer, or all of it.
struct Said {
  std::string text, thinking;
  Json calls = Json::array();
  std::vector<infer::ScoredToken> tokens;
  bool empty() const { return text.empty() && thinking.empty() && calls.empty() && tokens.empty(); }
};

/// Gathers what a model says; calls of tools appear once they are whole.
class Listener {
 public:
  explicit Listener(bool thinking) : thinking_(thinking) {}
  void add(serving::AnswerPiece& piece);
  /// What came since it was asked last.
  Said take() { return std::exchange(said_, {}); }

 private:
  void add(const text::AnswerEvent& event);
  const bool thinking_;
  Said said_;
  std::string id_, name_, arguments_;  // of the call that has begun
};

/// RFC 3339, in UTC with nanoseconds.
std::string time_text(std::chrono::system_clock::time_point time);
/// An object of an answer that goes on.
Json line_of(const AnswerInfo& info, Said said, const text::Tokenizer& tokenizer);
/// The last one. `answer_text`: all of what was said to the reader, for the context.
Json last_line(const AnswerInfo& info, Said said, const serving::Answer& answer, const serving::AnswerPiece& last,
               const std::string& answer_text);
/// Of a request that only asks for the model to be there.
Json loaded_line(bool chat, const std::string& model);

}  // namespace maru::api::ollama
