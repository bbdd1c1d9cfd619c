// Who asks: what transport learns of a request's key, and what serving owes to it. Neither knows the other, nor who
// keeps the keys.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/long_wait.h"

namespace maru {

class RequestRecord;

/// What one key may take; 0: no limit of its own.
struct KeyLimits {
  int64_t requests_per_minute = 0, tokens_per_minute = 0;
  int64_t parallel_choices = 0;  // running and waiting
};

struct Principal {
  std::string tenant;                    // its workspace: whose turn it is, whose files, quota and secrets
  std::string key;                       // names the key without telling it
  std::vector<std::string> scopes;       // what it may do; "*": everything
  std::vector<std::string> models = {};  // what it may ask; empty: all
  double weight = 1;                     // of its tenant: with 2 it gets twice as much as one with 1
  KeyLimits limits = {};
  std::string project = {};  // of its workspace; empty: none

  /// Whoever runs the server: every workspace is theirs.
  bool is_operator() const { return std::find(scopes.begin(), scopes.end(), "*") != scopes.end(); }
  bool may(std::string_view scope) const {
    return std::any_of(scopes.begin(), scopes.end(), [&](const std::string& s) { return s == "*" || s == scope; });
  }
  bool may_ask(std::string_view model) const {
    return models.empty() || std::find(models.begin(), models.end(), model) != models.end();
  }
};

/// Who a request counts for.
struct Caller {
  /// Without a key: nobody with a name, who may ask everything; the tenant is the address, "" on this machine.
  Principal principal;
  /// Whose places it takes: "key NAME", "address ADDRESS"; the first word is what they are told.
  std::vector<std::string> clients;
  LongWait::Pool* waits = nullptr;             // whose thread answers it; null: nobody's who minds
  std::shared_ptr<RequestRecord> record = {};  // of the request at hand; null: nothing is noted
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

}  // namespace maru
