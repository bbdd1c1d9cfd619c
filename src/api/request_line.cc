#include "api/request_line.h"

#include <fmt/chrono.h>

#include <chrono>

#include "http/json_body.h"

namespace maru::api {
namespace {

/// The route's pattern and not the path: that may hold anything.
struct RequestLine {
  std::string time, level = "INFO", message = "request", request_id, method, route, key, peer;
  int64_t status = 0;
  double seconds = 0;
  static constexpr auto fields() {
    using C = RequestLine;
    return std::tuple{field("time", &C::time, "UTC, at the end of the answer"),
                      field("level", &C::level, "always INFO"),
                      field("message", &C::message, "always request"),
                      field("request_id", &C::request_id, "as the answer says it").unless_empty(),
                      field("method", &C::method, ""),
                      field("route", &C::route, "the pattern that matched").unless_empty(),
                      field("status", &C::status, "499: the client went away first"),
                      field("seconds", &C::seconds, "from a whole head to the end of the answer"),
                      field("key", &C::key, "its name").unless_empty(),
                      field("peer", &C::peer, "the client's address").unless_empty()};
  }
};

std::string now_text() {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

}  // namespace

std::string request_line(const http::Exchange& exchange) {
  return http::to_line(to_json(RequestLine{.time = now_text(),
                                           .request_id = exchange.request_id,
                                           .method = std::string(name_of(exchange.method)),
                                           .route = std::string(exchange.route),
                                           .key = exchange.key,
                                           .peer = exchange.peer,
                                           .status = exchange.status,
                                           .seconds = exchange.seconds}));
}

}  // namespace maru::api
