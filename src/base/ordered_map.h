// The object of Json: keys keep the order in which they came, and look-up takes constant time however many there are.
#pragma once
#include <algorithm>
#include <compare>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "base/key_index.h"

namespace maru {

/// A list of pairs with an index past 16 keys. Key: std::string; the interface is what nlohmann::basic_json asks of its
/// object type (the last two parameters are its, and unused). Equal means equal in order too.
/// Moves its pairs when it grows, and never copies a value that was moved in.
template <class Key, class T, class IgnoredLess, class IgnoredAllocator>
class OrderedMap {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<Key, T>;
  using key_compare = std::equal_to<>;
  using Container = std::vector<value_type>;
  using iterator = typename Container::iterator;
  using const_iterator = typename Container::const_iterator;
  using size_type = size_t;
  using difference_type = std::ptrdiff_t;
  using reference = value_type&;
  using const_reference = const value_type&;
  using allocator_type = typename Container::allocator_type;

  OrderedMap() = default;
  template <class It>
  OrderedMap(It first, It last) {
    insert(first, last);
  }
  OrderedMap(std::initializer_list<value_type> pairs) { insert(pairs.begin(), pairs.end()); }
  OrderedMap(const OrderedMap& other)
      : pairs_(other.pairs_), index_(other.index_ ? std::make_unique<KeyIndex>(*other.index_) : nullptr) {}
  OrderedMap(OrderedMap&& other) noexcept = default;
  OrderedMap& operator=(OrderedMap other) noexcept {
    swap(*this, other);
    return *this;
  }
  ~OrderedMap() = default;
  friend void swap(OrderedMap& a, OrderedMap& b) noexcept {
    std::swap(a.pairs_, b.pairs_);
    std::swap(a.index_, b.index_);
  }

  iterator begin() { return pairs_.begin(); }
  iterator end() { return pairs_.end(); }
  const_iterator begin() const { return pairs_.begin(); }
  const_iterator end() const { return pairs_.end(); }
  const_iterator cbegin() const { return pairs_.begin(); }
  const_iterator cend() const { return pairs_.end(); }
  size_type size() const { return pairs_.size(); }
  size_type max_size() const { return pairs_.max_size(); }
  bool empty() const { return pairs_.empty(); }
  void clear() {
    pairs_.clear();
    index_.reset();
  }

  iterator find(std::string_view key) { return pairs_.begin() + static_cast<difference_type>(position_of(key)); }
  const_iterator find(std::string_view key) const {
    return pairs_.begin() + static_cast<difference_type>(position_of(key));
  }
  size_type count(std::string_view key) const { return position_of(key) < size() ? 1 : 0; }
  T& at(std::string_view key) { return pairs_[found(key)].second; }
  const T& at(std::string_view key) const { return pairs_[found(key)].second; }
  template <class K>
  T& operator[](K&& key) {
    return emplace(std::forward<K>(key), T()).first->second;
  }
  template <class K>
  const T& operator[](K&& key) const {
    return at(key);
  }

  /// Nothing happens to a key that is there already.
  template <class K, class V>
  std::pair<iterator, bool> emplace(K&& key, V&& value) {
    const std::string_view view(key);
    const uint32_t hash = index_ ? KeyIndex::hash(view) : 0;
    if (const size_t at = position_of(view, hash); at < size())
      return {pairs_.begin() + static_cast<difference_type>(at), false};
    pairs_.emplace_back(std::forward<K>(key), std::forward<V>(value));
    if (index_)
      index_->add(hash);
    else if (size() > kFew)
      build_index();
    return {std::prev(pairs_.end()), true};
  }
  std::pair<iterator, bool> insert(value_type&& pair) { return emplace(std::move(pair.first), std::move(pair.second)); }
  std::pair<iterator, bool> insert(const value_type& pair) { return emplace(pair.first, pair.second); }
  template <class It>
  void insert(It first, It last) {
    for (; first != last; ++first) insert(*first);
  }

  /// Cost: all that follow move up, and a large object is indexed anew.
  iterator erase(iterator first, iterator last) {
    const auto after = pairs_.erase(first, last);
    index_.reset();
    if (size() > kFew) build_index();
    return after;
  }
  iterator erase(iterator at) { return erase(at, std::next(at)); }
  size_type erase(std::string_view key) {
    const iterator at = find(key);
    if (at == end()) return 0;
    erase(at);
    return 1;
  }

  friend bool operator==(const OrderedMap& a, const OrderedMap& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.first == y.first && x.second == y.second; });
  }
  friend bool operator<(const OrderedMap& a, const OrderedMap& b) { return (a <=> b) < 0; }
  friend std::partial_ordering operator<=>(const OrderedMap& a, const OrderedMap& b) {
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      if (const auto keys = a.pairs_[i].first <=> b.pairs_[i].first; keys != 0) return keys;
      if (const std::partial_ordering values = a.pairs_[i].second <=> b.pairs_[i].second; values != 0) return values;
    }
    return a.size() <=> b.size();
  }

 private:
  static constexpr size_t kFew = 16;  // looked through one by one

  size_t position_of(std::string_view key) const { return position_of(key, index_ ? KeyIndex::hash(key) : 0); }
  size_t position_of(std::string_view key, uint32_t hash) const {
    if (index_)
      return std::min(size(), index_->find(key, hash, [&](size_t i) -> const Key& { return pairs_[i].first; }));
    size_t at = 0;
    while (at < size() && pairs_[at].first != key) ++at;
    return at;
  }
  size_t found(std::string_view key) const {
    const size_t at = position_of(key);
    if (at == size()) throw std::out_of_range("key not found");
    return at;
  }
  void build_index() {
    index_ = std::make_unique<KeyIndex>();
    for (const value_type& pair : pairs_) index_->add(KeyIndex::hash(pair.first));
  }

  Container pairs_;
  std::unique_ptr<KeyIndex> index_;
};

}  // namespace maru
