#include "http/problem.h"

#include <new>

#include "base/limit_failure.h"
#include "base/storage_full.h"

namespace maru::http {
namespace {

std::string word_of(int status, ErrorCode code) {
  switch (status) {
    case 400: return "";
    case 404: return "not_found";
    case 409: return "conflict";
    case 429: return "rate_limit_exceeded";
    case 499: return "cancelled";
    case 501: return "unsupported";
    case 503: return "service_unavailable";
    case 504: return "timeout";
    default: return std::string(name_of(code));
  }
}

}  // namespace

Problem to_problem(const Error& error) {
  const int status = http_status_of(error.code);
  return {.status = status, .message = error.message, .word = word_of(status, error.code)};
}

Problem current_problem() {
  try {
    throw;
  } catch (const RequestFailure& failure) {
    Problem problem = to_problem(failure.error());
    problem.field = failure.field();
    if (!failure.word().empty()) problem.word = failure.word();
    return problem;
  } catch (const LimitFailure& failure) {
    Problem problem = to_problem(failure.error());
    problem.retry_seconds = failure.retry_seconds();
    return problem;
  } catch (const StorageFull&) {  // whose message names a file of the server
    return {.status = 507, .message = "there is no room left on this server's disk", .word = "storage_full"};
  } catch (const Failure& failure) {
    return to_problem(failure.error());
  } catch (const std::bad_alloc&) {
    return to_problem({ErrorCode::kUnavailable, "out of memory"});
  } catch (const std::exception& e) {
    return to_problem({ErrorCode::kInternal, e.what()});
  }
}

}  // namespace maru::http
