// Which pages of the key-value memory are free. A page holds a fixed number of tokens of one sequence.
// Owned by the engine thread. Deterministic: the same calls give the same pages.
#pragma once
#include <cstdint>
#include <vector>

namespace maru::infer {

using PageId = int32_t;

class PageAllocator {
 public:
  explicit PageAllocator(int64_t num_pages);
  int64_t num_pages() const { return static_cast<int64_t>(used_.size()); }
  int64_t num_free() const { return static_cast<int64_t>(free_.size()); }
  int64_t num_used() const { return num_pages() - num_free(); }
  /// Appends `count` pages to `to`; false, and nothing taken, when there are not that many.
  bool allocate(int64_t count, std::vector<PageId>& to);
  /// Gives pages back and clears the list. A page that is not in use is a bug.
  void release(std::vector<PageId>& pages);

 private:
  std::vector<PageId> free_;  // a stack: the page freed last is warm in the cache
  std::vector<bool> used_;
};

}  // namespace maru::infer
