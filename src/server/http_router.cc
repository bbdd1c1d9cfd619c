#include "server/http_router.h"

#include <algorithm>

#include "server/api_error.h"

namespace maru::server {
namespace {

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the '/'
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// True when `path` matches; fills the arguments.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& arguments) {
  arguments.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = next_segment(pattern), got = next_segment(path);
    if (expected.starts_with('{') ? got.empty() : expected != got) return false;
    if (expected.starts_with('{')) arguments.emplace_back(got);
  }
  return pattern.empty() && path.empty();
}

bool serves(const Route& route, Method method) {
  return route.method == method || (route.method == Method::kGet && method == Method::kHead);
}

ApiError unauthorized(const Request& request) {
  const bool given = !request.header("authorization").empty();
  return {
      .status = 401,
      .message = given ? "Incorrect API key provided. Send a key that this server knows as 'Authorization: Bearer KEY'."
                       : "No API key provided. Send it as 'Authorization: Bearer KEY'.",
      .code = "invalid_api_key"};
}

std::string quoted(std::string_view word) {
  std::string text(1, '"');
  text += word;
  text += '"';
  return text;
}

bool etag_matches(std::string_view header, std::string_view etag) {
  return header == "*" || header.find(quoted(etag)) != std::string_view::npos;
}

Reply serve_asset(const Asset& asset, const Request& request) {
  Response response{
      .content_type = std::string(asset.content_type),
      .headers = {{"ETag", quoted(asset.etag)}, {"Cache-Control", "no-cache"}, {"X-Content-Type-Options", "nosniff"}}};
  if (etag_matches(request.header("if-none-match"), asset.etag))
    response.status = 304;
  else
    response.body = asset.body;
  return {std::move(response)};
}

}  // namespace

Router::Router(ApiKeys keys, std::vector<std::string> cors_origins)
    : keys_(std::move(keys)), cors_origins_(std::move(cors_origins)) {}

void Router::add(Route route) {
  CHECK(route.pattern.starts_with('/'));
  routes_.push_back(std::move(route));
}

void Router::add_assets(std::span<const Asset> assets) {
  for (const Asset& asset : assets)
    add({.pattern = std::string(asset.path),
         .handler = [asset](const Request& request, const Wake&) { return serve_asset(asset, request); },
         .access = Access::kOpen,
         .doc = "a file of the console"});
}

Reply Router::dispatch(Request& request, const Wake& wake) const {
  Reply reply;
  try {
    reply = answer(request, wake);
  } catch (...) {
    reply.answer = to_response(current_api_error());
  }
  for (auto& header : cors_headers(request)) reply.headers.push_back(std::move(header));
  return reply;
}

Reply Router::answer(Request& request, const Wake& wake) const {
  for (const Route& route : routes_)
    if (serves(route, request.method) && matches(route.pattern, request.path, request.arguments))
      return call(route, request, wake);
  return no_route(request);
}

Reply Router::call(const Route& route, Request& request, const Wake& wake) const {
  Reply reply;
  try {
    if (route.access == Access::kKey && !keys_.admits(request))
      reply.answer = to_response(unauthorized(request));
    else
      reply = route.handler(request, wake);
  } catch (...) {
    reply.answer = to_response(current_api_error());
  }
  reply.route = route.pattern;
  return reply;
}

Reply Router::no_route(const Request& request) const {
  std::string allowed;
  std::vector<std::string> arguments;
  for (const Route& route : routes_)
    if (matches(route.pattern, request.path, arguments))
      allowed += std::string(name_of(route.method)) + (route.method == Method::kGet ? ", HEAD, " : ", ");
  const std::string url = "Invalid URL (" + std::string(name_of(request.method)) + " " + request.path + ")";
  if (allowed.empty()) return {to_response({.status = 404, .message = url, .code = "unknown_url"})};
  allowed += "OPTIONS";
  Response response{.status = 204, .content_type = ""};
  if (request.method != Method::kOptions)
    response =
        to_response({.status = 405, .message = url + "; this path allows " + allowed, .code = "method_not_allowed"});
  response.headers.emplace_back("Allow", allowed);
  return {std::move(response)};
}

Headers Router::cors_headers(const Request& request) const {
  const std::string_view origin = request.header("origin");
  const bool any = std::find(cors_origins_.begin(), cors_origins_.end(), "*") != cors_origins_.end();
  const bool listed = std::find(cors_origins_.begin(), cors_origins_.end(), origin) != cors_origins_.end();
  if (origin.empty() || !(any || listed)) return {};
  Headers headers{{"Access-Control-Allow-Origin", any ? "*" : std::string(origin)}, {"Vary", "Origin"}};
  if (request.method == Method::kOptions) {
    headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
    const std::string_view wanted = request.header("access-control-request-headers");
    headers.emplace_back("Access-Control-Allow-Headers",
                         wanted.empty() ? "authorization, content-type" : std::string(wanted));
    headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return headers;
}

}  // namespace maru::server
