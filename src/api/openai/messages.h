// The messages of a chat request as chat templates read them. Clients and agent frameworks send back, turn after turn,
// what this and other servers answered; each form they use is either brought into the one that templates know or
// refused by the name of its field.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace maru::api::openai {

struct Messages {
  Json list;
  std::vector<std::string> warnings;  // what the model is shown otherwise than it was sent; the first 16
};

/// Text parts become one string; a refusal is what the assistant said; the older "function_call" and role "function"
/// are a tool call and a tool's answer; arguments given as JSON text become objects, and `{}` when they are none;
/// "developer" is "system" unless `knows_developer`. Content may be missing where tools are called. All else is left to
/// the template.
///
/// Throws   RequestFailure: 400 naming the field.
Messages read_messages(const Json& messages, bool knows_developer);

}  // namespace maru::api::openai
