#include "http/head.h"

#include <algorithm>
#include <charconv>

#include "http/host.h"

namespace maru::http {
namespace {

bool is_token_char(char c) {
  const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return word || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

Method method_of(std::string_view name) {
  for (auto method = Method::kGet; method != Method::kOther; method = static_cast<Method>(static_cast<int>(method) + 1))
    if (name == name_of(method)) return method;
  return Method::kOther;
}

/// The next line without its end.
std::string_view take_line(std::string_view& bytes) {
  const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
  bytes.remove_prefix(std::min(bytes.size(), line.size() + 2));
  return line;
}

Outcome parse_request_line(std::string_view line, Head& head) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return malformed("expected METHOD TARGET HTTP/1.1");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method)) return malformed("the method is not a word");
  if (target.find_first_of(" \t") != std::string_view::npos) return malformed("a blank in the request target");
  if (version.size() != 8 || !version.starts_with("HTTP/1.") || version[7] < '0' || version[7] > '9')
    return malformed("expected HTTP/1.1 or HTTP/1.0 at the end of the first line");
  head.http11 = version[7] != '0';
  head.request.method = method_of(method);
  if (Outcome parsed = parse_target(target, head.request); !parsed) return parsed.error();
  return Done{};
}

Outcome parse_field(std::string_view line, Headers& headers) {
  if (line[0] == ' ' || line[0] == '\t') return malformed("a folded header line");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a header line without a colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return malformed("a header name is not a word, or a blank stands before its colon");
  headers.emplace_back(lower_case(name), std::string(trim_blanks(line.substr(colon + 1))));
  return Done{};
}

/// How often a header stands there, and the value of the last.
int64_t count_header(const Headers& headers, std::string_view name, std::string_view& value) {
  int64_t count = 0;
  for (const auto& [key, text] : headers) {
    if (key != name) continue;
    value = text;
    ++count;
  }
  return count;
}

/// RFC 9112 §6.3 lets a server read some of what is refused here; none of it comes from an honest client.
Outcome read_framing(Head& head) {
  std::string_view coding, length;
  const int64_t codings = count_header(head.request.headers, "transfer-encoding", coding);
  const int64_t lengths = count_header(head.request.headers, "content-length", length);
  if (codings > 0 && lengths > 0) return malformed("Transfer-Encoding together with Content-Length");
  if (codings > 0 && !head.http11) return malformed("Transfer-Encoding in a request of HTTP/1.0");
  if (codings > 1 || (codings == 1 && !same_word(coding, "chunked")))
    return malformed("Transfer-Encoding: expected \"chunked\", once and alone");
  if (lengths > 1) return malformed("more than one Content-Length");
  head.chunked = codings == 1;
  if (lengths == 0) return Done{};
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), head.length);
  if (length.empty() || error != std::errc() || end != length.data() + length.size())
    return malformed("Content-Length: expected a number");
  return Done{};
}

Outcome read_authority(Head& head) {
  std::string_view host;
  const int64_t hosts = count_header(head.request.headers, "host", host);
  if (hosts > 1) return malformed("more than one Host");
  if (hosts == 0 && head.http11) return malformed("expected a Host");
  if (hosts == 1)
    if (const Result<Authority> parsed = parse_authority(host); !parsed) return malformed(parsed.error().message);
  std::optional<std::string>& authority = head.request.authority;
  if (authority && authority->empty()) return malformed("a request target without a host");
  if (authority) {  // of the target: it counts, not Host (RFC 9112 §3.2.2)
    if (const Result<Authority> parsed = parse_authority(*authority); !parsed) return malformed(parsed.error().message);
  } else if (hosts == 1) {
    authority = std::string(host);
  }
  return Done{};
}

void read_connection(Head& head) {
  bool close = false, keep = false;
  for (const auto& [name, value] : head.request.headers) {
    if (name != "connection") continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::string_view word = trim_blanks(rest.substr(0, rest.find(',')));
      rest.remove_prefix(std::min(rest.size(), std::min(rest.find(','), rest.size()) + 1));
      close |= same_word(word, "close");
      keep |= same_word(word, "keep-alive");
    }
  }
  head.keep_alive = !close && (head.http11 || keep);
  head.expects_continue = head.http11 && same_word(head.request.header("expect"), "100-continue");
}

}  // namespace

Error malformed(std::string_view what) {
  return {ErrorCode::kInvalidArgument, "malformed HTTP request: " + std::string(what)};
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

Result<size_t> HeadScanner::scan(std::string_view bytes) {
  for (; position_ < bytes.size(); ++position_) {
    const char c = bytes[position_];
    if (!is_control(c)) continue;
    if (c != '\r') return malformed(c == '\n' ? "a line feed without a carriage return" : "a control character");
    if (position_ + 1 == bytes.size()) return size_t{0};
    if (bytes[position_ + 1] != '\n') return malformed("a carriage return without a line feed");
    const bool empty = position_ == line_begin_;
    line_begin_ = position_ + 2;
    ++position_;
    if (empty && lines_ > 0) return line_begin_;
    if (!empty && ++lines_ > max_fields_ + 1)
      return Error{ErrorCode::kExhausted, "more than " + std::to_string(max_fields_) + " header fields"};
  }
  return size_t{0};
}

Result<Head> parse_head(std::string_view bytes) {
  Head head;
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // after a body some clients send one too many
  if (Outcome parsed = parse_request_line(take_line(bytes), head); !parsed) return parsed.error();
  for (std::string_view line = take_line(bytes); !line.empty(); line = take_line(bytes))
    if (Outcome parsed = parse_field(line, head.request.headers); !parsed) return parsed.error();
  if (Outcome read = read_framing(head); !read) return read.error();
  if (Outcome read = read_authority(head); !read) return read.error();
  read_connection(head);
  return head;
}

}  // namespace maru::http
