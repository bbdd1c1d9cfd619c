// Hostile templates: whatever they ask for, they end soon, and what they do was counted before it was done.
#include <gmock/gmock.h>

#include <ctime>

#include "base/json.h"
#include "text/chat/jinja/search.h"
#include "text/chat/jinja/template.h"

namespace maru::text::jinja {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSlower = 30;
#else
constexpr double kSlower = 1;
#endif

/// CPU time of this thread, so that a busy machine changes nothing.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Rendered {
  std::string text, error;
  ErrorCode code = ErrorCode::kInternal;
  int64_t steps = 0;
  double seconds = 0;
};

Rendered render(const std::string& source, const Json& variables = Json::object(), const Limits& limits = {}) {
  const double begin = cpu_seconds();
  Rendered got;
  const auto parsed = Template::parse(source, "t");
  if (!parsed) {
    got.error = parsed.error().message;
    return got;
  }
  std::vector<Variable> list;
  for (auto it = variables.begin(); it != variables.end(); ++it) list.push_back({it.key(), &it.value()});
  try {
    got.text = parsed.value().render(list, {.limits = limits, .own_roles = {}, .steps = &got.steps}).bytes;
  } catch (const Failure& failure) {
    got.error = failure.what();
    got.code = failure.code();
  }
  got.seconds = cpu_seconds() - begin;
  return got;
}

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

/// Many times: what is too cheap to notice once.
std::string often(const std::string& expression, const std::string& before = "") {
  return before + "{% for i in range(99999) %}{% for j in range(99) %}{% set z = " + expression +
         " %}{% endfor %}{% endfor %}";
}

constexpr const char* kTexts =
    "{% set a = 'a' * 4000000 %}{% set b = a ~ 'b' %}{% set c = 'b' ~ a %}{% set l = a ~ a %}";
constexpr const char* kTwins =
    "{% set n = namespace(x=(1,), y=(1,), u=[1], v=[1]) %}{% for i in range(200) %}"
    "{% set n.x = (n.x, n.x) %}{% set n.y = (n.y, n.y) %}"
    "{% set n.u = [n.u, n.u] %}{% set n.v = [n.v, n.v] %}{% endfor %}";
constexpr const char* kDict =
    "{% set n = namespace(p=[]) %}{% set d = dict(range(99998) | map('string') | batch(2)) %}";

constexpr const char* kHostile[] = {
    "{{ 'a'*4000000 ~ 'b' in 'a'*8000000 }}",
    "{{ ('ab'*4000000).strip('c' * 4000000 ~ 'ab') }}",
    "{{ ('1'*16000000)|int }}",
    "{{ ('9'*16000000)|float }}",
    "{{ ('é '*5000000)|title }}",
    "{% macro m(n) %}{{ 'a'*16000000 }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ m(*range(99999)) if varargs }}{% endmacro %}{{ m(1) }}",
    "{% set n = namespace(x='') %}{% for i in range(99999) %}{% set n.x = n.x ~ 'abcdefghij' * 99 %}{% endfor %}",
    "{% set n = namespace(x=[]) %}{% for i in range(99999) %}{% set n.x = n.x + [i] %}{% endfor %}",
    "{{ [[1]*9999]*9999 | sum(start=[]) }}",
    "{{ (range(99999) | map('list')) | list }}",
    "{{ range(99999) | map('default', *range(99999)) | list | length }}",
    "{{ range(99999) | select('in', range(99999) | list + ['x']) | list | length }}",
    "{{ range(99999) | map('string') | map('center', 9999) | list | length }}",
    "{{ range(99999) | map('round', 320) | list | length }}",
    "{{ range(99999) | groupby(0) }}",
};
// Done to texts of 4 and 8 million bytes, many times; separated by "; ".
constexpr std::string_view kHostileUses =
    "b in l; l.find(b); l.rfind(c); l.index('a'); l.count(b); l.count(''); l.replace(b, 'x'); "
    "l.replace('', '-', 9); l.split(b); l.rsplit(c); l.split(); l.partition(b); l.rpartition(c); "
    "l.startswith(b, 1); l.endswith((c, c, c)); l.removeprefix(a); l.splitlines(); l.strip('a'); l | trim; "
    "l.lower(); l | upper; l | capitalize; l.isalpha(); l.istitle(); l.isascii(); l.isidentifier(); "
    "l is lower; l | length; l | wordcount; l | e; l | urlencode; l | tojson; l | reverse; l | first; "
    "l | string | safe; l | indent; l | truncate(9); l | center(9); l.zfill(8000009); l.expandtabs(); "
    "l < a ~ a; l == a ~ a; {l: 1}; [l, a ~ a] | unique | list; [l, a ~ a] | sort; l[1:-1]; l[::2]; l ~ 1; "
    "l + 'x'; l * 1; '%s' % l; '%.3s' % l; '%r' % l; '{}'.format(l); l.format(); l % (); [l] | join('x'); "
    "'x'.join([l]); l | replace('b', 'c'); l | default('x') | list | length; l | int; l | float; "
    "dict(a=l) | tojson; l is in l; l.nope; n[l]; l | attr(l); l | map('upper') | join";

std::vector<std::string> hostile() {
  std::vector<std::string> all(std::begin(kHostile), std::end(kHostile));
  const std::string more[] = {
      std::string(kTwins) + "{{ {n.x: 1} }}",
      std::string(kTwins) + "{{ n.x == n.y }}",
      std::string(kTwins) + "{{ n.u == n.v }}",
      std::string(kTwins) + "{{ n.u < n.v }}",
      std::string(kTwins) + "{{ n.u }}",
      std::string(kTwins) + "{{ n.u | tojson }}",
      std::string(kTwins) + "{{ [n.x, n.y] | unique | list }}",
      std::string(kTwins) + "{{ [n.u, n.v] | sort }}",
      repeated("{% with a = 1 %}", 190) +
          "{% for i in range(99999) %}{% for j in range(99) %}{{ nope is defined }}"
          "{% endfor %}{% endfor %}" +
          repeated("{% endwith %}", 190),
      repeated("{% macro m() %}", 90) + repeated("{% endmacro %}", 90) +
          "{% for i in range(99999) %}{% macro n() %}{% endmacro %}{% set a, b, c, d = 1, 2, 3, 4 %}{% endfor %}",
      "{% block b %}{{ self.b() }}{{ self.b() }}{% endblock %}",
      "{{ (('x' ~ m) * 900000)[::-1] | length }}",
      often("l[7999999]", "{% set l = 'a' * 8000000 %}"),
      often("(l ~ m)[i::-3]", "{% set l = ('x' ~ m) * 90000 %}"),
      often("strftime_now('%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c')"),
      often("1e-300 | round(320)"),
      often("'%.1000f' % 1e300"),
      often("'{:.1000e}'.format(1e-300)"),
      often("'{a}{b}{c}'.format(**d, a=1, b=2, c=3)", kDict),
      often("dict(**d)", kDict),
      often("d | dictsort", kDict),
      often("d == e", std::string(kDict) + "{% set e = dict(d) %}"),
      often("cycler(*range(99999))"),
      often("[1].index(r)", "{% set r = range(99999) | list %}"),
      often("n.q", "{% set n = namespace(**dict(range(9998) | map('string') | batch(2))) %}"),
      often("m.upper().lower().title().swapcase()"),
  };
  all.insert(all.end(), std::begin(more), std::end(more));
  for (std::string_view left = kHostileUses; !left.empty();) {
    const std::string_view use = left.substr(0, left.find("; "));
    all.push_back(often(std::string(use), kTexts));
    left.remove_prefix(std::min(left.size(), use.size() + 2));
  }
  return all;
}

// A step takes some 30 ns and at most some 100; what was done without counting would show as time that no step accounts
// for. All 10 million steps are taken by a few, the others stop at a fifth.
TEST(Sandbox, HostileTemplatesEndSoonAndWhatTheyDoIsCounted) {
  const Json variables{{"m", "안녕 A"}};
  const std::vector<std::string> all = hostile();
  EXPECT_GE(all.size(), 100u);
  double longest = 0, dearest = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string& source = all[i];
    const Rendered r = render(source, variables, {.steps = i % 10 == 0 ? 10'000'000 : 2'000'000});
    const std::string shown = source.substr(0, 300);
    EXPECT_LT(r.seconds, 3 * kSlower) << shown << "\n" << r.error;
    EXPECT_LT(r.seconds, (0.05 + 0.5e-6 * static_cast<double>(r.steps)) * kSlower) << shown << "\n"
                                                                                   << r.steps << " steps; " << r.error;
    EXPECT_LT(r.error.size(), 1200u) << shown;
    longest = std::max(longest, r.seconds);
    if (r.steps > 1'000'000) dearest = std::max(dearest, r.seconds / static_cast<double>(r.steps));
  }
  RecordProperty("templates", static_cast<int>(all.size()));
  RecordProperty("longest_ms", static_cast<int>(longest * 1e3));
  RecordProperty("dearest_step_ns", static_cast<int>(dearest * 1e9));
}

TEST(Sandbox, TwiceTheInputIsTwiceTheWork) {
  for (const char* use : {"b in l",
                          "l.find(b)",
                          "l.rfind(c)",
                          "l.count(b)",
                          "l.count('aa')",
                          "l.replace(b, '')",
                          "l.replace('aa', '')",
                          "l.split(b)",
                          "l.rsplit(c)",
                          "l.split('b')",
                          "l.partition(b)",
                          "l.strip('xa')",
                          "l.upper()",
                          "l.title()",
                          "l[::-1]",
                          "l[5:]",
                          "l | tojson",
                          "l == a ~ a",
                          "{l: 1}",
                          "l | wordcount",
                          "l | list | sort | join",
                          "l | list | unique | list",
                          "l | batch(3) | list",
                          "l | groupby(0)",
                          "dict(l | list | batch(2))",
                          "l | int",
                          "'%s' % l",
                          "l | urlencode",
                          "l | indent"}) {
    const auto steps = [&](int n) {
      const std::string size = std::to_string(n);
      const Rendered r = render("{% set a = 'a' * " + size +
                                " %}{% set b = a ~ 'b' %}{% set c = 'b' ~ a %}{% set l = a ~ a %}"
                                "{{ (" +
                                use + ") is defined }}");
      EXPECT_EQ(r.error, "") << use;
      return static_cast<double>(r.steps);
    };
    EXPECT_LT(steps(40'000), 2.2 * steps(20'000)) << use;
  }
}

// A naive search would take days.
TEST(Sandbox, SearchesInLinearTime) {
  const double begin = cpu_seconds();
  Runtime runtime("t", {}, {});
  const std::string a(8 << 20, 'a'), half(4 << 20, 'a');
  EXPECT_EQ(Search(runtime, a, half + "b").next(), Search::kNone);
  EXPECT_EQ(Search(runtime, a, "b" + half, Search::From::kEnd).next(), Search::kNone);
  EXPECT_EQ(Search(runtime, a, "b" + half).next(), Search::kNone);
  EXPECT_EQ(Search(runtime, a, half + "b" + half).next(), Search::kNone);
  EXPECT_LT(cpu_seconds() - begin, kSlower);
}

TEST(Sandbox, FindsWhatStdFinds) {
  Runtime runtime("t", {.steps = INT64_MAX}, {});
  for (const std::string alphabet : {"ab", "a", "abc"})
    for (int seed = 0; seed < 400; ++seed) {
      uint32_t state = static_cast<uint32_t>(seed) * 2654435761u + 1;
      const auto random_text = [&](size_t most) {
        std::string text;
        for (size_t n = (state >> 7) % (most + 1); text.size() < n;)
          text += alphabet[((state = state * 1664525u + 1013904223u) >> 16) % alphabet.size()];
        state = state * 1664525u + 1013904223u;
        return text;
      };
      const std::string text = random_text(40), part = "a" + random_text(4);
      Search forward(runtime, text, part), backward(runtime, text, part, Search::From::kEnd);
      size_t at = text.find(part);
      for (; at != std::string::npos; at = text.find(part, at + part.size())) ASSERT_EQ(forward.next(), at);
      ASSERT_EQ(forward.next(), Search::kNone);
      size_t end = text.size();
      while (end >= part.size() && (at = text.rfind(part, end - part.size())) != std::string::npos) {
        ASSERT_EQ(backward.next(), at) << text << " " << part;
        end = at;
      }
      ASSERT_EQ(backward.next(), Search::kNone);
    }
}

// Integers whose places in a table of a quarter million slots are all the same.
TEST(Sandbox, KeysMadeToCollideAreCounted) {
  const auto preimage = [](uint64_t y) {
    uint64_t inverse = 0x9E3779B97F4A7C15u;
    for (int i = 0; i < 6; ++i) inverse *= 2 - 0x9E3779B97F4A7C15u * inverse;
    y ^= y >> 29 ^ y >> 58;
    y *= inverse;
    return y ^ y >> 32;
  };
  Json keys = Json::array();
  for (uint64_t i = 1; keys.size() < 40'000; ++i)
    if (const uint64_t key = preimage(i << 20); key <= INT64_MAX) keys.push_back(key);
  const Rendered r = render("{% set d = dict(k | batch(2)) %}{{ d | length }}", {{"k", keys}});
  EXPECT_EQ(r.code, ErrorCode::kExhausted) << r.text << r.error;
  EXPECT_LT(r.seconds, kSlower);
}

TEST(Sandbox, TimeIsLimitedWhereItIsAskedFor) {
  const std::string busy = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
  const Rendered r = render(busy, Json::object(), {.steps = INT64_MAX / 2, .seconds = 0.05});
  EXPECT_EQ(r.code, ErrorCode::kDeadline);
  EXPECT_EQ(r.error, "t:1: the template ran longer than 50 ms");
  EXPECT_LT(r.seconds, 1 * kSlower);
  EXPECT_EQ(render("{{ 1 }}", Json::object(), {.seconds = 60}).text, "1");
}

TEST(Sandbox, WhatIsUnderConstructionCountsAsMemory) {
  const Limits little{.memory_bytes = 4 << 20};
  for (const char* source : {
           "{% macro m(n) %}{{ 'a' * 400000 }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
           "{% set x = 'a' * 900000 %}{% set y = x | reverse %}",
           "{% set x = ('a' * 900000).split('a') %}",
           "{% set x = 'b' * 1500000 %}{{ x in x }}",
           "{% macro m() %}{{ m(*range(99999)) if varargs }}{% endmacro %}{{ m(1) }}",
           "{% set n = namespace() %}{% for i in range(9999) %}{% macro m() %}{% endmacro %}{% set a, b, c = 1, 2, 3 %}"
           "{% set d, e, f, g, h = 1, 2, 3, 4, 5 %}{% endfor %}",
       })
    EXPECT_THAT(render(source, Json::object(), little).error, testing::HasSubstr("bytes of memory")) << source;
}

}  // namespace
}  // namespace maru::text::jinja
