#include "api/nemo/error.h"

#include <charconv>

#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::nemo {
namespace {

struct FieldError {
  std::vector<Json> loc;
  std::string msg, type;
  static constexpr auto fields() {
    using C = FieldError;
    return std::tuple{field("loc", &C::loc, "where: body or query, then names and numbers that lead to the field"),
                      field("msg", &C::msg, "what is wrong"), field("type", &C::type, "for programs")};
  }
};

struct NemoError {
  Json detail;  // a text, or a list of FieldError
  static constexpr auto fields() {
    return std::tuple{
        field("detail", &NemoError::detail, "a text; of a field at fault (422) a list of {loc, msg, type}")};
  }
};

/// "hyperparameters.lora.targets[2]" as body, hyperparameters, lora, targets, 2.
std::vector<Json> location_of(std::string_view field) {
  std::vector<Json> place{
      field == "filter" || field == "search" || field == "sort" || field.starts_with("page") ? "query" : "body"};
  while (!field.empty()) {
    const size_t end = std::min(field.find_first_of(".[]"), field.size());
    const std::string_view part = field.substr(0, end);
    int64_t number = 0;
    const auto [rest, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (!part.empty() && error == std::errc() && rest == part.data() + part.size())
      place.emplace_back(number);
    else if (!part.empty())
      place.emplace_back(part);
    field.remove_prefix(std::min(end + 1, field.size()));
  }
  return place;
}

std::string error_body(const http::Problem& problem) {
  const std::string message = excerpt(problem.message, kMaxMessageBytes);
  if (problem.status != 422) return http::to_line(to_json(NemoError{message}));
  const FieldError error{location_of(problem.field), message, problem.word.empty() ? "value_error" : problem.word};
  return http::to_line(to_json(NemoError{Json::array({to_json(error)})}));
}

/// What says something wrong is 422 here, as FastAPI has it; what cannot be read at all is 400.
int status_of(const http::Problem& problem) {
  const bool is_value = !problem.field.empty() || problem.word == "invalid_value";
  return problem.status == 400 && is_value ? 422 : problem.status;
}

/// Clients repeat a 409 twice, with pauses, unless they are told that it is final.
http::Headers error_headers(const http::Problem& problem) {
  if (problem.status != 409) return {};
  return {{"x-should-retry", "false"}};
}

}  // namespace

const http::Dialect kDialect{.error_body = error_body,
                             .credential = http::bearer_token,
                             .place_of_key = "'Authorization: Bearer KEY'",
                             .error_schema = http::error_schema<NemoError>,
                             .error_headers = error_headers,
                             .status = status_of};

}  // namespace maru::api::nemo
