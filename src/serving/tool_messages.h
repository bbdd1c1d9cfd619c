// Calls and what tools returned, among the messages of a conversation, as templates want them.
#pragma once
#include <cstddef>

#include "base/json.h"

namespace maru::serving {

/// A message of a tool is told the name of what it answers, by the id of the call, unless it has one. With
/// `id_characters`, ids that are not so many letters and digits are replaced by ones that are, in calls and answers
/// alike, the same by the same: a conversation may come from another server.
void complete_tool_messages(Json& messages, size_t id_characters);

/// `number` as `size` letters and digits.
std::string short_id(uint64_t number, size_t size);

}  // namespace maru::serving
