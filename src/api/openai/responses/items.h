// The items of the Responses API: what clients send as input and get as output, brought into one form in which they are
// kept, and from that into the messages of a chat.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace maru::api::openai {

/// A fresh id with this beginning.
using NewId = std::function<std::string(std::string_view prefix)>;

/// An input as a list of items in full: a text is a message of the user; contents are lists of parts, and each item has
/// an id.
///
/// Throws   RequestFailure naming the field; images, files, and items of tools that a server runs are refused by their
///          type.
Json read_items(const Json& input, const NewId& new_id);

/// Such items, and those of answers, as the messages of a chat: what the assistant thought, said and called in one turn
/// is one message.
Json messages_of(const Json& items);

}  // namespace maru::api::openai
