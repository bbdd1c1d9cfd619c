// The steps of a TokenizerSpec as JSON, for tokenizer_json_write.cc. Pure functions.
#pragma once
#include "base/json_fwd.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

Json normalizer_json(const StepList<NormalizerStep>& steps);
Json pre_tokenizer_json(const StepList<PreTokenizerStep>& steps);
Json post_processor_json(const StepList<PostProcessorStep>& steps);
Json decoder_json(const StepList<DecoderStep>& steps);

}  // namespace maru::text
