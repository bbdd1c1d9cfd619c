// What an operator decides about all APIs.
#pragma once
#include <cstdint>

namespace maru::serving {

struct ApiOptions {
  bool ignore_unknown_fields = false;  // of requests, with a warning, instead of refusing them
  // Answers of /v1/responses that are kept to be asked for again; beyond any of the three the oldest go.
  int64_t stored_responses = 1024, stored_bytes = int64_t{64} << 20;
  double stored_seconds = 86400;
};

}  // namespace maru::serving
