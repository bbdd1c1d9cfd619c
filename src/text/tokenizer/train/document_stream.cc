#include "text/tokenizer/train/document_stream.h"

#include "base/error.h"
#include "base/json_node.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

constexpr size_t kPlainBytes = 1 << 20;

// Where to cut plain text that goes on: behind the last newline, or else between characters.
size_t cut_of(std::string_view text) {
  const size_t newline = text.rfind('\n');
  return newline != std::string_view::npos ? newline + 1 : text.size() - incomplete_suffix(text);
}

}  // namespace

bool is_jsonl(const fs::path& path) {
  const std::string extension = path.extension().string();
  const bool compressed = extension == ".gz" || extension == ".zst" || extension == ".xz";
  return (compressed ? path.stem().extension().string() : extension) == ".jsonl";
}

DocumentStream::DocumentStream(std::vector<fs::path> files) : files_(std::move(files)) {
  for (const fs::path& file : files_) InputFile check(file);
}

void DocumentStream::open_next() {
  const fs::path& file = files_[opened_++];
  if (is_jsonl(file))
    lines_ = std::make_unique<LineReader>(file);
  else
    plain_ = open_source(file);
}

bool DocumentStream::next_line(RawDocument& document) {
  while (const auto line = lines_->next()) {
    if (line->empty()) continue;
    document = {std::string(*line), opened_ - 1, lines_->line_number()};
    return true;
  }
  lines_.reset();
  return false;
}

bool DocumentStream::next_plain(RawDocument& document) {
  bool more = true;
  while (more && rest_.size() < kPlainBytes) {
    const size_t old = rest_.size();
    rest_.resize(kPlainBytes);
    const size_t n = plain_->read(rest_.data() + old, kPlainBytes - old);
    rest_.resize(old + n);
    more = n > 0;
  }
  if (!more) plain_.reset();
  if (rest_.empty()) return false;
  const size_t cut = more ? cut_of(rest_) : rest_.size();
  document = {rest_.substr(0, cut), opened_ - 1, 0};
  rest_.erase(0, cut);
  return true;
}

bool DocumentStream::next(RawDocument& document) {
  for (;;) {
    if (lines_ != nullptr && next_line(document)) return true;
    if (plain_ != nullptr && next_plain(document)) return true;
    if (opened_ == files_.size()) return false;
    open_next();
  }
}

std::vector<RawDocument> DocumentStream::next_block(size_t bytes) {
  std::vector<RawDocument> block;
  RawDocument document;
  for (size_t filled = 0; filled < bytes && next(document); filled += block.back().bytes.size())
    block.push_back(std::move(document));
  return block;
}

std::string DocumentStream::text_of(const RawDocument& document, const std::string& text_field) const {
  if (document.line == 0) return document.bytes;
  const std::string where = files_[document.file].string() + ":" + std::to_string(document.line);
  const Json json = parse_json(document.bytes, where).value();
  return JsonNode(json, where)[text_field].string();
}

}  // namespace maru::text
