#include "eval/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "base/byte_source.h"
#include "base/json_node.h"
#include "eval/score.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::eval {
namespace {

constexpr size_t kRequestsAtOnce = 16;  // between two calls of `progress`

bool is_full(const Windows& windows, int64_t most_tokens) { return most_tokens > 0 && windows.counted >= most_tokens; }

bool is_jsonl(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.find(".jsonl") != std::string::npos;
}

std::string text_of_line(std::string_view line, const std::string& where) {
  const Json row = parse_json(line, where).value();
  return JsonNode(row, where)["text"].string();
}

}  // namespace

void add_document(Windows& to, std::span<const int32_t> tokens, uint64_t bytes, int64_t length) {
  const auto size = static_cast<int64_t>(tokens.size());
  for (int64_t first = 0; first + 1 < size; first += length) {
    const int64_t last = std::min(size, first + length + 1);
    to.tokens.emplace_back(tokens.begin() + first, tokens.begin() + last);
    to.counted += last - first - 1;
  }
  to.bytes += bytes;
}

Windows windows_of(const std::vector<std::string>& documents, const text::Tokenizer& tokenizer, int64_t length,
                   int64_t most_tokens) {
  Windows windows;
  text::TokenEncoder encoder(tokenizer);
  for (const std::string& document : documents) {
    if (is_full(windows, most_tokens)) break;
    std::vector<int32_t> tokens;
    if (tokenizer.bos()) tokens.push_back(*tokenizer.bos());
    encoder.encode(document, {.add_special_tokens = false, .parse_special = false}, tokens);
    add_document(windows, tokens, document.size(), length);
  }
  return windows;
}

std::vector<std::string> read_documents(const fs::path& file, uint64_t most_bytes) {
  std::vector<std::string> documents;
  const bool jsonl = is_jsonl(file);
  uint64_t bytes = 0;
  LineReader lines(file);
  while (bytes < most_bytes) {
    const auto line = lines.next();
    if (!line) break;
    if (jsonl)
      documents.push_back(text_of_line(*line, fmt::format("{}:{}", file.string(), lines.line_number())));
    else
      (documents.empty() ? documents.emplace_back() : documents.back()).append(*line).append("\n");
    bytes += line->size();
  }
  if (bytes == 0) throw Failure(ErrorCode::kInvalidArgument, file.string() + ": has no text");
  return documents;
}

double WindowScore::bits_per_byte() const {
  return nats / std::numbers::ln2 / static_cast<double>(std::max<uint64_t>(1, bytes));
}

WindowScore score_windows(StepMemory& memory, Decoder& model, const Windows& windows,
                          const std::function<void(int64_t tokens)>& progress) {
  WindowScore result{.nats = 0, .tokens = 0, .bytes = windows.bytes};
  for (size_t first = 0; first < windows.tokens.size(); first += kRequestsAtOnce) {
    std::vector<ScoreRequest> requests;
    for (size_t i = first; i < std::min(windows.tokens.size(), first + kRequestsAtOnce); ++i) {
      const std::vector<int32_t>& window = windows.tokens[i];
      requests.push_back({{window.front()}, {window.begin() + 1, window.end()}});
      result.tokens += static_cast<int64_t>(window.size()) - 1;
    }
    for (const double log_likelihood : score(memory, model, requests)) result.nats -= log_likelihood;
    if (progress) progress(result.tokens);
  }
  return result;
}

}  // namespace maru::eval
