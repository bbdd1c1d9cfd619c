#include "infer/page_allocator.h"

#include <numeric>

#include "base/error.h"

namespace maru::infer {

PageAllocator::PageAllocator(int64_t num_pages)
    : free_(static_cast<size_t>(num_pages)), used_(static_cast<size_t>(num_pages)) {
  std::iota(free_.rbegin(), free_.rend(), PageId{0});
}

bool PageAllocator::allocate(int64_t count, std::vector<PageId>& to) {
  if (count > num_free()) return false;
  for (int64_t i = 0; i < count; ++i) {
    const PageId page = free_.back();
    free_.pop_back();
    used_[static_cast<size_t>(page)] = true;
    to.push_back(page);
  }
  return true;
}

void PageAllocator::release(std::vector<PageId>& pages) {
  for (; !pages.empty(); pages.pop_back()) {
    const PageId page = pages.back();
    CHECK(page >= 0 && page < num_pages() && used_[static_cast<size_t>(page)]);
    used_[static_cast<size_t>(page)] = false;
    free_.push_back(page);
  }
}

}  // namespace maru::infer
