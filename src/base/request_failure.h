// What is wrong with a request, said in a way that every API can put into its own words.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace maru {

/// A request that cannot be met as it is. Codes decide what a client may do; the rest says where to look.
class RequestFailure : public Failure {
 public:
  RequestFailure(ErrorCode code, std::string message, std::string field, std::string word)
      : Failure(code, std::move(message)), field_(std::move(field)), word_(std::move(word)) {}
  /// The field at fault, e.g. "messages[2].role"; empty: none in particular.
  const std::string& field() const { return field_; }
  /// For programs, e.g. "context_length_exceeded"; empty: what the code says.
  const std::string& word() const { return word_; }

 private:
  std::string field_, word_;
};

/// What clients send is repeated to them, and written to logs, but not megabytes of it.
inline constexpr size_t kMaxMessageBytes = 1200, kMaxFieldBytes = 200;

/// Throws   RequestFailure (kInvalidArgument) with message and field cut to these.
[[noreturn]] void refuse(std::string_view message, std::string_view field, std::string_view word = "invalid_value");

/// How entry i of a list is named: "messages[2]".
std::string numbered(std::string_view list, size_t i);

}  // namespace maru
