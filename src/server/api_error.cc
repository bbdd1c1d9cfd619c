#include "server/api_error.h"

#include <array>
#include <new>

#include "base/excerpt.h"
#include "base/json.h"

namespace maru::server {
namespace {

struct TypeRow {
  int status;
  std::string_view type, code;
};

constexpr std::array<TypeRow, 8> kTypes{{
    {400, "invalid_request_error", ""},
    {404, "invalid_request_error", "not_found"},
    {409, "invalid_request_error", "conflict"},
    {429, "rate_limit_error", "rate_limit_exceeded"},
    {499, "invalid_request_error", "cancelled"},
    {501, "invalid_request_error", "unsupported"},
    {503, "server_error", "service_unavailable"},
    {504, "server_error", "timeout"},
}};

ErrorCode code_of(int status) {
  switch (status) {
    case 404: return ErrorCode::kNotFound;
    case 409: return ErrorCode::kExists;
    case 429: return ErrorCode::kExhausted;
    case 500: return ErrorCode::kInternal;
    case 503: return ErrorCode::kUnavailable;
    default: return ErrorCode::kInvalidArgument;
  }
}

Json or_null(const std::string& word) { return word.empty() ? Json(nullptr) : Json(word); }

}  // namespace

ApiFailure::ApiFailure(ApiError error) : Failure(code_of(error.status), error.message), api_error_(std::move(error)) {}

ApiError to_api_error(const Error& error) {
  const int status = http_status_of(error.code);
  for (const TypeRow& row : kTypes)
    if (row.status == status) return {status, error.message, std::string(row.type), "", std::string(row.code)};
  return {status, error.message, "server_error", "", std::string(name_of(error.code))};
}

std::string error_body(const ApiError& error) {
  const Json body = {{"message", excerpt(error.message, kMaxMessageBytes)},
                     {"type", error.type},
                     {"param", or_null(excerpt(error.param, kMaxParamBytes))},
                     {"code", or_null(error.code)}};
  return Json{{"error", body}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Response to_response(const ApiError& error) {
  Response response{.status = error.status, .body = error_body(error)};
  if (error.status == 429 || error.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

ApiError current_api_error() {
  try {
    throw;
  } catch (const ApiFailure& failure) {
    return failure.api_error();
  } catch (const Failure& failure) {
    return to_api_error(failure.error());
  } catch (const std::bad_alloc&) {
    return to_api_error({ErrorCode::kUnavailable, "out of memory"});
  } catch (const std::exception& e) {
    return to_api_error({ErrorCode::kInternal, e.what()});
  }
}

}  // namespace maru::server
