#include "api/openai/responses/truncation.h"

#include <gtest/gtest.h>

#include <string>

namespace maru::api::openai {
namespace {

/// One item per letter: a message of the (u)ser, (a)ssistant, (s)ystem, (d)eveloper; a (c)all, its (r)esult.
Json items_of(const std::string& letters) {
  Json items = Json::array();
  for (const char c : letters) {
    const char* role = c == 'u' ? "user" : c == 's' ? "system" : c == 'd' ? "developer" : "assistant";
    Json item = c == 'c'   ? Json{{"type", "function_call"}}
                : c == 'r' ? Json{{"type", "function_call_output"}}
                           : Json{{"type", "message"}, {"role", role}};
    item["is"] = std::string(1, c);
    items.push_back(std::move(item));
  }
  return items;
}

struct Cut {
  std::string kept;
  size_t left_out = 0;
  int asked = 0;
};

/// Where so many items fit.
Cut cut(const std::string& letters, size_t most) {
  Cut cut;
  const auto fits = [&](const Json& items) { return ++cut.asked, items.size() <= most; };
  for (const Json& item : cut_to_fit(items_of(letters), fits, cut.left_out)) cut.kept += item["is"];
  return cut;
}

TEST(CutToFit, KeepsAsManyTurnsOfTheEndAsFit) {
  EXPECT_EQ("uauau", cut("uauau", 5).kept);
  EXPECT_EQ(0u, cut("uauau", 5).left_out);
  EXPECT_EQ("uau", cut("uauau", 4).kept);
  EXPECT_EQ(2u, cut("uauau", 4).left_out);
  EXPECT_EQ("uau", cut("uauau", 3).kept);
  EXPECT_EQ("u", cut("uauau", 2).kept);
}

TEST(CutToFit, KeepsNoLessThanFits) {
  std::string letters;
  for (int turns = 1; turns < 9; ++turns) {
    letters += "ua";
    for (size_t most = 2; most <= letters.size(); most += 2)
      EXPECT_EQ(letters.substr(letters.size() - most), cut(letters, most).kept) << letters;
  }
}

TEST(CutToFit, TearsNoCallFromItsResult) {
  EXPECT_EQ("ua", cut("ucrcraua", 7).kept);
  EXPECT_EQ("ucra", cut("uaucra", 5).kept);
}

TEST(CutToFit, KeepsWhatTheModelIsTold) {
  EXPECT_EQ("sdu", cut("suadu", 3).kept);
  EXPECT_EQ("suadu", cut("suadu", 5).kept);
  EXPECT_EQ(2u, cut("suadu", 3).left_out);
  EXPECT_EQ("su", cut("su", 1).kept) << "there is nothing else to leave out";
}

TEST(CutToFit, LeavesTheLastTurnWhereNothingFits) {
  EXPECT_EQ("ucr", cut("uaucr", 1).kept);
  EXPECT_EQ("ucrcr", cut("ucrcr", 1).kept) << "one turn is never cut";
  EXPECT_EQ("", cut("", 0).kept);
  EXPECT_EQ("aa", cut("aa", 0).kept);
}

TEST(CutToFit, AsksSeldom) {
  std::string letters;
  for (int i = 0; i < 1000; ++i) letters += "ua";
  const Cut got = cut(letters, 100);
  EXPECT_EQ(100u, got.kept.size());
  EXPECT_LE(got.asked, 12);
}

TEST(RoomForAnswer, IsWhatIsWantedWithinReason) {
  EXPECT_EQ(10, room_for_answer(10, 100));
  EXPECT_EQ(50, room_for_answer(1000, 100));
  EXPECT_EQ(12, room_for_answer({}, 100));
  EXPECT_EQ(1, room_for_answer({}, 1));
}

}  // namespace
}  // namespace maru::api::openai
