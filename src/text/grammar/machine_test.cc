#include "text/grammar/machine.h"

#include <gtest/gtest.h>

#include <set>

#include "text/grammar/compile.h"
#include "text/grammar/rules.h"

namespace maru::text::grammar {
namespace {

TEST(Machine, KeysTellPlacesApart) {
  // The count is all that differs along the way; behind the last there is no other.
  const auto grammar = compile_gbnf("root ::= x{0,300} \"!\"\nx ::= \"a\" | \"(\" x \")\"", "");
  Machine machine(*grammar);
  Places places = machine.start();
  std::set<std::string> keys{machine.key()};
  for (int i = 0; i < 300; ++i) {
    places = machine.advance(places, 'a');
    machine.keep_only(places);
    EXPECT_TRUE(keys.insert(machine.key()).second) << i;
  }
  // The depth likewise, until the key is too long to be one.
  places = machine.start();
  size_t depth = 0;
  for (; depth < 5000 && !machine.key().empty(); ++depth) {
    places = machine.advance(places, '(');
    machine.keep_only(places);
    EXPECT_TRUE(keys.insert(machine.key()).second) << depth;
  }
  EXPECT_GT(depth, 20u);
  EXPECT_LT(depth, 5000u);
}

TEST(Machine, KeysCountWhatAnAutomatonRepeats) {
  Rules rules;
  const auto grammar = rules.finished(rules.repeat(rules.literal("a"), 0, 300));
  Machine machine(*grammar);
  Places places = machine.start();
  std::set<std::string> keys{machine.key()};
  for (int i = 0; i < 299; ++i) {
    places = machine.advance(places, 'a');
    machine.keep_only(places);
    EXPECT_TRUE(keys.insert(machine.key()).second) << i;
  }
}

TEST(Machine, TheSamePlaceHasTheSameKey) {
  const auto grammar = compile_json_object();
  const auto key = [&](std::string_view text) {
    Machine machine(*grammar);
    Places places = machine.start();
    for (const char c : text) places = machine.advance(places, static_cast<uint8_t>(c));
    machine.keep_only(places);
    return machine.key();
  };
  EXPECT_EQ(key(R"({"a":[1,2,"x)"), key(R"({"bc":["y","z",")"));
  EXPECT_NE(key(R"({"a":[)"), key(R"({"a":{)"));
}

TEST(Machine, RewindsToAMark) {
  const auto grammar = compile_gbnf("root ::= \"(\" root \")\" | \"x\"", "");
  Machine machine(*grammar);
  const Places start = machine.start();
  const std::string before = machine.key();
  const auto mark = machine.mark();
  Places places = machine.advance(start, '(');
  places = machine.advance(places, '(');
  EXPECT_FALSE(places.empty());
  EXPECT_TRUE(machine.advance(places, ')').empty());
  machine.rewind(mark);
  EXPECT_EQ(before, machine.key());
}

}  // namespace
}  // namespace maru::text::grammar
