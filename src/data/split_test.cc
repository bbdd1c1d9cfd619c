#include "data/split.h"

#include <gtest/gtest.h>

#include <string>

namespace maru::data {
namespace {

struct PlanCase {
  const char* what;
  std::vector<SplitCandidate> documents;
  double fraction;
  std::string held_out;  // a digit for each document: 1 is held out, c is cut
  uint64_t cut_bytes;
};

std::string shown(const SplitPlan& plan) {
  std::string text;
  for (size_t k = 0; k < plan.held_out.size(); ++k) text += plan.cut == k ? 'c' : plan.held_out[k] ? '1' : '0';
  return text;
}

TEST(SplitTest, HoldsOutWholeDocumentsWhereThatIsFineEnough) {
  const PlanCase cases[] = {
      {"nothing wanted", {{0.1, 100}, {0.9, 100}}, 0, "00", 0},
      {"no documents", {}, 0.05, "", 0},
      {"two alike", {{0.5, 100}, {0.6, 100}}, 0.05, "10", 0},
      {"all draws low: one stays", {{0.01, 100}, {0.02, 100}}, 0.05, "10", 0},
      {"three", {{0.5, 100}, {0.6, 90}, {0.01, 80}}, 0.05, "001", 0},
      {"one", {{0.5, 1000}}, 0.05, "c", 50},
      {"one, drawn to be held out", {{0.01, 1000}}, 0.05, "c", 50},
      {"the note is drawn", {{0.5, 100000}, {0.01, 60}}, 0.05, "c1", 4943},
      {"the book is drawn", {{0.01, 100000}, {0.5, 60}}, 0.05, "c0", 5003},
      {"the book is drawn beside notes", {{0.9, 60}, {0.01, 100000}, {0.5, 60}}, 0.1, "0c0", 10012},
      {"much is wanted", {{0.4, 1000}, {0.9, 900}}, 0.5, "10", 0},
      {"a long document that stays", {{0.9, 5000}, {0.01, 600}, {0.5, 600}}, 0.05, "010", 0},
  };
  for (const PlanCase& c : cases) {
    const SplitPlan plan = plan_split(c.documents, c.fraction);
    EXPECT_EQ(c.held_out, shown(plan)) << c.what;
    EXPECT_EQ(c.cut_bytes, plan.cut_bytes) << c.what;
  }
}

TEST(SplitTest, CutsBetweenParagraphsElseBetweenLines) {
  struct Case {
    const char* text;
    uint64_t bytes;
    const char* end;  // what stands behind the cut; nullptr: none
  };
  const Case cases[] = {
      {"one\n\ntwo\n\nthree", 5, "three"},
      {"one\n\ntwo\n\nthree", 9, "two\n\nthree"},
      {"one\n\ntwo", 1000, "two"},
      {"one\n\ntwo", 1, "two"},
      {"a\nb\nc\n\nd", 4, "d"},
      {"a\nb\nc", 1, "c"},
      {"one line", 3, nullptr},
      {"", 3, nullptr},
      {"one\n", 1, nullptr},
      {"\n\none", 1, nullptr},
      {"one\n\n", 3, nullptr},
      {"가\n\n나", 3, "나"},
      {"# t\n\naaaaaaaaaa\nbbbbbbbbbb\ncccccccccc", 2, "cccccccccc"},
      {"# t\n\none long line behind a title", 2, nullptr},
      {"one\n\n\ntwo", 3, "\ntwo"},
  };
  for (const Case& c : cases) {
    const auto at = cut_position(c.text, c.bytes);
    ASSERT_EQ(c.end != nullptr, at.has_value()) << c.text;
    if (at) {
      EXPECT_EQ(std::string(c.end), std::string(c.text).substr(*at)) << c.text;
    }
  }
}

}  // namespace
}  // namespace maru::data
