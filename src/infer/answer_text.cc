#include "infer/answer_text.h"

#include <utility>

namespace maru::infer {

AnswerText::AnswerText(const text::Tokenizer& tokenizer, std::vector<std::string> stop, bool scored,
                       std::span<const int32_t> before, std::vector<int32_t> shown)
    : tokenizer_(tokenizer),
      decoder_(tokenizer, true, before, std::move(shown)),
      stop_(std::move(stop)),
      scored_(scored) {}

bool AnswerText::push(ScoredToken token, Piece& piece) {
  const int32_t id = token.token;
  if (scored_) held_.push_back({std::move(token), decoded_});
  if (!tokenizer_.contains(id)) return false;  // a model's table may be longer than its vocabulary
  const std::string decoded = decoder_.push(id);
  decoded_ += decoded.size();
  piece.text += stop_.push(decoded);
  emitted_ += piece.text.size();
  release(emitted_, piece);
  return stop_.stopped();
}

void AnswerText::finish(Piece& piece) {
  if (stop_.stopped()) return;
  std::string rest = stop_.push(decoder_.flush());
  rest += stop_.finish();
  piece.text += rest;
  release(std::string::npos, piece);
}

/// Tokens whose text begins before `end`.
void AnswerText::release(size_t end, Piece& piece) {
  for (; !held_.empty() && held_.front().begin < end; held_.pop_front())
    piece.tokens.push_back(std::move(held_.front().token));
}

}  // namespace maru::infer
