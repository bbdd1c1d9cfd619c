#include "platform/secrets.h"

#include "api/tenants/answers.h"
#include "api/tenants/routes.h"
#include "base/json.h"
#include "base/long_wait.h"
#include "base/request_failure.h"
#include "base/utf8.h"

namespace maru::api::tenants {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using platform::HomeDatabase;
using platform::SecretInfo;
using platform::Secrets;

struct NewSecretRequest {
  std::string name, value, description;
  static constexpr auto fields() {
    using C = NewSecretRequest;
    return std::tuple{field("name", &C::name, "unlike any other of the workspace"),
                      field("value", &C::value, "at most 64 KiB; told to nobody without the scope \"admin\""),
                      field("description", &C::description, "for people")};
  }
};

struct SecretValueRequest {
  std::string value;
  static constexpr auto fields() {
    return std::tuple{field("value", &SecretValueRequest::value, "in place of the one before")};
  }
};

Reply told(const SecretInfo& secret) { return {http::Response{.body = http::to_line(to_json(secret))}}; }

Reply list(Secrets secrets, const Request& request) {
  const Page page = page_of(request);
  return page_answer(secrets.list(workspace_of(request), page.after, page.limit), page,
                     [](const SecretInfo& secret) { return secret.name; });
}

Reply create(Secrets secrets, const Request& request) {
  const std::string& workspace = workspace_of(request);
  const auto body = http::read_fields<NewSecretRequest>(http::read_object(request.body));
  return told(secrets.create(workspace, body.name, body.value, body.description, actor_of(request).key));
}

Reply rotate(Secrets secrets, const Request& request) {
  const std::string& workspace = workspace_of(request);
  const auto body = http::read_fields<SecretValueRequest>(http::read_object(request.body));
  return told(secrets.rotate(workspace, request.arguments[1], body.value, actor_of(request).key));
}

Reply value(Secrets secrets, const Request& request) {
  const std::string value = secrets.value(workspace_of(request), request.arguments[1], actor_of(request).key);
  return {http::Response{.body = http::to_line({{"name", request.arguments[1]}, {"value", value}}),
                         .headers = {{"Cache-Control", "no-store"}}}};
}

Reply remove(Secrets secrets, const Request& request) {
  secrets.remove(workspace_of(request), request.arguments[1], actor_of(request).key);
  return done("deleted", request.arguments[1]);
}

}  // namespace

void add_secret_routes(http::Router& router, HomeDatabase& home, const fs::path& key_file) {
  const auto add = [&](Method method, const std::string& pattern, auto answer, const char* doc,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = kWorkspace + pattern,
                .handler =
                    [&home, key_file, answer](const Request& request, const http::Wake&) {
                      const LongWait wait(request.waits);  // for others who write
                      return answer(Secrets(home, key_file), request);
                    },
                .scope = "admin",
                .doc = doc,
                .body = body});
  };
  add(Method::kGet, "/secrets", list, "secrets of a workspace, not their values: ?after=, ?limit=");
  add(Method::kPost, "/secrets", create, "keep a secret, sealed", http::body_schema<NewSecretRequest>);
  add(Method::kGet, "/secrets/{name}", value, "its value; that it was read stands in the audit");
  add(Method::kPut, "/secrets/{name}", rotate, "another value in its place", http::body_schema<SecretValueRequest>);
  add(Method::kDelete, "/secrets/{name}", remove, "forget it");
}

}  // namespace maru::api::tenants
