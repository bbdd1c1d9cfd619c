// The database of a home, opened, and made, when somebody first asks for it: a server whose clients keep nothing writes
// nothing.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "platform/audit.h"
#include "platform/database.h"

namespace maru::platform {

/// Thread-safe.
class HomeDatabase {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Opens what is there already; `warn` is told what an operator should know, from any thread. Entries of the audit
  /// are signed with the key in `signing`, where there is one.
  ///
  /// Throws   what Database throws.
  explicit HomeDatabase(const fs::path& folder, Warn warn = {}, const fs::path& signing = {});
  /// Throws, when it has to be opened and cannot be, StorageFull or kUnavailable; `warn` is told why, which is not a
  /// client's business.
  Database& reach();
  /// Null: nobody has made one. Throws what Database throws.
  Database* if_there();
  /// What is done in the database, as `reach()` opens it.
  template <class F>
  auto write(F f) {
    return reach().write(f);
  }
  template <class F>
  auto read(F f) {
    return reach().read(f);
  }
  const Audit& audit() const { return audit_; }
  const fs::path& folder() const { return folder_; }

 private:
  Database& open();
  fs::path file() const;

  const fs::path folder_;
  const Warn warn_;
  const Audit audit_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<Database> database_;
};

}  // namespace maru::platform
