// Errors as telegraphs have them: {"fault": {"number", "where", "reason"}}.
#pragma once
#include "http/dialect.h"

namespace maru::api::telegraph {

/// Keys come as `telegraph-key`, and in no other way.
extern const http::Dialect kDialect;

}  // namespace maru::api::telegraph
