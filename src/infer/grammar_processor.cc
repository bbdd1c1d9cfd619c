#include "infer/grammar_processor.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"

namespace maru::infer {
namespace {

constexpr std::string_view kBlanks = " \n\r\t";

std::string_view spelling_of(const text::TokenTrie& tokens, int32_t token) {
  const std::string_view bytes = tokens.bytes_of(token);
  return bytes.empty() ? tokens.spelling_of_special(token) : bytes;
}

std::optional<int32_t> token_of(const text::TokenTrie& tokens, std::string_view spelling) {
  if (spelling.empty()) return std::nullopt;
  for (int32_t id = 0; id < tokens.num_ids(); ++id)
    if (spelling_of(tokens, id) == spelling) return id;
  return std::nullopt;
}

}  // namespace

GrammarProcessor::GrammarProcessor(const AnswerConstraint& constraint, const text::TokenTrie& tokens,
                                   std::vector<int32_t> end_tokens)
    : tokens_(tokens),
      reasoning_end_(constraint.reasoning_end),
      matcher_(constraint.grammar, tokens, std::move(end_tokens)),
      mask_(tokens.mask_words()),
      reasoning_begin_(constraint.in_reasoning ? std::nullopt : token_of(tokens, constraint.reasoning_begin)),
      at_start_(reasoning_begin_.has_value()),
      reasons_(constraint.in_reasoning && !reasoning_end_.empty()) {}

void GrammarProcessor::process(std::span<float> logits) {
  if (reasons_) return;
  matcher_.fill_mask(mask_);
  if (at_start_) mask_[static_cast<size_t>(*reasoning_begin_) / 32] |= 1u << (*reasoning_begin_ % 32);
  if (std::all_of(mask_.begin(), mask_.end(), [](uint32_t word) { return word == 0; }))
    throw Failure(ErrorCode::kInvalidArgument, "no token of the model can go on with the form that was asked for");
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    const size_t word = i / 32;
    if (word >= mask_.size() || (mask_[word] >> (i % 32) & 1) == 0) logits[i] = kNever;
  }
}

void GrammarProcessor::accept(int32_t token) {
  if (std::exchange(at_start_, false) && token == reasoning_begin_) {
    reasons_ = true;
    return;
  }
  if (reasons_) return follow_reasoning(token);
  CHECK(matcher_.accept(token));  // the mask has let it through
}

/// Behind the mark the answer begins; blanks behind it are the template's.
void GrammarProcessor::follow_reasoning(int32_t token) {
  reasoning_ += spelling_of(tokens_, token);
  const size_t end = reasoning_.find(reasoning_end_);
  if (end == std::string::npos) {
    if (reasoning_.size() > reasoning_end_.size()) reasoning_.erase(0, reasoning_.size() - reasoning_end_.size());
    return;
  }
  reasons_ = false;
  const std::string_view rest = std::string_view(reasoning_).substr(end + reasoning_end_.size());
  const size_t begin = rest.find_first_not_of(kBlanks);
  if (begin != std::string_view::npos && !matcher_.accept_text(rest.substr(begin)))
    throw Failure(ErrorCode::kInvalidArgument,
                  "the answer begins in the token that ends the reasoning, otherwise than "
                  "in the form that was asked for");
}

}  // namespace maru::infer
