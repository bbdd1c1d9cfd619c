#include "text/grammar/flat_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace maru::text::grammar {
namespace {

TEST(FlatTrie, AWalkMeetsEveryStringOnce) {
  Random random(1);
  std::vector<std::string> strings;
  for (int i = 0; i < 500; ++i) {
    std::string s;
    for (uint64_t k = 0, n = 1 + random.below(6); k < n; ++k) s += static_cast<char>("ab\xFF"[random.below(3)]);
    strings.push_back(s);
  }
  std::vector<std::pair<std::string_view, int32_t>> numbered;
  for (size_t i = 0; i < strings.size(); ++i) numbered.emplace_back(strings[i], static_cast<int32_t>(i));
  const FlatTrie trie(numbered);
  std::map<int32_t, std::string> met;
  std::string path;
  for (uint32_t i = 0; i < trie.size(); ++i) {
    path.resize(trie.node(i).depth - 1u);
    path += static_cast<char>(trie.node(i).byte);
    for (const int32_t token : trie.tokens_at(i)) EXPECT_TRUE(met.emplace(token, path).second);
    for (const int32_t token : trie.tokens_below(i, trie.node(i).end))
      EXPECT_TRUE(strings[static_cast<size_t>(token)].starts_with(path));
  }
  ASSERT_EQ(strings.size(), met.size());
  for (const auto& [token, text] : met) EXPECT_EQ(strings[static_cast<size_t>(token)], text);
}

TEST(FlatTrie, MayBeEmpty) {
  EXPECT_EQ(0u, FlatTrie().size());
  EXPECT_EQ(0u, FlatTrie(std::vector<std::pair<std::string_view, int32_t>>()).size());
}

}  // namespace
}  // namespace maru::text::grammar
