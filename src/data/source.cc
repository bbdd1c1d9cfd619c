#include "data/source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/path_text.h"
#include "data/listing.h"

namespace maru::data {
namespace {

constexpr size_t kMaxLineBytes = size_t{256} << 20;

struct Extension {
  std::string_view name;
  SourceFormat format;
};
constexpr std::array<Extension, 17> kExtensions = {{{".html", SourceFormat::kHtml},
                                                    {".htm", SourceFormat::kHtml},
                                                    {".xhtml", SourceFormat::kHtml},
                                                    {".page", SourceFormat::kXml},
                                                    {".xml", SourceFormat::kXml},
                                                    {".docbook", SourceFormat::kXml},
                                                    {".dbk", SourceFormat::kXml},
                                                    {".md", SourceFormat::kMarkdown},
                                                    {".mdx", SourceFormat::kMarkdown},
                                                    {".markdown", SourceFormat::kMarkdown},
                                                    {".rst", SourceFormat::kRst},
                                                    {".rest", SourceFormat::kRst},
                                                    {".txt", SourceFormat::kText},
                                                    {".text", SourceFormat::kText},
                                                    {"", SourceFormat::kText},
                                                    {".jsonl", SourceFormat::kJsonl},
                                                    {".ndjson", SourceFormat::kJsonl}}};

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

// Absolute, normal, and without a '/' at the end.
fs::path tidy(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

// The deepest folder that holds all inputs.
fs::path common_folder(const std::vector<fs::path>& roots) {
  fs::path common = roots[0].parent_path();
  for (const fs::path& root : roots)
    while (common.has_relative_path() && *root.lexically_relative(common).begin() == "..")
      common = common.parent_path();
  return common;
}

}  // namespace

SourceFormat parse_format(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, SourceFormat>, 6> kNames = {{{"html", SourceFormat::kHtml},
                                                                                {"xml", SourceFormat::kXml},
                                                                                {"markdown", SourceFormat::kMarkdown},
                                                                                {"rst", SourceFormat::kRst},
                                                                                {"text", SourceFormat::kText},
                                                                                {"jsonl", SourceFormat::kJsonl}}};
  for (const auto& [known, format] : kNames)
    if (known == name) return format;
  throw Failure(ErrorCode::kInvalidArgument, "format: \"" + std::string(name) + "\" is not known");
}

std::string extension_of(const fs::path& path) {
  fs::path name = path.filename();
  if (const std::string last = lowered(name.extension().string()); last == ".gz" || last == ".zst" || last == ".xz")
    name = name.stem();
  return path_text(lowered(name.extension().string()));
}

SourceFormat format_of(const fs::path& path) {
  const std::string extension = extension_of(path);
  for (const Extension& e : kExtensions)
    if (e.name == extension) return e.format;
  return SourceFormat::kUnknown;
}

std::string known_extensions() {
  std::string all;
  for (const Extension& e : kExtensions)
    if (!e.name.empty()) (all += all.empty() ? "" : " ") += e.name;
  return all;
}

SourceReader::SourceReader(const std::vector<InputConfig>& inputs) : inputs_(inputs) {
  if (inputs.empty()) throw Failure(ErrorCode::kInvalidArgument, "inputs: expected at least one file or folder");
  std::vector<fs::path> roots;
  for (const InputConfig& input : inputs) roots.push_back(tidy(input.path));
  const fs::path common = common_folder(roots);
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const ListedFile& file : list_corpus(roots[i])) {
      files_.push_back({i, file.path, path_text(file.path.lexically_relative(common)), file.skipped});
      has_lines_ |= file.skipped.empty() && format_for(files_.back()) == SourceFormat::kJsonl;
    }
  }
  if (files_.empty())
    throw Failure(ErrorCode::kInvalidArgument, "empty corpus: " + path_text(inputs[0].path) + " contains no files");
}

SourceFormat SourceReader::format_for(const File& file) const {
  const InputConfig& input = inputs_[file.input];
  return input.format == "auto" ? format_of(file.path) : parse_format(input.format);
}

RawItem SourceReader::item_of(const File& file) const {
  if (!file.skipped.empty())
    return {.input = file.input, .path = file.path, .source = file.source, .skipped = file.skipped};
  std::error_code error;  // a file that went away is reported by whoever reads it
  const uint64_t size = fs::file_size(file.path, error);
  return {.input = file.input,
          .path = file.path,
          .format = format_for(file),
          .source = file.source,
          .bytes_hint = error ? 0 : size};
}

std::optional<RawItem> SourceReader::next_line() {
  const File& file = files_[at_];
  while (const auto line = lines_->next()) {
    if (is_blank(*line)) continue;
    const int64_t number = lines_->line_number();
    return RawItem{.input = file.input,
                   .path = file.path,
                   .format = SourceFormat::kJsonl,
                   .source = file.source + ":" + std::to_string(number),
                   .line = number,
                   .bytes = std::string(*line),
                   .bytes_hint = line->size()};
  }
  lines_.reset();
  ++at_;
  return std::nullopt;
}

std::optional<RawItem> SourceReader::next() {
  while (at_ < files_.size()) {
    if (lines_ == nullptr) {
      RawItem item = item_of(files_[at_]);
      if (item.format != SourceFormat::kJsonl) return ++at_, item;
      lines_ = std::make_unique<LineReader>(item.path, kMaxLineBytes);
    }
    if (auto item = next_line()) return item;
  }
  return std::nullopt;
}

}  // namespace maru::data
