#include "platform/file_store.h"

#include "base/error.h"
#include "base/storage_full.h"

namespace maru::platform {
namespace {

constexpr const char* kFiles = "files";

}  // namespace

struct FileStore::Opened {
  explicit Opened(HomeDatabase& home)
      : blobs(home.folder() / kFiles), repositories(home.reach(), blobs, home.audit()) {}
  BlobStore blobs;
  Repositories repositories;
};

FileStore::FileStore(HomeDatabase& home, Warn warn, CollectRule rule)
    : home_(home), warn_(std::move(warn)), rule_(rule) {
  if (home_.if_there() != nullptr) open();
}

FileStore::~FileStore() = default;

Repositories& FileStore::repositories() { return reach().repositories; }

BlobStore& FileStore::blobs() { return reach().blobs; }

FileStore::Opened& FileStore::reach() {
  home_.reach();  // says itself what is wrong with it
  try {
    return open();
  } catch (const StorageFull&) {
    throw;
  } catch (const std::exception& failure) {
    if (warn_) warn_(std::string("the store of files cannot be opened: ") + failure.what());
    throw Failure(ErrorCode::kUnavailable, "the store of files cannot be opened; the server has told its operator why");
  }
}

FileStore::Opened& FileStore::open() {
  const std::lock_guard lock(mutex_);
  if (opened_ != nullptr) return *opened_;
  opened_ = std::make_unique<Opened>(home_);
  collector_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock waiting(mutex_);
    while (!ending_.wait_for(waiting, stop, rule_.every, [&] { return stop.stop_requested(); })) {
      waiting.unlock();
      collect();
      waiting.lock();
    }
  });
  return *opened_;
}

void FileStore::collect() try {
  counts_.collected_blobs += repositories().collect(rule_.unused_for);
} catch (const std::exception& failure) {  // the next time may be better
  if (warn_) warn_(std::string("blobs that nobody refers to stay for now: ") + failure.what());
}

}  // namespace maru::platform
