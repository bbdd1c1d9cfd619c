// Who asks. A request carries a Principal once an Authenticator has known its key.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru::http {

struct Principal {
  std::string tenant;               // whose quota and whose secrets
  std::string key;                  // names the key without telling it
  std::vector<std::string> scopes;  // what it may do; "*": everything

  bool may(std::string_view scope) const {
    return std::any_of(scopes.begin(), scopes.end(), [&](const std::string& s) { return s == "*" || s == scope; });
  }
};

/// Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// False: whoever reaches this server may use all of it.
  virtual bool has_keys() const = 0;
  /// Whose key it is; none: nobody's. Must be short: it is asked on a network thread.
  virtual std::optional<Principal> principal_of(std::string_view key) const = 0;
};

}  // namespace maru::http
