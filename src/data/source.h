// What a recipe's inputs contain: files of many formats, compressed or not, as a sequence of raw documents in a fixed
// order (inputs as listed, files by path, lines by number).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/fields.h"
#include "base/file.h"

namespace maru::data {

enum class SourceFormat : uint8_t { kUnknown, kHtml, kXml, kMarkdown, kRst, kText, kJsonl };

struct InputConfig {
  std::string path;
  std::string format = "auto";
  std::string text_field = "text", text_format = "text";
  static constexpr auto fields() {
    return std::tuple{field("path", &InputConfig::path, "a file, or a folder that is read with everything below it"),
                      field("format", &InputConfig::format, "of its files; auto: by extension, behind .gz .zst .xz")
                          .one_of("auto|html|xml|markdown|rst|text|jsonl"),
                      field("text_field", &InputConfig::text_field, "JSONL: the field that holds the text"),
                      field("text_format", &InputConfig::text_format, "JSONL: what that text is")
                          .one_of("html|xml|markdown|rst|text")};
  }
};

/// A file, or one line of a JSONL file, not yet parsed.
struct RawItem {
  size_t input = 0;  // index into the inputs
  fs::path path;
  SourceFormat format = SourceFormat::kUnknown;
  std::string source;  // the path below the folder that holds all inputs, as text; with ":line" for JSONL
  int64_t line = 0;    // 0: the whole file
  std::string bytes;   // of the line
  uint64_t bytes_hint = 0;
  std::string_view skipped;  // why the file is not read (data/listing.h)
};

/// "html" → kHtml; throws kInvalidArgument on an unknown name.
SourceFormat parse_format(std::string_view name);
/// By extension; kUnknown for what is not known to be text.
SourceFormat format_of(const fs::path& path);
/// What format_of looks at: ".pdf", in lower case, without .gz, .zst and .xz; as text.
std::string extension_of(const fs::path& path);
/// The extensions that are known, between spaces.
std::string known_extensions();

/// Reads inputs one item at a time. Not thread-safe.
class SourceReader {
 public:
  /// Lists all files. Throws kNotFound for a path that does not exist, kInvalidArgument for one that is neither a file
  /// nor a folder, and if there is no file at all.
  explicit SourceReader(const std::vector<InputConfig>& inputs);
  std::optional<RawItem> next();
  struct File {
    size_t input;
    fs::path path;
    std::string source;
    std::string_view skipped;  // empty: it is read
  };
  /// Also those that are not read.
  const std::vector<File>& files() const { return files_; }
  bool has_lines() const { return has_lines_; }

 private:
  SourceFormat format_for(const File& file) const;
  std::optional<RawItem> next_line();
  RawItem item_of(const File& file) const;
  std::vector<InputConfig> inputs_;
  std::vector<File> files_;
  size_t at_ = 0;
  std::unique_ptr<LineReader> lines_;
  bool has_lines_ = false;
};

}  // namespace maru::data
