// Stop strings in a stream of text. What might still become a stop string is held back, so no part of one is ever
// emitted, and the result does not depend on where the pieces of text were cut.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace maru::infer {

/// Owned by one thread.
class StopMatcher {
 public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops = {});
  /// The text that is now sure to be part of the answer.
  std::string push(std::string_view piece);
  /// The text ended: what was held back after all.
  std::string finish();
  /// True from the moment a stop string was completed; nothing is emitted afterwards.
  bool stopped() const { return stopped_; }
  /// The stop string that was completed; empty before.
  const std::string& which() const { return which_; }

 private:
  size_t held() const;
  std::vector<std::string> stops_;
  std::string pending_, which_;
  bool stopped_ = false;
};

}  // namespace maru::infer
