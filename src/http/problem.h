// What goes wrong with a request, before an API puts it into its own words.
#pragma once
#include <string>

#include "base/request_failure.h"

namespace maru::http {

struct Problem {
  int status = 400;
  std::string message;
  std::string field;         // of the request, at fault; empty: none in particular
  std::string word;          // for programs, e.g. "invalid_api_key"; empty: the status says it all
  double retry_seconds = 0;  // with 429 and 503, when to try again; 0: nobody knows
};

/// The table from error codes to HTTP status and word.
Problem to_problem(const Error& error);
/// What an exception becomes; call inside a catch block. Failures keep their code, anything else is a 500.
Problem current_problem();

}  // namespace maru::http
