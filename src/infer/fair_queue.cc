#include "infer/fair_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"

namespace maru::infer {

FairQueue::Counter& FairQueue::at(const std::string& tenant) {
  const auto it = counters_.find(tenant);
  CHECK(it != counters_.end() && it->second.sequences > 0);
  return it->second;
}

double FairQueue::served(const std::string& tenant) const { return const_cast<FairQueue*>(this)->at(tenant).served; }

void FairQueue::enter(const std::string& tenant) { ++counters_[tenant].sequences; }

/// Who has nothing left is remembered only while it is ahead.
void FairQueue::leave(const std::string& tenant) {
  CHECK(--at(tenant).sequences >= 0);
  note_floor();
  std::erase_if(counters_,
                [&](const auto& entry) { return entry.second.sequences == 0 && entry.second.served <= floor_; });
}

void FairQueue::wait(const std::string& tenant) {
  note_floor();
  Counter& counter = at(tenant);
  if (counter.waiting++ == 0) counter.served = std::max(counter.served, floor_);
}

void FairQueue::stop_waiting(const std::string& tenant) {
  CHECK(--at(tenant).waiting >= 0);
  last_ = tenant;
  note_floor();
}

/// The least of those that wait; where nobody does, what the last one that did has got by now.
void FairQueue::note_floor() {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [tenant, counter] : counters_)
    if (counter.waiting > 0) least = std::min(least, counter.served);
  if (least < std::numeric_limits<double>::infinity()) {
    floor_ = least;
  } else if (const auto last = counters_.find(last_); last != counters_.end()) {
    floor_ = std::max(floor_, last->second.served);
  }
}

}  // namespace maru::infer
