// The only way out: a POST over plain HTTP to a machine of one's own network, for whoever an operator has named.
#pragma once
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"

struct sockaddr;

namespace maru::http {

struct Destination {
  std::string host, port = "80", path = "/";
  /// As the Host header names it.
  std::string authority() const;
};

/// "http://HOST[:PORT][/PATH]"; `path`: where the URL has none.
///
/// Throws   kInvalidArgument naming `field`: another scheme (there is no TLS on the way out), a user name, a query, an
///          address literal beyond this machine and private networks.
Destination parse_destination(std::string_view url, const std::string& field, std::string_view path = "/");

/// This machine or a private network: 127/8, 10/8, 172.16/12, 192.168/16, 100.64/10, ::1, fc00::/7.
bool is_private(const sockaddr& address);

/// An answer with its body.
struct PostReply {
  int status = 0;
  std::string body;
};

/// What a question may have beside its body.
struct QuestionLimits {
  std::string bearer = {};      // of the Authorization header; empty: none
  size_t most_bytes = 1 << 20;  // of the answer's body
  size_t most_head = 16 << 10;  // of its heads, interim ones among them
};

/// Sends a body of JSON and reads the whole answer, whichever way it says where it ends. Else as post_json.
///
/// Fails    as post_json; kExhausted: the answer is longer than it may be; kUnavailable also: it ends too early.
Result<PostReply> ask_json(const Destination& to, std::string_view body, const QuestionLimits& limits,
                           std::chrono::steady_clock::time_point deadline, const std::stop_token& stop);

/// Sends a body of JSON and waits for the status. A name is looked up each time; addresses that are not private are
/// not connected to.
///
/// Fails    kUnavailable: nobody answers, or not HTTP; kDeadline; kCancelled; kInvalidArgument: no private address.
Result<int> post_json(const Destination& to, std::string_view body, std::chrono::steady_clock::time_point deadline,
                      const std::stop_token& stop);

}  // namespace maru::http
