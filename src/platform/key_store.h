// Who a key belongs to, by a file of keys that may change while the server runs.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/file_watch.h"
#include "base/principal.h"
#include "platform/key_file.h"

namespace maru::platform {

/// Thread-safe. Keys are asked for even while the file holds none: an emptied file closes a server.
class KeyStore : public Authenticator {
 public:
  using Now = std::function<std::chrono::system_clock::time_point()>;

  /// Reads the file again when it changes; a version that cannot be read changes nothing, and `warn` hears of it.
  ///
  /// Throws   what read_key_file throws.
  explicit KeyStore(const fs::path& file, FileWatch::Warn warn = {}, Now now = std::chrono::system_clock::now,
                    std::chrono::milliseconds period = FileWatch::kPeriod);
  ~KeyStore() override;
  bool has_keys() const override { return true; }
  std::optional<Principal> principal_of(std::string_view key) const override;

 private:
  struct Table;
  const Now now_;
  mutable std::mutex mutex_;  // guards table_, which itself never changes
  std::shared_ptr<const Table> table_;
  FileWatch watch_;  // last: its thread uses the others
};

}  // namespace maru::platform
