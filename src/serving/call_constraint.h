// An answer that must be a call of a tool, or whose calls must fit the tools: as a form that answers are held to.
#pragma once
#include <optional>

#include "infer/grammar_processor.h"
#include "serving/chat_model.h"
#include "serving/conversation.h"

namespace maru::serving {

/// Of a conversation that asks for a call ("required", a named one), or has tools that ask to be called as their schema
/// says ("strict"), or in whose place there may be text of the conversation's schema; none where the model is free.
/// A schema without tools, or beside calls of a form that is not known, is left to the caller.
///
/// Throws   RequestFailure naming "tool_choice" when it is not known how the model writes calls, or its way cannot be
///          held to a schema; naming a tool's "parameters" when they cannot.
std::optional<infer::AnswerConstraint> call_constraint(const Conversation& conversation, const ChatModel& model,
                                                       const text::AnswerReading& reading);

/// The same of a form that the client gave, with the model's reasoning before it.
infer::AnswerConstraint constraint_of(std::shared_ptr<const text::Grammar> grammar, const ChatModel& model,
                                      const text::AnswerReading& reading);

}  // namespace maru::serving
