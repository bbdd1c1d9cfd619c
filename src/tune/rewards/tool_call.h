// Whether an answer calls tools, in the form in which its model was taught to.
#pragma once
#include <string_view>

#include "base/json.h"
#include "text/chat/answer/answer_form.h"

namespace maru::tune {

/// 1 where the answer has a call and each of its calls names one of `tools` (null: any) with arguments that are a JSON
/// object; else 0.
double tool_call_reward(std::string_view answer, const text::AnswerForms& forms, const Json& tools);

}  // namespace maru::tune
