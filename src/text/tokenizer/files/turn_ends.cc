#include "text/tokenizer/files/turn_ends.h"

#include <algorithm>
#include <array>

namespace maru::text {
namespace {

// Source: llama.cpp, llama_vocab::impl::load, special_eog_ids; EXAONE's "[|endofturn|]", HyperCLOVA X's "<|endofturn|>"
// and "<|stop|>" from their templates.
constexpr std::array<std::string_view, 19> kTurnEnds{"<|im_end|>",
                                                     "<|eot_id|>",
                                                     "<|eom_id|>",
                                                     "<|end|>",
                                                     "<end_of_turn>",
                                                     "<|endoftext|>",
                                                     "[|endofturn|]",
                                                     "<|endofturn|>",
                                                     "<|stop|>",
                                                     "<|end_of_text|>",
                                                     "<|return|>",
                                                     "<|call|>",
                                                     "<|calls|>",
                                                     "<|flush|>",
                                                     "<end_of_utterance>",
                                                     "<｜end▁of▁sentence｜>",
                                                     "<EOT>",
                                                     "[EOT]",
                                                     "<turn|>"};

}  // namespace

bool is_turn_end(std::string_view spelling) {
  return std::find(kTurnEnds.begin(), kTurnEnds.end(), spelling) != kTurnEnds.end();
}

std::vector<int32_t> turn_ends_of(const Tokenizer& tokenizer) {
  const auto has = [&](std::string_view spelling) { return tokenizer.id_of(spelling); };
  const bool parts = (has("<|return|>") && has("<|call|>")) || (has("<|calls|>") && has("<|flush|>"));
  std::vector<int32_t> ids;
  for (const std::string_view spelling : kTurnEnds)
    if (const auto id = has(spelling); id && !(parts && spelling == "<|end|>")) ids.push_back(*id);
  return ids;
}

}  // namespace maru::text
