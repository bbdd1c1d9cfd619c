// A zstd-compressed file that appears whole or not at all. The same bytes in give the same bytes out.
#pragma once
#include <memory>
#include <string_view>

#include "base/file.h"

namespace maru::data {

class ZstdFile {
 public:
  explicit ZstdFile(const fs::path& path, int level = 6);
  ~ZstdFile();
  void write(std::string_view bytes);
  /// Ends the frame and puts the file in its place. Throws kExhausted on a full disk, like AtomicFile.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::data
