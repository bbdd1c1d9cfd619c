#include "infer/stop.h"

#include <algorithm>
#include <utility>

namespace maru::infer {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopMatcher::push(std::string_view piece) {
  if (stopped_) return {};
  pending_ += piece;
  // The stop string that is complete first counts; of two that end together, the longer one.
  size_t first_end = std::string::npos, begin = 0;
  for (const std::string& stop : stops_)
    if (const size_t at = pending_.find(stop); at != std::string::npos) {
      const size_t end = at + stop.size();
      if (end < first_end || (end == first_end && at < begin)) first_end = end, begin = at, which_ = stop;
    }
  stopped_ = first_end != std::string::npos;
  const size_t size = stopped_ ? begin : pending_.size() - held();
  std::string text = pending_.substr(0, size);
  pending_.erase(0, stopped_ ? pending_.size() : size);
  return text;
}

std::string StopMatcher::finish() { return std::exchange(pending_, {}); }

/// The length of the longest end of `pending_` that begins a stop string.
size_t StopMatcher::held() const {
  size_t longest = 0;
  for (const std::string& stop : stops_)
    for (size_t n = std::min(stop.size() - 1, pending_.size()); n > longest; --n)
      if (std::string_view(pending_).ends_with(std::string_view(stop).substr(0, n))) longest = n;
  return longest;
}

}  // namespace maru::infer
