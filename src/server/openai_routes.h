// The routes /v1/models, /v1/chat/completions and /v1/completions.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "base/json_fwd.h"
#include "infer/engine.h"
#include "server/choice_limits.h"
#include "server/http_router.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::server {

/// A model that is being served. Thread-safe; must outlive the routes.
struct ServedModel {
  std::string id;
  int64_t created = 0;  // seconds since 1970
  const text::Tokenizer* tokenizer = nullptr;
  const text::ChatTemplate* chat_template = nullptr;  // null: the model cannot chat
  infer::Engine* engine = nullptr;
  ChoiceLimits* limits = nullptr;
  int64_t vocab_size = 0;
  double timeout_seconds = 0;  // of one request
  std::string details;         // JSON object shown as "maru" in the list of models
};

void add_openai_routes(Router& router, const ServedModel& model);

}  // namespace maru::server
