// The body of a commit as it comes: lines of JSON, of which one may hold a file of gigabytes as base64.
//
//   {"key": "header", "value": {"summary", "description", "parentCommit"}}      the first
//   {"key": "file", "value": {"path", "content", "encoding": "base64"}}
//   {"key": "lfsFile", "value": {"path", "algo": "sha256", "oid", "size"}}      bytes that are here already
//   {"key": "deletedFile", "value": {"path"}}, {"key": "deletedFolder", …}
//
// `content` goes to the disk while it is read, wherever it stands among its neighbours; what is left of a line is
// parsed as JSON when the line ends, so nothing is believed that the parser would not.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/base64_decoder.h"
#include "base/json_fwd.h"
#include "platform/repositories.h"

namespace maru {
class JsonNode;
}

namespace maru::api::hub {

class CommitLines {
 public:
  /// A blob that a line may refer to by its hash; nothing: it has to be brought first.
  using Find = std::function<std::optional<platform::Blob>(const std::string& sha256)>;
  CommitLines(const platform::BlobStore& blobs, Find find)
      : blobs_(blobs), find_(std::move(find)), batch_(blobs.batch()) {}
  /// The next bytes, cut anywhere.
  ///
  /// Throws   RequestFailure naming line and field; StorageFull; what BlobWriter throws.
  void take(std::string_view bytes);
  /// There are no more. Throws as take() does.
  void finish();
  /// Of content, decoded.
  int64_t received_bytes() const { return received_bytes_; }
  /// Once finished; `by` is left to the caller.
  platform::CommitRequest request() && { return std::move(request_); }

  static constexpr size_t kLineBytes = 256 << 10;  // without content
  static constexpr size_t kTextBytes = 32 << 20;   // of all lines, without content
  static constexpr size_t kOperations = 200'000;

 private:
  enum class Within : uint8_t { kBetween, kText, kContent };  // tokens, a string, the string that is the content

  size_t between(std::string_view bytes);
  size_t text(std::string_view bytes);
  size_t content(std::string_view bytes);
  void structure(char c);
  void begin_text();
  void keep(std::string_view bytes);
  void decode(std::string_view bytes);
  void end_content();
  void end_line();
  void read_operation(const JsonNode& line);
  void read_header(const JsonNode& value);
  void read_file(const JsonNode& value);
  void read_large_file(const JsonNode& value);
  void add(platform::Change change);
  [[noreturn]] void refuse_here(const std::string& what) const;

  std::optional<platform::Blob> find(const std::string& sha256);

  const platform::BlobStore& blobs_;
  const Find find_;
  std::unordered_map<std::string, platform::Blob> known_;  // that came, or were found
  platform::BlobBatch batch_;
  platform::CommitRequest request_;
  bool has_header_ = false;
  int64_t received_bytes_ = 0;
  size_t num_line_ = 1, text_bytes_ = 0;
  // The line at hand.
  std::string skeleton_;  // all of it but the content
  Within within_ = Within::kBetween;
  bool escaped_ = false;  // a backslash was last
  bool key_next_ = false, in_key_ = false;
  size_t depth_ = 0;
  bool is_object_[3] = {};                        // by depth; what is deeper matters to the parser alone
  std::string key_, keys_[3];                     // the one at hand; the last of each depth
  std::string small_;                             // the content, while it may be a small one
  std::unique_ptr<platform::BlobWriter> writer_;  // else
  std::optional<platform::Blob> blob_;            // what its content was
  Base64Decoder decoder_;
  std::string decoded_;
};

}  // namespace maru::api::hub
