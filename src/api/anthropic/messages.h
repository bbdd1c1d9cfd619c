// The messages of a request as chat templates read them: a turn of blocks becomes the texts, calls and answers of tools
// that it holds.
#pragma once
#include <string>

#include "base/json.h"
#include "base/json_node.h"

namespace maru::api::anthropic {

/// Text, or a list of text blocks put end to end.
std::string read_text(const JsonNode& content);

/// Text blocks become one string; turns of one role in a row one turn; what was thought is kept beside what was said;
/// each answer of a tool is a message of its own.
///
/// Throws   RequestFailure naming the field; images and other blocks are refused by their type.
Json read_messages(const Json& messages);

}  // namespace maru::api::anthropic
