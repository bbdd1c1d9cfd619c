#include "infer/page_pool.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"

namespace maru::infer {

PagePool::PagePool(int64_t num_pages, int64_t page_tokens)
    : page_tokens_(page_tokens), pages_(static_cast<size_t>(num_pages)), free_(static_cast<size_t>(num_pages)) {
  CHECK(page_tokens > 0);
  std::iota(free_.rbegin(), free_.rend(), PageId{0});
}

bool PagePool::allocate(int64_t count, std::vector<PageId>& to) {
  if (count > num_available()) return false;
  for (int64_t i = 0; i < count; ++i) to.push_back(take());
  return true;
}

PageId PagePool::take() {
  if (free_.empty()) forget(may_go_.begin()->second);
  const PageId page = free_.back();
  free_.pop_back();
  at(page).holders = 1;
  return page;
}

void PagePool::release(std::vector<PageId>& pages) {
  for (; !pages.empty(); pages.pop_back()) release(pages.back());
}

void PagePool::hold(PageId id) {
  Page& page = at(id);
  if (page.may_go()) may_go_.erase({page.idle_since, id});
  num_idle_ -= page.is_idle();
  ++page.holders;
}

void PagePool::release(PageId id) {
  CHECK(id >= 0 && id < num_pages() && at(id).holders > 0);
  Page& page = at(id);
  if (--page.holders > 0) return;
  if (!page.is_known()) return free_.push_back(id);
  ++num_idle_;
  page.idle_since = ++clock_;
  if (page.may_go()) may_go_.emplace(page.idle_since, id);
}

/// An idle page that nothing follows becomes free.
void PagePool::forget(PageId id) {
  Page& page = at(id);
  may_go_.erase({page.idle_since, id});
  --num_idle_;
  if (const PageId before = std::get<PageId>(page.key); before >= 0) {
    --at(before).followers;
    if (at(before).may_go()) may_go_.emplace(at(before).idle_since, before);
  }
  known_.erase(page.key);
  page.tokens.clear();
  free_.push_back(id);
}

PagePool::Key PagePool::key_of(const Prefix& prefix, std::span<const int32_t> tokens) {
  const std::string_view bytes(reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes());
  return {prefix.salt, prefix.last, hash64(bytes)};
}

/// Visits the known pages that `tokens` begin with, in order.
template <class F>
PagePool::Prefix PagePool::follow_known(uint64_t salt, std::span<const int32_t> tokens, int64_t most, F visit) const {
  const auto size = static_cast<size_t>(page_tokens_);
  Prefix prefix{.salt = salt};
  for (int64_t i = 0; i < most && tokens.size() >= size; ++i, tokens = tokens.subspan(size)) {
    const auto found = known_.find(key_of(prefix, tokens.first(size)));
    if (found == known_.end() || !std::ranges::equal(at(found->second).tokens, tokens.first(size))) break;
    visit(prefix.last = found->second);
  }
  return prefix;
}

PagePool::Prefix PagePool::hold_prefix(uint64_t salt, std::span<const int32_t> tokens, int64_t most,
                                       std::vector<PageId>& to) {
  return follow_known(salt, tokens, most, [&](PageId page) {
    hold(page);
    to.push_back(page);
  });
}

int64_t PagePool::num_known(uint64_t salt, std::span<const int32_t> tokens, int64_t most) const {
  int64_t count = 0;
  follow_known(salt, tokens, most, [&](PageId) { ++count; });
  return count;
}

void PagePool::know(Prefix& prefix, std::span<const int32_t> tokens, PageId& page) {
  CHECK(std::ssize(tokens) == page_tokens_ && at(page).holders > 0 && !at(page).is_known());
  if (!prefix.known) return;
  const Key key = key_of(prefix, tokens);
  const auto [entry, is_new] = known_.try_emplace(key, page);
  if (is_new) {
    at(page).key = key;
    at(page).tokens.assign(tokens.begin(), tokens.end());
    if (prefix.last >= 0) ++at(prefix.last).followers;  // held by the caller, so it is not among those that may go
  } else if (std::ranges::equal(at(entry->second).tokens, tokens)) {
    hold(entry->second);
    release(std::exchange(page, entry->second));
  } else {
    prefix.known = false;  // another page has this hash
  }
  prefix.last = page;
}

}  // namespace maru::infer
