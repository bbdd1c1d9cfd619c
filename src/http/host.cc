#include "http/host.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "http/auth.h"
#include "http/http.h"

namespace maru::http {
namespace {

constexpr size_t kMaxHostBytes = 255;

Error bad_host(std::string_view text, std::string_view expected) {
  return {ErrorCode::kInvalidArgument,
          "host \"" + std::string(text.substr(0, kMaxHostBytes)) + "\": expected " + std::string(expected)};
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

Result<std::optional<int>> parse_port(std::string_view digits, std::string_view whole) {
  if (digits.empty()) return std::optional<int>();  // "host:" (RFC 3986 §3.2.3)
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits[0] == '-' || error != std::errc() || end != digits.data() + digits.size() || port > 65535)
    return bad_host(whole, "a port from 0 to 65535");
  return std::optional<int>(port);
}

/// The shortest way to write an IPv6 address; empty when it is none.
std::string shortest_ipv6(const std::string& text) {
  in6_addr address{};
  char out[INET6_ADDRSTRLEN];
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return {};
  return ::inet_ntop(AF_INET6, &address, out, sizeof out) == nullptr ? "" : out;
}

Result<Authority> parse_ipv6(std::string_view text) {
  const size_t close = text.find(']');
  if (close == std::string_view::npos) return bad_host(text, "a ']'");
  Authority authority{.host = shortest_ipv6(std::string(text.substr(1, close - 1))), .port = {}};
  if (authority.host.empty()) return bad_host(text, "an IPv6 address without a zone");
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) return authority;
  if (rest[0] != ':') return bad_host(text, "':' behind ']'");
  Result<std::optional<int>> port = parse_port(rest.substr(1), text);
  if (!port) return port.error();
  authority.port = *port;
  return authority;
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
  if (text.starts_with('[')) return parse_ipv6(text);
  const size_t colon = std::min(text.find(':'), text.size());
  Authority authority{.host = lower_case(text.substr(0, colon)), .port = {}};
  if (authority.host.size() > kMaxHostBytes) return bad_host(text, "at most 255 bytes");
  if (!std::all_of(authority.host.begin(), authority.host.end(), is_name_char))
    return bad_host(text, "letters, digits, '-', '.' and '_', or an IPv6 address in brackets");
  if (authority.host.starts_with('.') || authority.host.find("..") != std::string::npos)
    return bad_host(text, "words between the dots of a name");
  if (authority.host.ends_with('.')) authority.host.pop_back();
  if (colon == text.size()) return authority;
  if (authority.host.empty()) return bad_host(text, "a name before ':'");
  Result<std::optional<int>> port = parse_port(text.substr(colon + 1), text);
  if (!port) return port.error();
  authority.port = *port;
  return authority;
}

HostRule::HostRule(std::string_view address, const std::vector<std::string>& allowed_hosts)
    : any_(!is_loopback(address) && allowed_hosts.empty()), hosts_{"localhost", "127.0.0.1", "::1"} {
  const std::string ipv6 = shortest_ipv6(std::string(address));
  if (address != "0.0.0.0" && ipv6 != "::") hosts_.push_back(ipv6.empty() ? std::string(address) : ipv6);
  for (const std::string& name : allowed_hosts) {
    Result<Authority> parsed = parse_authority(name);
    if (!parsed || parsed->host.empty() || parsed->port)
      throw Failure(ErrorCode::kInvalidArgument,
                    "allowed_hosts: \"" + name + "\": expected a host name without a port, such as \"ai.example.org\"");
    hosts_.push_back(parsed->host);
  }
}

bool HostRule::admits(const std::optional<std::string>& authority) const {
  if (any_ || !authority) return true;
  const Result<Authority> parsed = parse_authority(*authority);
  return parsed && std::find(hosts_.begin(), hosts_.end(), parsed.value().host) != hosts_.end();
}

bool is_own_origin(std::string_view origin, const std::optional<std::string>& authority, bool secure) {
  const std::string_view scheme = secure ? "https://" : "http://";
  const int usual_port = secure ? 443 : 80;
  if (!authority || !same_word(origin.substr(0, scheme.size()), scheme)) return false;
  const Result<Authority> page = parse_authority(origin.substr(scheme.size())), ours = parse_authority(*authority);
  return page && ours && !page.value().host.empty() && page.value().host == ours.value().host &&
         page.value().port.value_or(usual_port) == ours.value().port.value_or(usual_port);
}

}  // namespace maru::http
