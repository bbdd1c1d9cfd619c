#include "tune/prompts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_source.h"
#include "base/json_node.h"
#include "base/map_guard.h"

namespace maru::tune {

PromptSet::PromptSet(const formats::TokenDataset& tokens, const fs::path& directory, std::string_view split,
                     int64_t longest)
    : tokens_(tokens) {
  const fs::path file = directory / (std::string(split) + ".prompts.jsonl");
  LineReader lines(file);
  int64_t document = 0;
  for (auto text = lines.next(); text; text = lines.next(), ++document) {
    const std::string where = fmt::format("{}:{}", file.string(), document + 1);
    if (document == tokens.num_documents())
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: there are {} prompts, and no more", where, document));
    const Result<Json> json = parse_json(*text, where);
    if (!json) throw Failure(ErrorCode::kDataLoss, json.error().message);
    const JsonNode row(json.value(), where, ErrorCode::kDataLoss);
    const int64_t size = tokens.begin_of(document + 1) - tokens.begin_of(document);
    const Prompt prompt{document, row.object()["where"].string(), row["line"].object().json().dump()};
    if (size > longest) continue;
    num_tokens_ += size;
    longest_ = std::max(longest_, size);
    prompts_.push_back(prompt);
  }
  if (document < tokens.num_documents())
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: has {} lines, expected {}, one for each prompt", file.string(),
                                                    document, tokens.num_documents()));
}

std::vector<int32_t> PromptSet::tokens(int64_t prompt) const {
  const formats::TokenDocument document = tokens_.document(prompts_[static_cast<size_t>(prompt)].document);
  std::vector<int32_t> tokens(static_cast<size_t>(document.tokens.size()));
  document.tokens.copy_to(tokens);
  check_mapped_files();
  return tokens;
}

Json PromptSet::line(int64_t prompt) const {
  return parse_json(prompts_[static_cast<size_t>(prompt)].line, where(prompt)).value();
}

}  // namespace maru::tune
