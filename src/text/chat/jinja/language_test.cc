// The language, against jinja2: tests/reference/language.jsonl holds what it gives for each template (null: it
// refuses), and the reference test checks that file.
#include <gmock/gmock.h>

#include "base/byte_source.h"
#include "base/json.h"
#include "text/chat/jinja/template.h"

namespace maru::text::jinja {
namespace {

using testing::HasSubstr;

Clock fixed_clock() {  // 2026-03-07 14:05:09, a Saturday
  Clock clock;
  clock.time.tm_year = 126, clock.time.tm_mon = 2, clock.time.tm_mday = 7;
  clock.time.tm_hour = 14, clock.time.tm_min = 5, clock.time.tm_sec = 9;
  clock.time.tm_wday = 6, clock.time.tm_yday = 65;
  clock.microseconds = 42;
  return clock;
}

/// The text, or "error: " and why.
std::string render(std::string_view source, const Json& variables = Json::object(), const Limits& limits = {}) {
  const auto parsed = Template::parse(source, "t");
  if (!parsed) return "error: " + parsed.error().message;
  std::vector<Variable> list;
  for (auto it = variables.begin(); it != variables.end(); ++it) list.push_back({it.key(), &it.value()});
  try {
    return parsed.value().render(list, {.limits = limits, .clock = fixed_clock()}).bytes;
  } catch (const Failure& failure) {
    return std::string("error: ") + failure.what();
  }
}

TEST(Language, IsWhatJinja2Does) {
  const Json variables = read_json("tests/reference/language_variables.json");
  LineReader lines("tests/reference/language.jsonl");
  int cases = 0;
  while (const auto line = lines.next()) {
    const Json c = parse_json(*line, "language.jsonl").value();
    const std::string source = c["source"], got = render(source, variables);
    if (c["text"].is_null())
      EXPECT_TRUE(got.starts_with("error: t:")) << source << "\n" << got;
    else
      EXPECT_EQ(c["text"].get<std::string>(), got) << source;
    ++cases;
  }
  EXPECT_GE(cases, 1000);
}

TEST(Language, ErrorsNameTheLineAndWhatWasExpected) {
  const std::pair<const char*, const char*> kCases[] = {
      {"\n{% if x %}", "t:2: expected {% elif %} or {% else %} or {% endif %}, got the end of the template"},
      {"{{ 1 +\n }}", "t:2: expected an expression, got }}"},
      {"{{ 'a", "t:1: the string has no end: expected '"},
      {"{% for x y %}", "t:1: expected 'in', got 'y'"},
      {"{% nope %}", "t:1: unknown tag {% nope %}"},
      {"{{ (1] }}", "t:1: unexpected ']', expected ')'"},
      {"{# x", "t:1: the comment has no end: expected #}"},
      {"a\nb\n{{ x.y }}", "t:3: 'x' is undefined"},
      {"{{ {}.a.b }}", "t:1: 'dict object' has no attribute 'a'"},
      {"{{ none.a.b }}", "t:1: 'None' has no attribute 'a'"},
      {"{{ [1][5].x }}", "t:1: list object has no element 5"},
      {"{{ [].append(1) }}", "t:1: access to attribute 'append' of 'list' object is unsafe"},
      {"{% macro m() %}\n{{ raise_exception('because') }}{% endmacro %}\n\n{{ m() }}", "t:2: because"},
      {"{{ 'a'|replace('b') }}", "replace() expected the argument 'new'"},
      {"{{ 'a'|trim(x=1) }}", "trim() got an unexpected keyword argument 'x'"},
      {"{% include 'x' %}", "{% include %}: there are no other templates"},
      {"{{ 'a'|urlize }}", "the filter 'urlize' is not supported"},
      {"{{ 9223372036854775807 + 1 }}", "integers beyond 64 bits"},
      {"{{ 9223372036854775808 }}", "expected an integer below 2^63"},
  };
  for (const auto& [source, message] : kCases) EXPECT_THAT(render(source), HasSubstr(message)) << source;
}

TEST(Language, ShowsMicroseconds) { EXPECT_EQ(render("{{ strftime_now('%%f %f') }}"), "%f 000042"); }

// Each would take the machine down without limits.
TEST(Sandbox, StopsWhatIsHostile) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{{ 'x' * 99999999999 }}", "bytes in one value"},
      {"{% set x = 'x' * 16000000 %}{% set y = range(100) | map('string') | map('replace', '1', x, 1) | list %}",
       "the template used more than"},
      {"{{ [0] * 9999999999 }}", "bytes in one value"},
      {"{{ 'a' | center(9999999999) }}", "bytes in one string"},
      {"{{ '%9999999999d' % 1 }}", "bytes in one string"},
      {"{{ '{:9999999999}'.format(1) }}", "bytes in one string"},
      {"{{ ('a' * 60000) | replace('a', 'b' * 60000) }}", "bytes in one string"},
      {"{{ ('a' * 60000).join('b' * 60000) }}", "bytes in one string"},
      {"{{ ('a\n' * 60000) | indent(60000) }}", "bytes in one string"},
      {"{{ range(99999999) }}", "Range too big"},
      {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "steps"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested too deeply"},
      {"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "nested too deeply"},
      {"{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
       "nested too deeply"},
      {"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "nested too deeply"},
      {"{{ 2 ** 99999999999 }}", "integers beyond 64 bits"},
      {"{{ [] | batch(99999999999, 1) | list }}{{ [1] | batch(99999999999, 1) | list }}", "bytes"},
      {"{{ [1] | slice(99999999999) | list }}", "at most 100000 slices"},
  };
  for (const auto& [source, message] : kCases) EXPECT_THAT(render(source), HasSubstr(message)) << source;
}

TEST(Sandbox, ParsesNothingTooDeep) {
  const auto repeated = [](const char* part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };
  for (const char* part : {"(", "[", "{1:", "not ", "-", "1 if 1 else ", "x[", "x(", "1 + ", "a and "})
    EXPECT_THAT(render("{{ " + repeated(part, 50'000) + "1 }}"), HasSubstr("error: ")) << part;
  for (const char* part : {"|trim", ".x", "[0]", "()", " + 1", " and 1"})
    EXPECT_THAT(render("{{ x" + repeated(part, 50'000) + " }}"), HasSubstr("the expression is nested too deeply"))
        << part;
  EXPECT_THAT(render(repeated("{% if 1 %}", 50'000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(render(repeated("{% set (", 5) + repeated("(", 50'000)), HasSubstr("error: "));
  EXPECT_THAT(render(std::string(2 << 20, 'x')), HasSubstr("at most 1 MiB"));
  EXPECT_THAT(render("\xff"), HasSubstr("UTF-8"));
}

// Deep chains of every kind of object are freed one by one, circles at the end.
TEST(Sandbox, FreesDeepAndCircularValues) {
  for (const char* step : {"[ns.x]", "(ns.x,)", "{'a': ns.x}", "namespace(x=ns.x)", "cycler(ns.x)", "joiner(ns.x)",
                           "[ns.x] | map('default') ", "ns.x.upper if ns.x.upper else [ns.x]", "{'a': ns.x}.get"})
    EXPECT_EQ(render("{% set ns = namespace(x=0) %}{% for i in range(90000) %}{% set ns.x = " + std::string(step) +
                     " %}{% endfor %}done"),
              "done")
        << step;
  EXPECT_EQ(render("{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}{% macro m() %}{% endmacro %}"
                   "{% set a.m = m %}{% for i in [1] %}{% set a.l = loop %}{{ loop.changed(loop) }}{% endfor %}"),
            "True");
}

MarkedText marked(std::string_view source, const Json& variables) {
  std::vector<Variable> list;
  for (auto it = variables.begin(); it != variables.end(); ++it)
    list.push_back({it.key(), &it.value(), it.key() == "own"});
  return Template::parse(source, "t").value().render(list);
}

/// The text with what is input in [brackets].
std::string shown(const MarkedText& text) {
  std::string out;
  size_t at = 0;
  for (const auto& [begin, end] : text.input.list()) {
    out += text.bytes.substr(at, begin - at) + "[" + text.bytes.substr(begin, end - begin) + "]";
    at = end;
  }
  return out + text.bytes.substr(at);
}

TEST(Marks, FollowInputThroughEveryOperation) {
  const Json variables{{"x", "a b"}, {"u", "äB"}, {"own", "o"}, {"d", {{"k", "v"}}}};
  const std::pair<const char*, const char*> kCases[] = {
      {"x", "[a b]"},
      {"own", "o"},
      {"'-' + x + '-'", "-[a b]-"},
      {"('-' ~ x ~ '-')[1:3]", "[a ]"},
      {"('-' ~ x)[::-1]", "[b a]-"},
      {"(' ' ~ x ~ ' ') | trim", "[a b]"},
      {"('1' ~ x).split()", "['1[a]', '[b]']"},
      {"x.split() | join('+')", "[a]+[b]"},
      {"'1 2' | replace(' ', x)", "1[a b]2"},
      {"x | replace(' ', '-')", "[a]-[b]"},
      {"'%s|' % x", "[a b]|"},
      {"'{:>5}|'.format(x)", "  [a b]|"},
      {"x | tojson", "\"[a b]\""},
      {"d | tojson(indent=1)", "{\n \"[k]\": \"[v]\"\n}"},
      {"d", "{'[k]': '[v]'}"},
      {"'q' ~ x | upper", "q[A B]"},
      {"('q' ~ x) | upper", "Q[A B]"},
      {"('q' ~ u) | upper", "[QÄB]"},
      {"('q' ~ x) | capitalize", "Q[a b]"},
      {"('q ' ~ x) | title", "Q [A B]"},
      {"x | indent(2, true)", "  [a b]"},
      {"('<' ~ x) | e", "&lt;[a b]"},
      {"(x ~ '<') | list | first", "[a]"},
      {"x.partition(' ')[0] ~ x.partition(' ')[1]", "[a ]"},
      {"x | reverse", "[b a]"},
      {"x * 2", "[a ba b]"},
      {"x | length", "3"},
      {"x.center(5, '.')", ".[a b]."},
      {"x | truncate(2, true, '.', 0)", "[a]."},
      {"[x, '1'] | map('string') | join", "[a b]1"},
      {"'\\n' ~ x | string | urlencode", "\n[a%20b]"},
  };
  for (const auto& [source, expected] : kCases)
    EXPECT_EQ(shown(marked("{{ " + std::string(source) + " }}", variables)), expected) << source;
  EXPECT_EQ(shown(marked("{% set y %}<{{ x }}>{% endset %}{% macro m(a) %}({{ a }}){% endmacro %}{{ m(y) }}"
                         "{% filter trim %} {{ x }} {% endfilter %}",
                         variables)),
            "(<[a b]>)[a b]");
}

TEST(Marks, GenerationIsARangeOfTheText) {
  const MarkedText text = marked(
      "a{% generation %}b{{ x }}{% endgeneration %}c{% set y %}{% generation %}d{% endgeneration %}"
      "{% endset %}{{ ' ' ~ y }}",
      {{"x", "é"}});
  EXPECT_EQ(text.bytes, "abéc d");
  EXPECT_EQ(text.generated.list(), (std::vector<std::pair<uint32_t, uint32_t>>{{1, 4}, {6, 7}}));
}

TEST(Template, IsSharedBetweenRenders) {
  auto parsed = Template::parse("{% set ns = namespace(i=1) %}{% set ns.i = ns.i + 1 %}{{ ns.i }}{{ 'a' ~ x }}", "t");
  for (const int x : {1, 2}) {
    const Json value = x;
    const Variable variable{"x", &value};
    EXPECT_EQ(parsed->render(std::span(&variable, 1)).bytes, "2a" + std::to_string(x));
  }
}

}  // namespace
}  // namespace maru::text::jinja
