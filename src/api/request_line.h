// A request in the log: who asked what and how it ended, never what was said.
#pragma once
#include <string>

#include "http/server.h"

namespace maru::api {

/// JSON on one line, without its end: time, level, message, request_id, method, route, status, seconds, key, peer.
std::string request_line(const http::Exchange& exchange);

}  // namespace maru::api
