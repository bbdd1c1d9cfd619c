// Errors as the OpenAI clients expect them: {"error": {"message", "type", "param", "code"}} with an HTTP status.
#pragma once
#include "http/dialect.h"

namespace maru::api::openai {

/// Keys come as bearer tokens.
extern const http::Dialect kDialect;

}  // namespace maru::api::openai
