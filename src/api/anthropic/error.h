// Errors as Anthropic's clients expect them: {"type": "error", "error": {"type", "message"}}.
#pragma once
#include "http/dialect.h"

namespace maru::api::anthropic {

/// Keys come as `x-api-key`, or as bearer tokens.
extern const http::Dialect kDialect;

}  // namespace maru::api::anthropic
