// What the tokenizer's tests share. Not part of the library.
#pragma once
#include <string>
#include <vector>

#include "text/tokenizer/train/bpe_trainer.h"

namespace maru::text {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Trained on a few words, runs of characters among them, so that runs have merges too.
inline Tokenizer small_tokenizer() {
  std::vector<PretokenCount> counts{{"the", 50}, {" the", 40},  {"ab", 30},  {" 가", 25}, {"가나다", 20},
                                    {"의", 60},  {" 나의", 10}, {"abab", 9}, {"bab", 7}};
  for (const char* run : {" ", "a", "가", "\n", "7", "<"}) {
    std::string word;
    for (int i = 0; i < 16; ++i) word += run;
    counts.push_back({word, 5});
  }
  return train_tokenizer(counts, {.vocab_size = 400}).tokenizer;
}

}  // namespace maru::text
