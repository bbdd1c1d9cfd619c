// What a chat needs of a model.
#pragma once
#include <optional>
#include <string>

#include "ledger/timestamp.h"
#include "text/chat/answer/answer_form.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::serving {

/// What it points to must outlive it.
struct ChatModel {
  std::string id;
  const text::Tokenizer* tokenizer = nullptr;
  const text::ChatTemplate* chat_template = nullptr;  // null: it cannot chat
  text::AnswerForms forms;                            // how it writes calls of tools and reasoning
  std::optional<ledger::Timestamp> time;              // what its template is told, for a receipt; none: now
};

}  // namespace maru::serving
