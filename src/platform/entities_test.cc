#include "platform/entities.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

#include "base/random.h"
#include "base/request_failure.h"
#include "platform/schema.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Compare = EntityCondition::Test;

class EntitiesTest : public testing::Test {
 protected:
  ~EntitiesTest() override { fs::remove_all(root_); }
  Entity make(const std::string& name, Json data = Json::object(), const std::string& workspace = "team",
              const std::string& type = "dataset", const std::string& project = "") {
    return entities_.create({.id = new_entity_id(type),
                             .name = {workspace, type, name},
                             .project = project,
                             .data = std::move(data),
                             .created_by = "me"});
  }
  std::vector<std::string> names(const EntityQuery& query) {
    std::vector<std::string> all;
    for (const Entity& entity : entities_.list(query).entities) all.push_back(entity.name.name);
    return all;
  }
  std::vector<std::string> names(EntityCondition condition) {
    return names({.type = "dataset", .conditions = {std::move(condition)}});
  }
  Error error_of(const std::function<void()>& f) const {
    try {
      f();
    } catch (const Failure& e) {
      return e.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_entities_" + std::to_string(::getpid()));
  Database database_{root_ / "platform.db", migrations()};
  Entities entities_{database_};
};

TEST_F(EntitiesTest, IsFoundAsItWasMade) {
  const Json data{{"files_url", "hf://datasets/team/talks"}, {"limit", 3}, {"custom_fields", {{"말", "가\"나"}}}};
  const Entity made = make("talks", data);
  const Entity found = entities_.find({"team", "dataset", "talks"});
  EXPECT_EQ(found.data, data);
  EXPECT_EQ(found.id, made.id);
  EXPECT_THAT(found.id, testing::MatchesRegex("dataset-[1-9A-Za-z]{18,22}"));
  EXPECT_EQ(found.created_at, found.updated_at);
  EXPECT_THAT(found.created_at, testing::MatchesRegex("20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z"));
  EXPECT_EQ(found.created_by, "me");
  EXPECT_EQ(found.version, 1);
}

TEST_F(EntitiesTest, AreTheOnlyOnesOfTheirNameInAWorkspaceAndAType) {
  make("talks");
  EXPECT_EQ(error_of([&] { make("talks"); }).code, ErrorCode::kExists);
  EXPECT_EQ(error_of([&] { make("talks", {}, "other"); }).message, "no error");
  EXPECT_EQ(error_of([&] { make("talks", {}, "team", "model"); }).message, "no error");
}

TEST_F(EntitiesTest, NamesThatAreNoneAreRefused) {
  for (const std::string bad : {"", "..", ".git", "a/b", "a\\b", "a\nb", "\xff", std::string(201, 'a').c_str()})
    EXPECT_EQ(error_of([&] { make(bad); }).code, ErrorCode::kInvalidArgument) << bad;
  for (const std::string good : {"llama-3.1-8b@v1.0.0+A100", "말뭉치", "عربي", "ü ñ"})
    EXPECT_EQ(error_of([&] { make(good); }).message, "no error") << good;
}

TEST_F(EntitiesTest, ChangesGrowTheVersionAndOldOnesAreRefused) {
  make("talks");
  const EntityName name{"team", "dataset", "talks"};
  const Entity once = entities_.update(name, "you", [](Entity& e) { e.data["limit"] = 5; });
  EXPECT_EQ(once.version, 2);
  EXPECT_EQ(once.updated_by, "you");
  EXPECT_EQ(entities_.find(name).data["limit"], 5);
  const auto set_six = [](Entity& e) { e.data["limit"] = 6; };
  EXPECT_EQ(error_of([&] { entities_.update(name, "you", set_six, 1); }).code, ErrorCode::kExists);
  EXPECT_EQ(entities_.find(name).data["limit"], 5);
  EXPECT_EQ(entities_.update(name, "you", set_six, 2).version, 3);
}

TEST_F(EntitiesTest, AChangeThatThrowsChangesNothing) {
  make("talks", {{"limit", 1}});
  const EntityName name{"team", "dataset", "talks"};
  EXPECT_THROW(entities_.update(name, "you",
                                [](Entity& e) {
                                  e.data["limit"] = 2;
                                  refuse("no", "limit");
                                }),
               RequestFailure);
  EXPECT_EQ(entities_.find(name).data["limit"], 1);
  EXPECT_EQ(entities_.find(name).version, 1);
}

TEST_F(EntitiesTest, NoChangeIsLostAmongMany) {
  make("talks", {{"count", 0}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i)
        entities_.update({"team", "dataset", "talks"}, "x",
                         [](Entity& e) { e.data["count"] = e.data["count"].get<int>() + 1; });
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entities_.find({"team", "dataset", "talks"}).data["count"], 40);
}

TEST_F(EntitiesTest, RemovedOnesAreGoneAndTheirNamesFree) {
  const Entity made = make("talks");
  EXPECT_EQ(entities_.remove(made.name).id, made.id);
  EXPECT_EQ(error_of([&] { entities_.remove(made.name); }).code, ErrorCode::kNotFound);
  EXPECT_THAT(error_of([&] { entities_.find(made.name); }).message, HasSubstr("dataset \"team/talks\""));
  EXPECT_NE(make("talks").id, made.id);
}

TEST_F(EntitiesTest, AreFilteredByColumnsAndValues) {
  make("a", {{"split", "train"}, {"limit", 5}, {"peft", {{"lora", true}}}}, "team", "dataset", "p1");
  make("b", {{"split", "test"}, {"limit", 50}}, "other", "dataset", "p2");
  make("c", {{"note", "TRAINing 가"}, {"split", nullptr}}, "team");
  make("m", {{"split", "train"}}, "team", "model");
  EXPECT_THAT(names({.path = {"split"}, .values = {"train", "test"}}), ElementsAre("a", "b"));
  EXPECT_THAT(names({.path = {"limit"}, .values = {5}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"limit"}, .values = {"5"}}), ElementsAre());
  EXPECT_THAT(names({.path = {"peft", "lora"}, .values = {true}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"peft"}, .test = Compare::kPresent, .values = {true}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"split"}, .test = Compare::kPresent, .values = {false}}), ElementsAre("c"));
  EXPECT_THAT(names({.path = {"note"}, .test = Compare::kContains, .values = {"train"}}), ElementsAre("c"));
  EXPECT_THAT(names({.path = {"peft"}, .test = Compare::kContains, .values = {"x", "LORA"}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"name"}, .values = {"b", "m"}}), ElementsAre("b"));
  EXPECT_THAT(names({.path = {"project"}, .values = {"p1"}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"limit"}, .test = Compare::kAtLeast, .values = {6}}), ElementsAre("b"));
  EXPECT_THAT(names({.path = {"limit"}, .test = Compare::kAtMost, .values = {6}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"created_at"}, .test = Compare::kAtLeast, .values = {"2999-01-01"}}), ElementsAre());
  EXPECT_THAT(names(EntityQuery{.type = "dataset", .workspace = "team"}), ElementsAre("a", "c"));
  EXPECT_THAT(names(EntityQuery{.type = "model", .workspace = "other"}), ElementsAre());
}

TEST_F(EntitiesTest, WordsOfSqlAreValuesLikeOthers) {
  make("a", {{"x", "' OR 1=1 --"}});
  make("b", {{"x'] OR 1=1 --", "y"}});
  EXPECT_THAT(names({.path = {"x"}, .values = {"' OR 1=1 --"}}), ElementsAre("a"));
  EXPECT_THAT(names({.path = {"x'] OR 1=1 --"}, .values = {"y"}}), ElementsAre("b"));
  EXPECT_THAT(names({.path = {"data"}, .values = {"y"}}), ElementsAre());
  EXPECT_THAT(names({.path = {"x"}, .test = Compare::kContains, .values = {"%"}}), ElementsAre());
  EXPECT_EQ(error_of([&] { names({.path = {"x\"y"}, .values = {"1"}}); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { names({.path = {"x"}, .values = {Json::object()}}); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { names({.path = {"x"}}); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { names({.path = std::vector<std::string>(9, "x"), .values = {1}}); }).code,
            ErrorCode::kInvalidArgument);
  EntityQuery query{.type = "dataset"};
  query.conditions.resize(17, {.path = {"x"}, .values = {1}});
  EXPECT_EQ(error_of([&] { names(query); }).code, ErrorCode::kInvalidArgument);
}

TEST_F(EntitiesTest, ComeInOrderAndInPages) {
  for (int i = 0; i < 10; ++i) make(std::to_string(i), {{"size", i % 3}});
  EXPECT_THAT(names(EntityQuery{.type = "dataset", .offset = 2, .limit = 3}), ElementsAre("2", "3", "4"));
  EXPECT_THAT(names({.type = "dataset", .order = {{{"size"}, true}, {{"name"}, false}}, .limit = 5}),
              ElementsAre("2", "5", "8", "1", "4"));
  EXPECT_THAT(names({.type = "dataset", .order = {{{"created_at"}, true}}, .limit = 2}), ElementsAre("9", "8"));
  const EntityPage past = entities_.list({.type = "dataset", .offset = 100, .limit = 3});
  EXPECT_EQ(past.total, 10);
  EXPECT_TRUE(past.entities.empty());
}

/// Pages of any query hold each entity that meets it exactly once.
TEST_F(EntitiesTest, PagesHoldAllThatMeetAConditionOnce) {
  Random random(7);
  std::set<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const auto size = static_cast<int64_t>(random.below(10));
    make("n" + std::to_string(i), {{"size", size}});
    if (size >= 4) expected.insert("n" + std::to_string(i));
  }
  EntityQuery query{.type = "dataset",
                    .conditions = {{.path = {"size"}, .test = Compare::kAtLeast, .values = {4}}},
                    .order = {{{"size"}, true}},
                    .limit = 7};
  std::set<std::string> seen;
  int64_t last = 10;
  for (;; query.offset += query.limit) {
    const EntityPage page = entities_.list(query);
    EXPECT_EQ(page.total, static_cast<int64_t>(expected.size()));
    if (page.entities.empty()) break;
    for (const Entity& entity : page.entities) {
      EXPECT_TRUE(seen.insert(entity.name.name).second) << entity.name.name;
      EXPECT_LE(entity.data["size"], last);
      last = entity.data["size"];
    }
  }
  EXPECT_EQ(seen, expected);
}

/// A client may ask for ever new conditions; a connection keeps a bounded number of statements.
TEST_F(EntitiesTest, ManyKindsOfQueriesAreAnswered) {
  make("a", {{"x", 1}});
  for (size_t values = 1; values <= kMostConditionValues; ++values)
    for (const Compare test : {Compare::kEquals, Compare::kContains})
      for (size_t conditions = 1; conditions <= 3; ++conditions) {
        EntityQuery query{.type = "dataset"};
        query.conditions.resize(conditions, {.path = {"x"}, .test = test, .values = std::vector<Json>(values, 1)});
        EXPECT_EQ(entities_.list(query).total, 1);
      }
}

TEST(NewEntityIdTest, IsNeverTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(new_entity_id("cust")).second);
}

}  // namespace
}  // namespace maru::platform
