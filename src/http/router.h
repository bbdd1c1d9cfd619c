// One table of routes: method, pattern, handler, whether a key is needed, and what it does. Which hosts and pages are
// answered, authentication, CORS, HEAD, OPTIONS, 404, 405, 415 and the mapping of exceptions to responses follow from
// the table; all of it is decided on a request's head, before its body is read.
//
// Filled before the server starts, read-only afterwards; handlers are called by several threads at once.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/dialect.h"
#include "http/host.h"
#include "http/http.h"
#include "http/server.h"

namespace maru::http {

/// May throw; what it throws becomes an error response.
using Handler = std::function<Reply(const Request&, const Wake&)>;

enum class Access : uint8_t {
  kOpen,    // anybody
  kKey,     // who has a key with the route's scope
  kSigned,  // who was given the very URL: handler and sink check what it holds
};
/// Where a handler runs.
enum class Cost : uint8_t {
  kWork,   // on a worker: it reads files, parses, renders or encodes
  kQuick,  // on a network thread: it answers from memory and waits for nobody
};

struct Route {
  Method method = Method::kGet;
  std::string pattern;  // "/v1/maru/runs/{id}/metrics": {…} one path segment, {…*} the rest
  Handler handler;
  Access access = Access::kKey;
  Cost cost = Cost::kWork;
  std::string_view scope = "read";   // what a key must be allowed to
  const Dialect* dialect = nullptr;  // null: the router's
  std::string doc;
  Json (*body)(Schemas&) = nullptr;  // adds what it reads: body_schema<T> (http/json_body.h); null: no JSON
  MakeSink sink;  // where a body goes that is not to stand in memory; empty: it does, and is Request::body
};

/// A file that the server carries in itself.
struct Asset {
  std::string_view path, content_type, body, etag;  // the etag without quotes
};

class Router {
 public:
  /// `cors_origins`: web origins that browsers may call from; "*" allows all. `hosts`: the names this server answers
  /// to. `dialect`: of whatever no route says otherwise.
  explicit Router(std::unique_ptr<const Authenticator> keys, std::vector<std::string> cors_origins = {},
                  HostRule hosts = {}, const Dialect& dialect = kPlain);
  void add(Route route);
  /// Serves assets to anyone, with revalidation by etag. Their bytes must outlive the router.
  void add_assets(std::span<const Asset> assets);
  /// Asked last of a request that would be admitted, on a network thread; what it throws refuses the request.
  void set_gate(std::function<void(const Request&)> gate) { gate_ = std::move(gate); }
  /// Judges a request by its head and finds its route. Never throws.
  Admission admit(Request& request) const;
  /// Calls the handler of an admitted request. Never throws: errors become responses.
  Reply answer(Request& request, const Wake& wake) const;
  const std::vector<Route>& routes() const { return routes_; }
  const Dialect& dialect_of(const Route& route) const;

 private:
  std::optional<Response> refuse(Request& request) const;
  std::optional<Problem> foreign_page(const Request& request) const;
  std::optional<Problem> refuse_principal(Request& request) const;
  std::optional<Response> find_route(Request& request) const;
  Response no_route(const Request& request) const;
  const Dialect& dialect_of(const Request& request) const;
  bool allows_origin(std::string_view origin) const;
  Headers headers_for(const Request& request) const;

  std::unique_ptr<const Authenticator> keys_;
  std::vector<std::string> cors_origins_;
  HostRule hosts_;
  const Dialect& dialect_;
  std::function<void(const Request&)> gate_;
  std::vector<Route> routes_;
};

}  // namespace maru::http
