// An answer made again from its request, by the code that served it, and compared with its receipt.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/server.h"
#include "ledger/receipt.h"

namespace maru::api {

/// What is not as the receipt says; `where` is a field of it ("engine.isa"), or a token.
struct Difference {
  std::string where, expected, got;
  bool operator==(const Difference&) const = default;
};

/// The fields in which two receipts differ, but for who signed and when, and for names. Of token hashes the place is
/// told as far as the marks do: "choices[0], tokens 64 to 127".
std::vector<Difference> differences(const ledger::Receipt& expected, const ledger::Receipt& got);

/// Texts for the reader of a whole answer's choices, in any dialect; none of anything else, such as a chunk of a
/// stream.
std::vector<std::string> texts_of(const Json& answer);

struct ReplaySource {
  fs::path model, adapter;  // an empty adapter: none
  Json request;  // the body, as it was sent to the receipt's route
  Json answer;   // as it came; null: only hashes are compared
  std::vector<AddDialect> dialects = all_dialects();
};

struct ReplayReport {
  std::vector<Difference> differences;
  int64_t choices = 0, tokens = 0;  // made again
};

/// Serves the request once, alone, to nobody: no port is opened, nothing is signed.
///
/// Throws   what loading the model throws; kDataLoss when the request's prompt is not the receipt's; kInvalidArgument
///          when the request is refused.
ReplayReport replay(const ledger::Receipt& receipt, const ReplaySource& source, Device& device);

}  // namespace maru::api
