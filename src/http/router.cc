#include "http/router.h"

#include <algorithm>

#include "http/conditions.h"
#include "http/current_response.h"

namespace maru::http {
namespace {

/// What a page's script may read of an answer besides its body.
constexpr const char* kExposed =
    "Retry-After, X-Request-Id, request-id, X-Maru-Warning, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, "
    "x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, "
    "x-ratelimit-reset-tokens, ETag, Link, Content-Range, X-Error-Code, X-Error-Message, X-Repo-Commit, "
    "X-Linked-ETag, X-Linked-Size";

/// What a pattern's last `{name*}` stands for: all that is left of a path, which is not empty.
constexpr std::string_view kRest = "*}";

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the '/'
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// Of "{name}.git" and "talks.git", "talks"; empty: they do not match.
std::string_view argument_of(std::string_view expected, std::string_view got) {
  const std::string_view behind = expected.substr(expected.find('}') + 1);
  return got.ends_with(behind) ? got.substr(0, got.size() - behind.size()) : std::string_view();
}

/// True when `path` matches; fills the arguments.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& arguments) {
  arguments.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view rest = path.substr(1), expected = next_segment(pattern), got = next_segment(path);
    if (expected.ends_with(kRest)) return rest.empty() ? false : (arguments.emplace_back(rest), true);
    if (!expected.starts_with('{')) {
      if (expected != got) return false;
      continue;
    }
    const std::string_view argument = argument_of(expected, got);
    if (argument.empty()) return false;
    arguments.emplace_back(argument);
  }
  return pattern.empty() && path.empty();
}

bool serves(const Route& route, Method method) {
  return route.method == method || (route.method == Method::kGet && method == Method::kHead);
}

bool brings_body(Method method) {
  return method == Method::kPost || method == Method::kPut || method == Method::kPatch;
}

/// "application/json", with or without parameters.
bool is_json(std::string_view content_type) {
  return same_word(trim_blanks(content_type.substr(0, content_type.find(';'))), "application/json");
}

Problem unauthorized(bool given, std::string_view place_of_key) {
  const std::string place(place_of_key);
  return {.status = 401,
          .message = given ? "Incorrect API key provided. Send a key that this server knows as " + place + "."
                           : "No API key provided. Send it as " + place + ".",
          .word = "invalid_api_key"};
}

Reply serve_asset(const Asset& asset, const Request& request) {
  Response response{.content_type = std::string(asset.content_type),
                    .headers = {{"ETag", entity_tag(asset.etag)},
                                {"Cache-Control", "no-cache"},
                                {"Content-Security-Policy", "frame-ancestors 'none'"}}};
  if (lists_etag(request.header("if-none-match"), asset.etag))
    response.status = 304;
  else
    response.body = asset.body;
  return {std::move(response)};
}

}  // namespace

Router::Router(std::unique_ptr<const Authenticator> keys, std::vector<std::string> cors_origins, HostRule hosts,
               const Dialect& dialect)
    : keys_(std::move(keys)), cors_origins_(std::move(cors_origins)), hosts_(std::move(hosts)), dialect_(dialect) {
  CHECK(keys_ != nullptr);
}

void Router::add(Route route) {
  CHECK(route.pattern.starts_with('/'));
  CHECK(route.pattern.find(kRest) == route.pattern.npos || route.pattern.ends_with(kRest));
  CHECK(!route.sink || (route.cost == Cost::kWork && brings_body(route.method)));
  routes_.push_back(std::move(route));
}

void Router::add_assets(std::span<const Asset> assets) {
  for (const Asset& asset : assets)
    add({.pattern = std::string(asset.path),
         .handler = [asset](const Request& request, const Wake&) { return serve_asset(asset, request); },
         .access = Access::kOpen,
         .cost = Cost::kQuick,
         .doc = "a file of the console"});
}

Admission Router::admit(Request& request) const {
  std::optional<Response> refusal = refuse(request);
  Admission admission{.refusal = {}, .wants_body = brings_body(request.method), .dialect = &dialect_of(request)};
  if (const Route* route = request.route) {
    admission.route = route->pattern;
    admission.quick = route->cost == Cost::kQuick;
    if (route->sink) admission.sink = &route->sink;
    admission.open = route->access == Access::kOpen;
  }
  if (refusal) {
    admission.refusal.emplace();
    admission.refusal->answer = std::move(*refusal);
    admission.refusal->headers = headers_for(request);
    admission.refusal->route = admission.route;
  }
  return admission;
}

std::optional<Response> Router::refuse(Request& request) const {
  if (!hosts_.admits(request.authority))
    return to_response({.status = 421,
                        .message = "this server does not answer to the host \"" + *request.authority +
                                   "\"; add its name to allowed_hosts if it should",
                        .word = "misdirected_request"},
                       dialect_);
  if (std::optional<Problem> problem = foreign_page(request)) return to_response(*problem, dialect_);
  if (std::optional<Response> none = find_route(request)) return none;
  if (std::optional<Problem> problem = refuse_principal(request)) return to_response(*problem, dialect_of(request));
  const bool from_page = !request.header("origin").empty();
  if (from_page && request.method == Method::kPost && !is_json(request.header("content-type")))
    return to_response({.status = 415,
                        .message = "Content-Type: a web page must send application/json here",
                        .word = "unsupported_media_type"},
                       dialect_of(request));
  try {
    if (gate_) gate_(request);
  } catch (...) {
    return response_to_current(dialect_of(request));
  }
  return std::nullopt;
}

/// Finds out who asks, also where anybody may.
std::optional<Problem> Router::refuse_principal(Request& request) const {
  const Dialect& dialect = dialect_of(request);
  const std::string_view key = dialect.credential(request);
  if (!key.empty()) request.principal = keys_->principal_of(key);
  if (request.route->access != Access::kKey || !keys_->has_keys()) return std::nullopt;
  if (!request.principal) return unauthorized(!key.empty(), dialect.place_of_key);
  if (request.principal->may(request.route->scope)) return std::nullopt;
  return Problem{
      .status = 403,
      .message = "this key may not do this: it lacks the scope \"" + std::string(request.route->scope) + "\"",
      .word = "insufficient_scope"};
}

const Dialect& Router::dialect_of(const Request& request) const {
  return request.route == nullptr ? dialect_ : dialect_of(*request.route);
}

const Dialect& Router::dialect_of(const Route& route) const {
  return route.dialect == nullptr ? dialect_ : *route.dialect;
}

/// A page of another site may look (its browser keeps the answer from it) but not make this server do anything. What
/// comes by a WebSocket no browser keeps from a page.
std::optional<Problem> Router::foreign_page(const Request& request) const {
  const bool looks = request.method == Method::kGet || request.method == Method::kHead;
  if (looks && request.header("upgrade").empty()) return std::nullopt;
  for (const auto& [name, value] : request.headers)
    if (name == "origin" && !is_own_origin(value, request.authority, request.secure) && !allows_origin(value))
      return Problem{.status = 403,
                     .message = "Origin: pages of \"" + value +
                                "\" may not use this server; add it to cors_origins if they should",
                     .word = "foreign_origin"};
  return std::nullopt;
}

std::optional<Response> Router::find_route(Request& request) const {
  for (const Route& route : routes_)
    if (serves(route, request.method) && matches(route.pattern, request.path, request.arguments)) {
      request.route = &route;
      return std::nullopt;
    }
  return no_route(request);
}

Reply Router::answer(Request& request, const Wake& wake) const {
  CHECK(request.route != nullptr);
  Reply reply;
  try {
    if (request.route->sink && request.sink == nullptr)
      throw Failure(ErrorCode::kUnimplemented, "this is asked for by a request of its own, not by a message");
    reply = request.route->handler(request, wake);
    apply_conditions(request, dialect_of(request), reply);
  } catch (...) {
    reply.answer = response_to_current(dialect_of(request));
  }
  reply.route = request.route->pattern;
  for (auto& header : headers_for(request)) reply.headers.push_back(std::move(header));
  return reply;
}

Response Router::no_route(const Request& request) const {
  std::string allowed;
  std::vector<std::string> arguments;
  std::vector<Method> methods;
  const Dialect* dialect = &dialect_;
  for (const Route& route : routes_)
    if (matches(route.pattern, request.path, arguments)) {
      if (route.dialect != nullptr) dialect = route.dialect;
      if (std::find(methods.begin(), methods.end(), route.method) != methods.end()) continue;
      methods.push_back(route.method);
      allowed += std::string(name_of(route.method)) + (route.method == Method::kGet ? ", HEAD, " : ", ");
    }
  const std::string url = "Invalid URL (" + std::string(name_of(request.method)) + " " + request.path + ")";
  if (allowed.empty()) return to_response({.status = 404, .message = url, .word = "unknown_url"}, dialect_);
  allowed += "OPTIONS";
  Response response{.status = 204, .content_type = ""};
  if (request.method != Method::kOptions)
    response = to_response(
        {.status = 405, .message = url + "; this path allows " + allowed, .word = "method_not_allowed"}, *dialect);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

bool Router::allows_origin(std::string_view origin) const {
  return std::any_of(cors_origins_.begin(), cors_origins_.end(),
                     [&](const std::string& listed) { return listed == "*" || same_word(listed, origin); });
}

Headers Router::headers_for(const Request& request) const {
  Headers headers{{"X-Content-Type-Options", "nosniff"}};
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !allows_origin(origin)) return headers;
  const bool any = std::find(cors_origins_.begin(), cors_origins_.end(), "*") != cors_origins_.end();
  headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(origin));
  headers.emplace_back("Vary", "Origin");
  headers.emplace_back("Access-Control-Expose-Headers", kExposed);
  if (request.method == Method::kOptions) {
    headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    const std::string_view wanted = request.header("access-control-request-headers");
    headers.emplace_back("Access-Control-Allow-Headers",
                         wanted.empty() ? "authorization, content-type" : std::string(wanted));
    headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return headers;
}

}  // namespace maru::http
