#include "tune/run_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace maru::tune {

infer::ModelText load_text(const train::TrainConfig& config, std::string_view why) {
  if (config.tokenizer.empty())
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("recipe: tokenizer is missing: {}", why));
  return infer::load_text(config.tokenizer);
}

std::vector<int32_t> end_tokens_of(const train::TrainConfig& config, const infer::ModelText& text) {
  std::vector<int32_t> ends = text.end_tokens;
  if (!config.init_from.empty() && fs::exists(fs::path(config.init_from) / "tokenizer.json"))
    for (const int32_t token : infer::load_text(config.init_from).end_tokens)
      if (std::ranges::find(ends, token) == ends.end()) ends.push_back(token);
  std::erase_if(ends, [&](int32_t token) { return token >= config.model.vocab_size; });
  return ends;
}

}  // namespace maru::tune
