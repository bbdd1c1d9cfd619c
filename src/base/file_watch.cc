#include "base/file_watch.h"

#include <sys/stat.h>

#include <utility>

#include "base/error.h"

namespace maru {
namespace {

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

FileWatch::FileWatch(std::vector<fs::path> files, Load load, Warn warn, std::string kept,
                     std::chrono::milliseconds period)
    : files_(std::move(files)),
      load_(std::move(load)),
      warn_(std::move(warn)),
      kept_(std::move(kept)),
      period_(period) {
  loaded_ = last_ = stamps();  // before reading: what changes while it is read is another version
  load_();
  thread_ = std::thread([this] { loop(); });
}

FileWatch::~FileWatch() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::vector<FileWatch::Stamp> FileWatch::stamps() const {
  std::vector<Stamp> stamps;
  for (const fs::path& file : files_) {
    struct stat info {};
    if (file.empty() || ::stat(file.c_str(), &info) != 0)
      stamps.push_back({});
    else
      stamps.push_back({info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), nanoseconds(info.st_mtim),
                        nanoseconds(info.st_ctim)});
  }
  return stamps;
}

void FileWatch::loop() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [this] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void FileWatch::look() {
  std::vector<Stamp> now = stamps();
  const bool settled = now == last_;
  last_ = std::move(now);
  if (!settled || last_ == loaded_) return;
  loaded_ = last_;
  try {
    load_();
  } catch (const std::exception& e) {
    if (warn_) warn_(std::string(e.what()) + "; " + kept_);
  }
}

}  // namespace maru
