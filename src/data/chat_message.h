// What every form of training data with messages asks of one.
#pragma once
#include "base/json_node.h"

namespace maru::data {

/// Throws unless it has a role, and content or calls of tools. Roles and further fields are the template's business.
void check_message(const JsonNode& message);

/// Throws when a text that is to be learnt as an answer has nothing but white space.
void check_answer(const JsonNode& text);

/// Throws when a message that is to be learnt from has neither words nor calls of tools.
void check_answering_message(const JsonNode& message);

/// A list beside the messages, or null.
Json list_or_null(const JsonNode& node);

}  // namespace maru::data
