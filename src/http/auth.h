// API keys. Only their SHA-256 stays in memory, and comparing takes the same time whatever the keys are.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/principal.h"

namespace maru::http {

/// Keys that may do everything, each its own tenant. Immutable after construction, so thread-safe.
class ApiKeys : public Authenticator {
 public:
  /// Throws kInvalidArgument on a key that is empty or could not be sent in a header.
  explicit ApiKeys(const std::vector<std::string>& keys = {});
  bool has_keys() const override { return !hashes_.empty(); }
  std::optional<Principal> principal_of(std::string_view key) const override;

 private:
  std::vector<std::string> hashes_;
};

/// One key per line; blank lines and lines that begin with '#' are skipped.
std::vector<std::string> parse_keys(std::string_view text);
/// True for "localhost" and addresses that only this machine can reach.
bool is_loopback(std::string_view address);

}  // namespace maru::http
