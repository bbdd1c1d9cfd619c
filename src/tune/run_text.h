// What the answers of a run are made of: its tokenizer, and what ends them.
#pragma once
#include <string_view>
#include <vector>

#include "infer/model_text.h"
#include "train/config.h"

namespace maru::tune {

/// Of the recipe's tokenizer. Throws   kInvalidArgument when there is none, with `why` one is needed; what
/// infer::load_text throws.
infer::ModelText load_text(const train::TrainConfig& config, std::string_view why);

/// What ends an answer: by the tokenizer, and by the files of the model that the run starts from.
std::vector<int32_t> end_tokens_of(const train::TrainConfig& config, const infer::ModelText& text);

}  // namespace maru::tune
