#include "http/http.h"

#include <algorithm>
#include <array>

namespace maru::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

Error bad_target(std::string_view what) {
  return {ErrorCode::kInvalidArgument, "request target: " + std::string(what)};
}

Outcome parse_query(std::string_view text, Request& request) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    Result<std::string> name = percent_decode(pair.substr(0, equals), true);
    if (!name) return name.error();
    Result<std::string> value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!value) return value.error();
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return Done{};
}

/// Takes the scheme and the authority off an absolute-form target.
Outcome take_authority(std::string_view& target, Request& request) {
  const size_t mark = target.find("://");
  if (mark == std::string_view::npos || target[0] == '/') return Done{};
  const std::string_view scheme = target.substr(0, mark);
  if (!same_word(scheme, "http") && !same_word(scheme, "https")) return bad_target("expected the scheme http or https");
  target.remove_prefix(mark + 3);
  request.authority = std::string(target.substr(0, target.find_first_of("/?#")));
  target.remove_prefix(request.authority->size());
  return Done{};
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim_blanks(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::string_view name_of(Method method) {
  constexpr std::array<std::string_view, 8> kNames{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
  return kNames[static_cast<size_t>(method)];
}

std::string_view find_header(const Headers& headers, std::string_view name) {
  const auto it = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return same_word(h.first, name); });
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

std::string_view Request::parameter(std::string_view name) const {
  const auto it = std::find_if(query.begin(), query.end(), [&](const auto& q) { return q.first == name; });
  return it == query.end() ? std::string_view() : std::string_view(it->second);
}

Caller Request::caller() const {
  Caller caller;
  caller.record = record;
  caller.waits = waits;
  if (principal) caller.clients.push_back(principal->key);
  if (!local_peer) caller.clients.push_back("address " + peer);
  if (principal) caller.principal = *principal;
  if (!principal && !local_peer) caller.principal.tenant = caller.clients.front();
  return caller;
}

void add_warnings(Reply& reply, const std::vector<std::string>& warnings) {
  if (warnings.empty()) return;
  const std::string more = warnings.size() > 1 ? " (and " + std::to_string(warnings.size() - 1) + " more)" : "";
  reply.headers.emplace_back("X-Maru-Warning", warnings.front() + more);
}

void append_event(std::string& to, std::string_view data, std::string_view name) {
  if (!name.empty()) {
    to += "event: ";
    to += name;
    to += '\n';
  }
  to += "data: ";
  to += data;
  to += "\n\n";
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return bad_target("'%' must be followed by two hexadecimal digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return bad_target("contains a zero byte");
    out += c;
  }
  return out;
}

Outcome parse_target(std::string_view target, Request& request) {
  if (target == "*" && request.method == Method::kOptions) target = "/";
  if (Outcome taken = take_authority(target, request); !taken) return taken;
  if (request.authority && (target.empty() || target[0] == '?')) {  // "http://host?x": the path is "/"
    request.path = "/";
    return parse_query(target.substr(std::min<size_t>(1, target.size())), request);
  }
  if (target.empty() || target[0] != '/') return bad_target("expected a path that begins with '/'");
  if (target.find('#') != std::string_view::npos) return bad_target("a fragment ('#') is not sent to a server");
  const size_t mark = std::min(target.find('?'), target.size());
  Result<std::string> path = percent_decode(target.substr(0, mark), false);
  if (!path) return path.error();
  request.path = std::move(*path);
  return parse_query(target.substr(std::min(mark + 1, target.size())), request);
}

}  // namespace maru::http
