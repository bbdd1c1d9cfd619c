// A small token directory for tests: documents of a noisy cyclic language that a tiny model can learn.
#pragma once
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/random.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"

namespace maru::train {

class TestTokens {
 public:
  static constexpr uint32_t kVocabulary = 64;

  TestTokens(int64_t documents, uint64_t seed, bool with_mask = false, bool with_held_out = true, uint64_t longest = 60)
      : root_(fs::temp_directory_path() / ("maru_tokens_" + std::to_string(::getpid()) + "_" + std::to_string(seed))) {
    fs::remove_all(root_);
    ledger::ArtefactWriter artefact(root_ / "tokens");
    formats::TokenDatasetWriter writer(artefact.directory(), kVocabulary, with_mask);
    Random random(seed);
    for (const char* split : {"train", "held_out"}) {
      writer.begin_split(split);
      const bool empty = !with_held_out && split == std::string("held_out");
      for (int64_t d = 0; d < documents && !empty; ++d) add(writer, random, with_mask, longest);
    }
    writer.finish();
    ledger::Manifest manifest;
    manifest.kind = "tokens";
    manifest.name = "test";
    artefact.commit(manifest);
  }
  ~TestTokens() { fs::remove_all(root_); }
  TestTokens(const TestTokens&) = delete;
  fs::path root() const { return root_; }
  fs::path directory() const { return root_ / "tokens"; }

 private:
  static void add(formats::TokenDatasetWriter& writer, Random& random, bool with_mask, uint64_t longest) {
    std::vector<int32_t> tokens{0};
    const uint64_t size = 5 + random.below(longest);
    const int32_t stride = 1 + static_cast<int32_t>(random.below(3));
    for (uint64_t i = 0; i < size; ++i)
      tokens.push_back(random.below(10) == 0 ? static_cast<int32_t>(2 + random.below(60))
                                             : 2 + (tokens.back() + stride) % 60);
    tokens.push_back(1);
    std::vector<uint8_t> mask;
    for (size_t i = 0; with_mask && i < tokens.size(); ++i) mask.push_back(i % 3 != 0);
    writer.add(tokens, 3 * size, mask);
  }
  fs::path root_;
};

}  // namespace maru::train
