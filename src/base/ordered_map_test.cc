#include "base/ordered_map.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace maru {
namespace {

struct Work {
  int copies = 0, moves = 0;
};

/// Counts what is done to it.
struct Counted {
  Work* work = nullptr;
  Counted() = default;
  explicit Counted(Work* w) : work(w) {}
  Counted(const Counted& o) : work(o.work) {
    if (work != nullptr) ++work->copies;
  }
  Counted(Counted&& o) noexcept : work(o.work) {
    if (work != nullptr) ++work->moves;
  }
  Counted& operator=(Counted o) noexcept {
    work = o.work;
    return *this;
  }
};

using Map = OrderedMap<std::string, Counted, void, void>;

std::string key(int i) { return "a key that is long enough to be told apart only at its end " + std::to_string(i); }

TEST(OrderedMap, FindsEveryKeyOfManyAndKeepsTheirOrder) {
  for (const int n : {1, 15, 16, 17, 18, 64, 1000, 5000}) {
    Json object;
    for (int i = 0; i < n; ++i) object[key(i * 7919 % n + n)] = i;
    for (int i = 0; i < n; ++i) object[key(i * 7919 % n + n)] = i;  // again: nothing is added
    ASSERT_EQ(n, object.size());
    int i = 0;
    for (const auto& [name, value] : object.items()) ASSERT_EQ(key(i++ * 7919 % n + n), name);
    for (int k = n; k < 2 * n; ++k) ASSERT_TRUE(object.contains(key(k))) << k;
    EXPECT_FALSE(object.contains(key(2 * n)));
    EXPECT_EQ(0, object.count(key(n - 1)));
    const Json copy = object;
    EXPECT_EQ(copy, object);
    EXPECT_TRUE(copy.contains(key(n)));
  }
}

TEST(OrderedMap, ErasesAndFindsTheRest) {
  Json object;
  for (int i = 0; i < 100; ++i) object[key(i)] = i;
  for (int i = 0; i < 100; i += 2) EXPECT_EQ(1, object.erase(key(i)));
  EXPECT_EQ(0, object.erase(key(0)));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(i % 2 == 1, object.contains(key(i))) << i;
  for (int i = 99; i > 4; i -= 2) object.erase(object.find(key(i)));  // back to a few
  EXPECT_EQ(Json({{key(1), 1}, {key(3), 3}}), object);
  object[key(0)] = 0;
  EXPECT_EQ(key(0), std::prev(object.end()).key());
  object.clear();
  EXPECT_FALSE(object.contains(key(1)));
}

TEST(OrderedMap, MergesAndPatches) {
  Json a = Json::parse(R"({"x": 1, "y": {"z": 2, "w": 3}})");
  a.merge_patch(Json::parse(R"({"y": {"z": null, "v": 4}, "u": 5})"));
  EXPECT_EQ(R"({"x":1,"y":{"w":3,"v":4},"u":5})", a.dump());
  a.update(Json::parse(R"({"x": 9, "t": 6})"));
  EXPECT_EQ(R"({"x":9,"y":{"w":3,"v":4},"u":5,"t":6})", a.dump());
  EXPECT_EQ(4, a.at(Json::json_pointer("/y/v")));
  EXPECT_THROW((void)a.at("no"), Json::exception);
  Map map;
  map.emplace("x", Counted());
  EXPECT_THROW((void)map.at("no"), std::out_of_range);
}

TEST(OrderedMap, EqualAndOrderedInTheOrderOfKeys) {
  const Json a = Json::parse(R"({"x": 1, "y": 2})"), b = Json::parse(R"({"y": 2, "x": 1})");
  EXPECT_NE(a, b);
  EXPECT_LT(a, b);
  EXPECT_LT(a, Json::parse(R"({"x": 1, "y": 2, "z": 0})"));
  EXPECT_LT(a, Json::parse(R"({"x": 1, "y": 3})"));
}

TEST(OrderedMap, GrowingMovesEachValueAFewTimesAndCopiesNone) {
  for (const int n : {1000, 2000, 4000}) {
    Work work;
    Map map;
    for (int i = 0; i < n; ++i) map.emplace(key(i), Counted(&work));
    EXPECT_EQ(0, work.copies);
    EXPECT_LE(work.moves, 4 * n);
  }
}

TEST(OrderedMap, LooksAtAboutOneKeyPerLookup) {
  for (const int n : {1000, 2000, 4000}) {
    std::vector<std::string> keys;
    KeyIndex index;
    int64_t compared = 0;
    const auto key_at = [&](size_t i) -> const std::string& { return ++compared, keys[i]; };
    for (int i = 0; i < n; ++i) {
      ASSERT_EQ(KeyIndex::kNone, index.find(key(i), KeyIndex::hash(key(i)), key_at));
      index.add(KeyIndex::hash(key(i)));
      keys.push_back(key(i));
      ASSERT_EQ(i, index.find(key(i), KeyIndex::hash(key(i)), key_at));
    }
    EXPECT_LE(compared, n + 10);
  }
}

}  // namespace
}  // namespace maru
