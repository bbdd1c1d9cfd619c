// How a served model writes calls of tools and reasoning, and what follows for where its answers end.
#pragma once
#include <string>
#include <vector>

#include "text/chat/answer/answer_form.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::serving {

/// Each parser is the name of a form, "none", or "auto": what the chat template says, which may be null.
///
/// Throws   kInvalidArgument naming "tool_parser" or "reasoning_parser" and the forms there are.
text::AnswerForms forms_of(const std::string& tool_parser, const std::string& reasoning_parser,
                           const text::ChatTemplate* chat_template);

/// `tokens` that end an answer, without one that ends only a part of it in these forms, if others are left.
std::vector<int32_t> end_tokens_of(std::vector<int32_t> tokens, const text::Tokenizer& tokenizer,
                                   const text::AnswerForms& forms);

}  // namespace maru::serving
