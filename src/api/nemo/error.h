// Errors as NVIDIA's clients of NeMo expect them: {"detail": "…"}, and where a field is at fault, 422 with a list.
#pragma once
#include "http/dialect.h"

namespace maru::api::nemo {

/// Keys come as bearer tokens.
extern const http::Dialect kDialect;

}  // namespace maru::api::nemo
