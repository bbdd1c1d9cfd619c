// One table of routes: method, pattern, handler, whether a key is needed, and what it does. Authentication, CORS,
// HEAD, OPTIONS, 404, 405 and the mapping of exceptions to responses follow from the table.
//
// Filled before the server starts, read-only afterwards; handlers are called by several threads at once.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"
#include "server/http_auth.h"

namespace maru::server {

/// May throw; what it throws becomes an error response.
using Handler = std::function<Reply(const Request&, const Wake&)>;

enum class Access : uint8_t { kOpen, kKey };

struct Route {
  Method method = Method::kGet;
  std::string pattern;  // "/v1/maru/runs/{id}/metrics": {…} matches one path segment
  Handler handler;
  Access access = Access::kKey;
  std::string doc;
};

/// A file that the server carries in itself.
struct Asset {
  std::string_view path, content_type, body, etag;  // the etag without quotes
};

class Router {
 public:
  /// `cors_origins`: web origins that browsers may call from; "*" allows all.
  explicit Router(ApiKeys keys, std::vector<std::string> cors_origins = {});
  void add(Route route);
  /// Serves assets to anyone, with revalidation by etag. Their bytes must outlive the router.
  void add_assets(std::span<const Asset> assets);
  /// Never throws: errors become responses.
  Reply dispatch(Request& request, const Wake& wake) const;
  std::span<const Route> routes() const { return routes_; }
  bool has_keys() const { return !keys_.empty(); }

 private:
  Reply answer(Request& request, const Wake& wake) const;
  Reply call(const Route& route, Request& request, const Wake& wake) const;
  Reply no_route(const Request& request) const;
  Headers cors_headers(const Request& request) const;

  ApiKeys keys_;
  std::vector<std::string> cors_origins_;
  std::vector<Route> routes_;
};

}  // namespace maru::server
