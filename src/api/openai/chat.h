// The conversation of a chat request: messages, tools and documents as chat templates read them.
#pragma once
#include "api/openai/types.h"
#include "serving/conversation.h"

namespace maru::api::openai {

/// Reads the messages (messages.h), tools, documents and variables; the result points into the request's documents.
///
/// Throws   RequestFailure naming the field.
serving::Conversation read_conversation(const ChatRequest& request, const serving::ChatModel& model);

}  // namespace maru::api::openai
