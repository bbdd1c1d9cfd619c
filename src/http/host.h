// Who a request was meant for, and which page sent it. A page of the web can make a browser call this server, also
// under a name of its own that it lets point here; these rules tell such calls from those of the server's own page.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace maru::http {

/// The host and port of a URL (RFC 3986 §3.2), as they compare: lower case, no dot at the end, IPv6 in its shortest
/// form without brackets.
struct Authority {
  std::string host;
  std::optional<int> port;
  bool operator==(const Authority&) const = default;
};

/// Fails on user names, ports that are none, IPv6 without brackets or with a zone, and bytes that no host name holds.
/// An empty text is an empty host.
Result<Authority> parse_authority(std::string_view text);

/// Which hosts are answered.
class HostRule {
 public:
  HostRule() = default;  // any
  /// `address`: what is listened on; on loopback only localhost, 127.0.0.1, [::1] and that address are answered, and
  /// `allowed_hosts`; elsewhere any host, or with `allowed_hosts` only these and those of loopback.
  ///
  /// Throws   kInvalidArgument for a name in `allowed_hosts` that is none.
  HostRule(std::string_view address, const std::vector<std::string>& allowed_hosts);
  /// `authority`: as the request names it; none (a client of HTTP/1.0) is always answered.
  bool admits(const std::optional<std::string>& authority) const;

 private:
  bool any_ = true;
  std::vector<std::string> hosts_;
};

/// Whether `origin`, as browsers send it, is the page that `authority` itself serves over http, or https if `secure`.
bool is_own_origin(std::string_view origin, const std::optional<std::string>& authority, bool secure = false);

}  // namespace maru::http
