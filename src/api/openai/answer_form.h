// The form that a client asks of an answer, in the words of OpenAI (response_format), vLLM (structured_outputs,
// guided_*) and NIM (nvext.guided_*).
#pragma once
#include <memory>
#include <optional>

#include "api/openai/types.h"
#include "base/json_node.h"
#include "text/grammar/grammar.h"

namespace maru::api::openai {

/// Null: none is asked.
///
/// Throws   RequestFailure naming the field: two forms at once, one that is not known, or that cannot be held exactly.
std::shared_ptr<const text::Grammar> read_answer_form(const CommonRequest& request);
/// The schema of a `response_format` that is JSON, which is of the text where an answer calls no tool; none: it is not
/// asked. It lies in the request. What read_answer_form takes is taken.
std::optional<JsonNode> read_text_schema(const CommonRequest& request);

}  // namespace maru::api::openai
