#include "platform/home_database.h"

#include <utility>

#include "base/error.h"
#include "base/storage_full.h"
#include "platform/schema.h"

namespace maru::platform {

HomeDatabase::HomeDatabase(const fs::path& folder, Warn warn, const fs::path& signing)
    : folder_(folder), warn_(std::move(warn)), audit_(signing) {
  try {
    if_there();
  } catch (const Failure& failure) {
    throw Failure(failure.code(), folder_.string() + ": cannot be opened: " + failure.what());
  }
}

fs::path HomeDatabase::file() const { return folder_ / "platform.db"; }

Database& HomeDatabase::reach() try { return open(); } catch (const StorageFull&) {
  throw;
} catch (const std::exception& failure) {
  if (warn_) warn_(std::string("the database of this home cannot be opened: ") + failure.what());
  throw Failure(ErrorCode::kUnavailable,
                "the database of this home cannot be opened; the server has told its operator why");
}

Database* HomeDatabase::if_there() {
  {
    const std::lock_guard lock(mutex_);
    if (database_ != nullptr) return database_.get();
  }
  return fs::exists(file()) ? &open() : nullptr;
}

Database& HomeDatabase::open() {
  const std::lock_guard lock(mutex_);
  if (database_ == nullptr) database_ = std::make_unique<Database>(file(), migrations());
  return *database_;
}

}  // namespace maru::platform
