#include "ledger/hash_cache.h"

#include <charconv>
#include <chrono>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/hash.h"

namespace maru::ledger {
namespace {

// One line per file: sha256, bytes, modified_ns and the path (last, because it may hold anything but a newline).
template <class T>
bool take_number(std::string_view& line, T& value) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  return true;
}

int64_t modified_ns_of(const fs::path& path) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(fs::last_write_time(path).time_since_epoch()).count();
}

}  // namespace

HashCache::HashCache(fs::path file) : file_(std::move(file)) {
  try {
    read();
  } catch (const Failure&) {
    entries_.clear();  // what it would have saved is read again
  }
}

void HashCache::read() {
  std::error_code error;
  if (!fs::exists(file_, error)) return;
  LineReader lines(file_, 1 << 20);
  while (auto line = lines.next()) {
    Entry entry;
    if (line->size() < 66 || (*line)[64] != ' ') continue;
    entry.sha256 = line->substr(0, 64);
    line->remove_prefix(65);
    if (take_number(*line, entry.bytes) && take_number(*line, entry.modified_ns)) entries_[std::string(*line)] = entry;
  }
}

std::string HashCache::sha256(const fs::path& path) {
  const std::string key = fs::absolute(path).lexically_normal().string();
  if (!fs::is_regular_file(path)) throw Failure(ErrorCode::kNotFound, key + ": is not a file");
  const Entry now{fs::file_size(path), modified_ns_of(path), ""};
  Entry& entry = entries_[key];
  if (entry.sha256.empty() || entry.bytes != now.bytes || entry.modified_ns != now.modified_ns)
    entry = {now.bytes, now.modified_ns, sha256_file(path)};
  return entry.sha256;
}

void HashCache::save() const {
  std::string text;
  for (const auto& [path, entry] : entries_)
    if (path.find('\n') == std::string::npos)
      text += entry.sha256 + " " + std::to_string(entry.bytes) + " " + std::to_string(entry.modified_ns) + " " + path +
              "\n";
  std::error_code error;  // what is missing then, writing names
  fs::create_directories(fs::absolute(file_).parent_path(), error);
  write_file(file_, text);
}

}  // namespace maru::ledger
