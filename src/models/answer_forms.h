// Which of the families' ways to write calls and reasoning a model has. Its chat template says so: models are tuned to
// other forms than their family's, and bring the template for it.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "text/chat/answer/answer_form.h"

namespace maru {

/// The forms of which all signs are mentioned; of several the one with the most.
text::AnswerForms detect_answer_forms(const std::function<bool(std::string_view sign)>& mentions);

/// A form by its name, or null for "none".
///
/// Throws   kInvalidArgument naming `option` and the forms there are.
const text::CallForm* find_call_form(std::string_view name, const std::string& option);
const text::ReasoningForm* find_reasoning_form(std::string_view name, const std::string& option);

}  // namespace maru
