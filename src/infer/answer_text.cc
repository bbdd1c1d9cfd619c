#include "infer/answer_text.h"

#include <utility>

namespace maru::infer {

AnswerText::AnswerText(const text::Tokenizer& tokenizer, std::vector<std::string> stop, bool told,
                       std::span<const int32_t> before, std::vector<int32_t> shown, TextRules rules)
    : tokenizer_(tokenizer),
      decoder_(tokenizer, !rules.special, before, std::move(shown)),
      stop_(std::move(stop)),
      told_(told),
      keeps_stop_(rules.stop) {}

bool AnswerText::push(ScoredToken token, Piece& piece) {
  const int32_t id = token.token;
  if (told_) held_.push_back({std::move(token), decoded_});
  if (!tokenizer_.contains(id)) return false;  // a model's table may be longer than its vocabulary
  const std::string decoded = decoder_.push(id);
  decoded_ += decoded.size();
  piece.text += stop_.push(decoded);
  if (keeps_stop_ && stop_.stopped()) piece.text += stop_.which();
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
