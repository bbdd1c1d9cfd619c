// The parts of a tokenizer.json that tokenizer_json.cc puts together. For its .cc files.
#pragma once
#include "text/tokenizer/files/json_node.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// All throw Failure, naming the place.
StepList<NormalizerStep> read_normalizer(const Node& node);
StepList<PreTokenizerStep> read_pre_tokenizer(const Node& node);
StepList<PostProcessorStep> read_post_processor(const Node& node);
StepList<DecoderStep> read_decoder(const Node& node);
/// Model and vocabulary, spelled as in the file. `num_added` is the number of added tokens, which bounds ids.
void read_model(const Node& node, size_t num_added, TokenizerSpec& spec);

}  // namespace maru::text
