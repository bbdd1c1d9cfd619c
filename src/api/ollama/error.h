// Errors as Ollama's clients expect them: {"error": message} with an HTTP status.
#pragma once
#include "http/dialect.h"

namespace maru::api::ollama {

/// Keys come as bearer tokens.
extern const http::Dialect kDialect;

}  // namespace maru::api::ollama
