// What becomes of the matches of a pattern and the gaps between them: the behaviours of a split.
#pragma once
#include "text/tokenizer/pre_tokenizer.h"

namespace maru::text {

/// Takes matches and gaps in order (empty ones too) and gives pieces, none empty. Lives for one section.
///
/// Source   tokenizers, NormalizedString::split
class SplitEvents {
 public:
  SplitEvents(pre_tokenizers::Behavior behavior, Section section, SinkOf<Section> sink)
      : behavior_(behavior), section_(section), sink_(sink) {}
  void operator()(Matched m) {
    switch (behavior_) {
      case pre_tokenizers::Behavior::kIsolated: return give(m.text);
      case pre_tokenizers::Behavior::kRemoved: return m.is_match ? void() : give(m.text);
      case pre_tokenizers::Behavior::kContiguous: return hold(m, m.is_match == last_is_match_);
      case pre_tokenizers::Behavior::kMergedWithPrevious: return hold(m, m.is_match && !last_is_match_);
      case pre_tokenizers::Behavior::kMergedWithNext: return hold(m, last_is_match_ && !m.is_match);
    }
  }
  void finish() {
    if (holding_) give(held_);
    holding_ = false;
  }

 private:
  void hold(Matched m, bool joined) {
    if (holding_ && joined) {
      held_ = {held_.data(), static_cast<size_t>(m.text.data() + m.text.size() - held_.data())};
    } else {
      finish();
      held_ = m.text;
      holding_ = true;
    }
    last_is_match_ = m.is_match;
  }
  void give(std::string_view piece) const {
    if (!piece.empty()) sink_({piece, section_.at_start && piece.data() == section_.text.data()});
  }
  pre_tokenizers::Behavior behavior_;
  Section section_;
  SinkOf<Section> sink_;
  std::string_view held_;
  bool holding_ = false, last_is_match_ = false;
};

}  // namespace maru::text
