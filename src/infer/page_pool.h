// Who holds the pages of the key-value memory, and what the full ones say. A page holds a fixed number of tokens.
//
// A page that is full may be known by its tokens and all those before them (a prefix tree with a page in each node), so
// that another sequence that begins alike holds the same page instead of computing it again. A known page that nobody
// holds stays until its memory is needed: the longest idle goes first, and the end of a prefix before its beginning.
//
// Prefixes of different salts never meet. Owned by the engine thread. Deterministic: the same calls give the same
// pages.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace maru::infer {

using PageId = int32_t;

class PagePool {
 public:
  PagePool(int64_t num_pages, int64_t page_tokens);
  int64_t num_pages() const { return static_cast<int64_t>(pages_.size()); }
  int64_t page_tokens() const { return page_tokens_; }
  /// Held by somebody.
  int64_t num_held() const { return num_pages() - num_available(); }
  /// Free, or known but held by nobody.
  int64_t num_available() const { return static_cast<int64_t>(free_.size()) + num_idle_; }
  /// Known by their tokens, held or not.
  int64_t num_known() const { return static_cast<int64_t>(known_.size()); }
  int64_t holders(PageId page) const { return at(page).holders; }

  /// Appends `count` pages to `to`; false, and nothing taken, when there are not that many.
  bool allocate(int64_t count, std::vector<PageId>& to);
  /// One holder less of each; clears the list.
  void release(std::vector<PageId>& pages);

  /// The known pages that a sequence begins with.
  struct Prefix {
    uint64_t salt = 0;
    PageId last = -1;   // -1: none yet
    bool known = true;  // false: there was an unknown one in between, so none behind it will ever be known
  };
  /// Holds the longest known beginning of `tokens`, at most `most` pages, and appends them to `to`.
  Prefix hold_prefix(uint64_t salt, std::span<const int32_t> tokens, int64_t most, std::vector<PageId>& to);
  /// How many pages hold_prefix() would hold.
  int64_t num_known(uint64_t salt, std::span<const int32_t> tokens, int64_t most) const;
  /// `page`, which the caller holds, is full of `tokens` and follows `prefix`: it is known from now on and ends the
  /// prefix. If a page of these tokens is known already, `page` is given back for that one.
  void know(Prefix& prefix, std::span<const int32_t> tokens, PageId& page);

 private:
  using Key = std::tuple<uint64_t, PageId, uint64_t>;  // salt, page before, hash of the tokens
  struct Page {
    int64_t holders = 0;
    // Of a known page:
    Key key;
    std::vector<int32_t> tokens;  // empty: not known; kept because two may have one hash
    int64_t followers = 0;        // known pages right behind it
    uint64_t idle_since = 0;
    bool is_known() const { return !tokens.empty(); }
    bool is_idle() const { return is_known() && holders == 0; }
    bool may_go() const { return is_idle() && followers == 0; }
  };

  const Page& at(PageId page) const { return pages_[static_cast<size_t>(page)]; }
  Page& at(PageId page) { return pages_[static_cast<size_t>(page)]; }
  static Key key_of(const Prefix& prefix, std::span<const int32_t> tokens);
  template <class F>
  Prefix follow_known(uint64_t salt, std::span<const int32_t> tokens, int64_t most, F visit) const;
  PageId take();
  void hold(PageId page);
  void release(PageId page);
  void forget(PageId page);

  const int64_t page_tokens_;
  std::vector<Page> pages_;
  std::vector<PageId> free_;  // a stack: the page freed last is warm in the cache
  std::map<Key, PageId> known_;
  std::set<std::pair<uint64_t, PageId>> may_go_;  // idle pages that nothing follows, the longest idle first
  int64_t num_idle_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace maru::infer
