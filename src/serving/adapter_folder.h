// A folder of PEFT adapters, each served under its directory's name, as NIM_PEFT_SOURCE is: what is put there answers,
// what is taken away does not.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "serving/model_host.h"

namespace maru::serving {

class AdapterFolder {
 public:
  using Warn = std::function<void(const std::string&)>;
  /// Loads what is there, and looks again every `seconds` on a thread of its own; 0: never. One that appears or changes
  /// is loaded once it has looked the same twice in a row, so that a copy under way is not read half. One that cannot
  /// be used is warned of, and those beside it are served. Links to directories are followed. Host and device must
  /// outlive it.
  ///
  /// Throws   kNotFound when there is no such directory.
  AdapterFolder(fs::path directory, double seconds, ModelHost& host, Device& device, Warn warn);
  ~AdapterFolder();
  AdapterFolder(const AdapterFolder&) = delete;
  /// Once more, now. Only where it does not look by itself.
  void look();

 private:
  using Stamp = std::vector<int64_t>;  // what tells one version of the files from another
  struct Known {
    Stamp seen, tried;
    bool served = false;
  };
  static Stamp stamp_of(const fs::path& adapter);
  void take(const std::string& name, Known& known);
  void drop(const std::string& name);
  void loop();

  const fs::path directory_;
  const std::chrono::duration<double> period_;
  ModelHost& host_;
  Device& device_;
  const Warn warn_;
  // Of the thread's own after the first look:
  std::map<std::string, Known> known_;
  bool looked_ = false;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace maru::serving
