// What add_special_tokens puts around one text or a pair of texts, ready to be followed. Plain data.
#pragma once
#include <cstdint>
#include <vector>

#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

struct Wrapping {
  struct Part {
    int32_t sequence = -1;     // of the input; -1: `ids`
    std::vector<int32_t> ids;  // special tokens
    uint32_t type_id = 0;
  };
  std::vector<Part> single{{0, {}, 0}}, pair{{0, {}, 0}, {1, {}, 1}};
};

/// Of several steps the one that adds tokens counts; spec files with two such steps are refused by their readers.
Wrapping wrapping_of(const std::vector<PostProcessorStep>& steps);

}  // namespace maru::text
