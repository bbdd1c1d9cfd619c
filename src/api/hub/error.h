// Errors as clients of Hugging Face's hub expect them: {"error": "…"}, and in the head what was missing.
#pragma once
#include "http/dialect.h"

namespace maru::api::hub {

/// Keys come as bearer tokens.
extern const http::Dialect kDialect;

}  // namespace maru::api::hub
