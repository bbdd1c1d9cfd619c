// What the template reference test runs: the C++ side of comparisons with jinja2 and `transformers`.
// Cases come as JSON objects, one per line; answers are JSON, one per line.
//
//   jinja_tool FILE    {"source", "variables": {…}, "own": [names], "clock": [year, month, day, hour, minute, second]}
//                      to {"text", "input": [[begin, end], …], "generated": […]}, or {"error", "code"}
#include <algorithm>
#include <iostream>
#include <vector>

#include "base/byte_source.h"
#include "base/json.h"
#include "text/chat/jinja/template.h"

namespace {

using maru::Json;
namespace jinja = maru::text::jinja;

jinja::Clock clock_of(const Json& c) {
  jinja::Clock clock;
  if (!c.contains("clock")) return clock;
  const auto n = c["clock"].get<std::vector<int>>();
  clock.time.tm_year = n.at(0) - 1900, clock.time.tm_mon = n.at(1) - 1, clock.time.tm_mday = n.at(2);
  clock.time.tm_hour = n.at(3), clock.time.tm_min = n.at(4), clock.time.tm_sec = n.at(5);
  clock.time.tm_isdst = -1;
  std::tm filled = clock.time;  // the day of the week and of the year
  const std::time_t t = timegm(&filled);
  gmtime_r(&t, &clock.time);
  return clock;
}

Json answer(const Json& c) {
  const auto parsed = jinja::Template::parse(c["source"].get_ref<const std::string&>(), "template");
  if (!parsed) return {{"error", parsed.error().message}, {"code", maru::name_of(parsed.error().code)}};
  std::vector<jinja::Variable> variables;
  const Json own = c.value("own", Json::array());
  for (auto it = c["variables"].begin(); it != c["variables"].end(); ++it)
    variables.push_back({it.key(), &it.value(), std::find(own.begin(), own.end(), it.key()) != own.end()});
  try {
    const jinja::MarkedText text = parsed.value().render(variables, {.clock = clock_of(c)});
    return {{"text", text.bytes}, {"input", text.input.list()}, {"generated", text.generated.list()}};
  } catch (const maru::Failure& failure) {
    return {{"error", failure.what()}, {"code", maru::name_of(failure.code())}};
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    maru::LineReader reader(argc > 1 ? argv[1] : "");
    while (const auto line = reader.next())
      std::cout << answer(maru::parse_json(*line, "case").value()).dump(-1, ' ', false, Json::error_handler_t::replace)
                << "\n";
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "jinja_tool: " << e.what() << "\n";
    return 1;
  }
}
