// Which documents are held out from training, and where a document is cut when whole documents are too coarse for that.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace maru::data {

struct SplitCandidate {
  double draw = 0;  // uniform in [0, 1), from the document's text
  uint64_t bytes = 0;
};

struct SplitPlan {
  std::vector<bool> held_out;  // for each document
  std::optional<size_t> cut;   // this one is learnt from but for its end
  uint64_t cut_bytes = 0;      // about as long as that end should be
};

/// Documents whose draw is below `fraction` are held out, so that a document stays in its split when others come or go;
/// of two and more documents always one, never all. Where that holds out much too little or too much of the text (one
/// document; a book beside a note), the end of the longest document is held out.
SplitPlan plan_split(std::span<const SplitCandidate> documents, double fraction);

/// Where the last part of a text begins: behind an empty line, or, where paragraphs are long, behind the end of a line,
/// such that about `bytes` are left. Nothing when no line ends in the last three quarters of the text.
std::optional<size_t> cut_position(std::string_view text, uint64_t bytes);

}  // namespace maru::data
