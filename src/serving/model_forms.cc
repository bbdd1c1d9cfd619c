#include "serving/model_forms.h"

#include "models/answer_forms.h"

namespace maru::serving {

text::AnswerForms forms_of(const std::string& tool_parser, const std::string& reasoning_parser,
                           const text::ChatTemplate* chat_template) {
  text::AnswerForms forms = detect_answer_forms(
      [&](std::string_view sign) { return chat_template != nullptr && chat_template->mentions(sign); });
  if (tool_parser != "auto") forms.calls = find_call_form(tool_parser, "tool_parser");
  if (reasoning_parser != "auto") forms.reasoning = find_reasoning_form(reasoning_parser, "reasoning_parser");
  return forms;
}

std::vector<int32_t> end_tokens_of(std::vector<int32_t> tokens, const text::Tokenizer& tokenizer,
                                   const text::AnswerForms& forms) {
  const auto part = forms.reasoning == nullptr ? std::nullopt : tokenizer.id_of(forms.reasoning->turn_part);
  if (part && tokens.size() > 1) std::erase(tokens, *part);
  return tokens;
}

}  // namespace maru::serving
