// The last resort of whoever answers: an error whatever went wrong, also when there is no memory for its words.
#pragma once
#include "http/dialect.h"

namespace maru::http {

/// Of the exception that is being handled; where there is no memory for words, 503 without any.
Response response_to_current(const Dialect& dialect) noexcept;

}  // namespace maru::http
