#include "serving/adapter_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "ledger/name.h"

namespace maru::serving {

AdapterFolder::AdapterFolder(fs::path directory, double seconds, ModelHost& host, Device& device, Warn warn)
    : directory_(std::move(directory)),
      period_(seconds),
      host_(host),
      device_(device),
      warn_(warn ? std::move(warn) : [](const std::string&) {}) {
  if (!fs::is_directory(directory_))
    throw Failure(ErrorCode::kNotFound, directory_.string() + ": there is no such directory of adapters");
  look();
  if (seconds > 0) thread_ = std::thread([this] { loop(); });
}

AdapterFolder::~AdapterFolder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AdapterFolder::loop() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [&] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

/// Empty: not an adapter. Links are followed: Kubernetes mounts folders so.
AdapterFolder::Stamp AdapterFolder::stamp_of(const fs::path& adapter) {
  Stamp stamp;
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"}) {
    struct stat found {};
    if (::stat((adapter / file).c_str(), &found) != 0) {
      if (stamp.empty()) return {};
      continue;
    }
    for (const int64_t part :
         {static_cast<int64_t>(found.st_dev), static_cast<int64_t>(found.st_ino), static_cast<int64_t>(found.st_size),
          static_cast<int64_t>(found.st_mtim.tv_sec), static_cast<int64_t>(found.st_mtim.tv_nsec)})
      stamp.push_back(part);
  }
  return stamp;
}

void AdapterFolder::look() {
  const bool first = !std::exchange(looked_, true);
  std::set<std::string> here;
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const Stamp stamp = stamp_of(it->path());
    if (stamp.empty() || name.starts_with('.')) continue;
    here.insert(name);
    Known& known = known_[name];
    const bool settled = first || known.seen == stamp;
    known.seen = stamp;
    if (settled && known.tried != stamp) take(name, known);
  }
  if (error) {
    warn_(directory_.string() + ": the adapters cannot be listed (" + error.message() + "); those that answer go on");
    return;
  }
  for (auto it = known_.begin(); it != known_.end();) {
    const auto at = it++;
    if (here.contains(at->first)) continue;
    if (at->second.served) drop(at->first);
    known_.erase(at);
  }
}

void AdapterFolder::take(const std::string& name, Known& known) {
  known.tried = known.seen;
  try {
    if (const Outcome named = ledger::check_name("adapters", name); !named.ok()) throw Failure(named.error());
    host_.load_adapter({.path = directory_ / name, .id = name, .model = ""}, device_, known.served);
    known.served = true;
  } catch (const std::exception& failure) {
    warn_("adapter \"" + name + "\" " + (known.served ? "stays as it was: " : "is not served: ") + failure.what());
  }
}

void AdapterFolder::drop(const std::string& name) {
  try {
    host_.unload(name);
  } catch (const Failure& failure) {
    warn_("adapter \"" + name + "\": " + failure.what());  // somebody was faster
  }
}

}  // namespace maru::serving
