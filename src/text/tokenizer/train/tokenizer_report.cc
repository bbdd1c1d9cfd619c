#include "text/tokenizer/train/tokenizer_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

double ratio(int64_t a, int64_t b) { return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b); }

void accumulate(const TokenizerReport::Row& from, TokenizerReport::Row& to) {
  to.texts += from.texts;
  to.bytes += from.bytes;
  to.characters += from.characters;
  for (size_t i = 0; i < from.tokens.size(); ++i) to.tokens[i] += from.tokens[i];
}

}  // namespace

double TokenizerReport::Row::bytes_per_token(size_t tokenizer) const { return ratio(bytes, tokens[tokenizer]); }
double TokenizerReport::Row::tokens_per_character(size_t tokenizer) const {
  return ratio(tokens[tokenizer], characters);
}

TokenizerReport::TokenizerReport(std::span<const NamedTokenizer> tokenizers) {
  for (const NamedTokenizer& t : tokenizers) {
    names_.push_back(t.name);
    encoders_.emplace_back(*t.tokenizer);
  }
}

void TokenizerReport::add(const std::string& language, std::string_view text) {
  const auto before = [](const Row& row, const std::string& name) { return row.language < name; };
  auto row = std::lower_bound(rows_.begin(), rows_.end(), language, before);
  if (row == rows_.end() || row->language != language)
    row = rows_.insert(row, Row{.language = language, .tokens = std::vector<int64_t>(names_.size())});
  row->texts += 1;
  row->bytes += static_cast<int64_t>(text.size());
  row->characters += static_cast<int64_t>(count_code_points(text));
  for (size_t i = 0; i < encoders_.size(); ++i) {
    ids_.clear();
    encoders_[i].encode(text, {.parse_special = false}, ids_);
    row->tokens[i] += static_cast<int64_t>(ids_.size());
  }
}

std::vector<TokenizerReport::Row> TokenizerReport::rows() const {
  std::vector<Row> rows = rows_;
  Row all{.language = "all", .tokens = std::vector<int64_t>(names_.size())};
  for (const Row& row : rows_) accumulate(row, all);
  rows.push_back(all);
  return rows;
}

std::string TokenizerReport::table() const {
  size_t width = 8;
  for (const std::string& name : names_) width = std::max(width, name.size());
  std::string text = fmt::format("{:<10} {:>8} {:>12} {:>12}", "language", "texts", "bytes", "characters");
  for (const std::string& name : names_) text += fmt::format("  {:>{}}", name, width);
  text += "   (bytes per token)\n";
  for (const Row& row : rows()) {
    text += fmt::format("{:<10} {:>8} {:>12} {:>12}", row.language, row.texts, row.bytes, row.characters);
    for (size_t i = 0; i < names_.size(); ++i) text += fmt::format("  {:>{}.3f}", row.bytes_per_token(i), width);
    text += "\n";
  }
  return text;
}

Json TokenizerReport::json() const {
  Json list = Json::array();
  for (const Row& row : rows()) {
    Json tokenizers = Json::array();
    for (size_t i = 0; i < names_.size(); ++i)
      tokenizers.push_back({{"name", names_[i]},
                            {"tokens", row.tokens[i]},
                            {"bytes_per_token", row.bytes_per_token(i)},
                            {"tokens_per_character", row.tokens_per_character(i)}});
    list.push_back({{"language", row.language},
                    {"texts", row.texts},
                    {"bytes", row.bytes},
                    {"characters", row.characters},
                    {"tokenizers", tokenizers}});
  }
  return {{"languages", list}};
}

}  // namespace maru::text
