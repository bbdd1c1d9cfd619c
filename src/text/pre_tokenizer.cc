#include "text/pre_tokenizer.h"

namespace maru::text {

Result<PreTokenizer> PreTokenizer::create(const std::vector<std::string>& patterns, const std::string& where) {
  const auto classes = std::make_shared<const CharClasses>();
  PreTokenizer result;
  for (const std::string& pattern : patterns) {
    if (const auto scanner = Scanner::of_pattern(pattern, classes)) {
      result.stages_.emplace_back(*scanner);
      continue;
    }
    Result<Regex> regex = Regex::compile(pattern, where);
    if (!regex.ok()) return regex.error();
    result.stages_.emplace_back(std::move(regex).value());
  }
  return result;
}

void PreTokenizer::split_from(size_t stage, std::string_view text, PieceSink sink) const {
  if (text.empty()) return;
  if (stage == stages_.size()) return sink(text);
  const bool last = stage + 1 == stages_.size();
  const auto deeper = [&](std::string_view piece) { split_from(stage + 1, piece, sink); };
  const PieceSink next = last ? sink : PieceSink(deeper);
  std::visit([&](const auto& splitter) { splitter.split(text, next); }, stages_[stage]);
}

}  // namespace maru::text
