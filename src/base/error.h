// Errors: what went wrong, named by what the caller can do about it.
//
//   a bug                                   CHECK(condition): logs and aborts; never reachable by input
//   this request, job or load cannot go on  throw Failure(code, message)
//   parsing bytes from outside              Result<T>: never throws, must be looked at
//   an expected outcome                     an ordinary return value
//
// Messages say what was expected and what came: "[rms_norm] weight has 256 elements, expected a divisor of 640".
#pragma once
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace maru {

enum class ErrorCode : uint8_t {
  kInvalidArgument,  // mend the input and call again
  kNotFound,
  kExists,
  kExhausted,    // memory, disk, queue or quota is full: later, or with less
  kUnavailable,  // not now: try again
  kCancelled,    // the caller went away or asked to stop
  kDeadline,
  kDataLoss,  // bytes are truncated, corrupt or contradict their hash
  kUnimplemented,
  kInternal,
};

/// The snake_case name, e.g. "invalid_argument".
std::string_view name_of(ErrorCode code);
/// One table to HTTP status codes …
int http_status_of(ErrorCode code);
/// … and one to process exit codes (0 is success, 2 invalid use, 3 and up one per code).
int exit_code_of(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  Failure(ErrorCode code, std::string message) : error_{code, std::move(message)} {}
  const Error& error() const { return error_; }
  ErrorCode code() const { return error_.code; }
  const char* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

/// A value or an Error. value() throws the error as a Failure when there is no value.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}
  Result(ErrorCode code, std::string message) : state_(Error{code, std::move(message)}) {}
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return std::get<1>(state_); }
  T& value() & { return require(), std::get<0>(state_); }
  const T& value() const& { return require(), std::get<0>(state_); }
  T&& value() && { return require(), std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  T& operator*() & { return value(); }

 private:
  void require() const {
    if (!ok()) throw Failure(std::get<1>(state_));
  }
  std::variant<T, Error> state_;
};

struct Done {};
/// Result of an action that returns nothing.
using Outcome = Result<Done>;

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace maru

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) ::maru::check_failed(__FILE__, __LINE__, #condition); \
  } while (0)
