// The formats of strings as regular expressions. Where the standard's own set is not regular, or nobody writes all of
// it (quoted local parts, hosts in brackets), what is written is a part of it: what is made is always valid.
#include <map>
#include <string>

#include "text/grammar/schema_reader.h"

namespace maru::text::grammar {
namespace {

std::map<std::string_view, std::string> patterns() {
  // RFC 3339. Seconds are 0 to 59: when leap seconds fall cannot be known.
  const std::string leap = R"((\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00))";
  const std::string date = R"((\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|\d{4}-(0[469]|11)-(0[1-9]|[12]\d|30))"
                           R"(|\d{4}-02-(0[1-9]|1\d|2[0-8])|)" +
                           leap + "-02-29)";
  const std::string time = R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[-+]([01]\d|2[0-3]):[0-5]\d))";
  const std::string days = R"(\d{1,9}D)", months = R"((\d{1,9}M()" + days + ")?)",
                    years = R"((\d{1,9}Y()" + months + ")?)";
  const std::string seconds = R"(\d{1,9}S)", minutes = R"((\d{1,9}M()" + seconds + ")?)",
                    hours = R"((\d{1,9}H()" + minutes + ")?)";
  const std::string clock = "T(" + hours + "|" + minutes + "|" + seconds + ")";
  const std::string duration =
      R"(P(\d{1,9}W|()" + years + "|" + months + "|" + days + ")(" + clock + ")?|" + clock + ")";
  const std::string uuid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  // RFC 1123; four labels of at most 61 characters stay below 253.
  const std::string label = "[A-Za-z0-9](-?[A-Za-z0-9]){0,30}", hostname = label + R"((\.)" + label + "){0,3}";
  // RFC 5322's dot-atom, of at most 64 characters (RFC 5321, §4.5.3.1.1).
  const std::string letter = R"([-A-Za-z0-9!#$%&'*+/=?^_`{|}~])",
                    email = letter + R"((\.?)" + letter + "){0,31}@" + hostname;
  const std::string octet = R"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))", ipv4 = octet + R"((\.)" + octet + "){3}";
  // RFC 3986, §3.2.2.
  const std::string h = "[0-9a-fA-F]{1,4}", tail = "(" + h + ":" + h + "|" + ipv4 + ")";
  const auto groups = [&](const std::string& times) { return "(" + h + ":){" + times + "}"; };
  const auto up_to = [&](int most) { return "((" + h + ":){0," + std::to_string(most) + "}" + h + ")?::"; };
  const std::string ipv6 = "(" + groups("6") + tail + "|::" + groups("5") + tail + "|(" + h + ")?::" + groups("4") +
                           tail + "|" + up_to(1) + groups("3") + tail + "|" + up_to(2) + groups("2") + tail + "|" +
                           up_to(3) + groups("1") + tail + "|" + up_to(4) + tail + "|" + up_to(5) + h + "|" + up_to(6) +
                           ")";
  // RFC 3986 without user names and addresses in brackets.
  const std::string unit = R"(([-A-Za-z0-9._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2}))",
                    host = R"(([-A-Za-z0-9._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)", path = "(/" + unit + "*)*";
  const std::string uri = R"([A-Za-z][-A-Za-z0-9+.]*:(//)" + host + R"((:\d{0,5})?)" + path + "|/?" + unit + "+" +
                          path + R"()(\?()" + unit + "|[/?])*)?(#(" + unit + "|[/?])*)?";
  const std::string pointer = "(/([^~/]|~[01])*)*";  // RFC 6901
  return {{"date", date},
          {"time", time},
          {"date-time", date + "[Tt]" + time},
          {"duration", duration},
          {"uuid", uuid},
          {"email", email},
          {"hostname", hostname},
          {"ipv4", ipv4},
          {"ipv6", ipv6},
          {"uri", uri},
          {"json-pointer", pointer},
          {"relative-json-pointer", R"((0|[1-9]\d{0,8})(#|)" + pointer + ")"}};
}

}  // namespace

std::string_view format_pattern(std::string_view name) {
  static const std::map<std::string_view, std::string> kPatterns = patterns();
  const auto it = kPatterns.find(name);
  return it == kPatterns.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace maru::text::grammar
