// The parts of a tokenizer.json that tokenizer_json.cc puts together. For its .cc files.
#pragma once
#include "base/json_node.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// All throw Failure, naming the place.
int32_t token_id(const JsonNode& node);
StepList<NormalizerStep> read_normalizer(const JsonNode& node);
StepList<PreTokenizerStep> read_pre_tokenizer(const JsonNode& node);
StepList<PostProcessorStep> read_post_processor(const JsonNode& node);
StepList<DecoderStep> read_decoder(const JsonNode& node);
/// Model and vocabulary, spelled as in the file. `num_added` is the number of added tokens, which bounds ids.
void read_model(const JsonNode& node, size_t num_added, TokenizerSpec& spec);

}  // namespace maru::text
