#include "platform/keys.h"

#include "api/tenants/answers.h"
#include "api/tenants/routes.h"
#include "base/json.h"
#include "base/long_wait.h"

namespace maru::api::tenants {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using platform::HomeDatabase;
using platform::HomeKeys;
using platform::KeyInfo;
using platform::Keys;
using platform::MadeKey;
using platform::NewKey;

struct RotateKeyRequest {
  int64_t overlap_seconds = 86400;
  static constexpr auto fields() {
    return std::tuple{field("overlap_seconds", &RotateKeyRequest::overlap_seconds,
                            "for which the old key is known yet; 0: it goes at once")
                          .range(0, 365 * 86400)};
  }
};

/// The only answer that holds a key: nobody on the way is to keep it.
Reply made(const MadeKey& key) {
  Json answer = to_json(key.info);
  answer["key"] = key.key;
  return {http::Response{.body = http::to_line(answer), .headers = {{"Cache-Control", "no-store"}}}};
}

Reply list(Keys keys, const Request& request) {
  const Page page = page_of(request);
  return page_answer(keys.list(workspace_of(request), page.after, page.limit), page,
                     [](const KeyInfo& key) { return key.id; });
}

Reply create(Keys keys, const Request& request) {
  const std::string& workspace = workspace_of(request);
  return made(keys.create(workspace, http::read_fields<NewKey>(http::read_object(request.body)), actor_of(request)));
}

Reply rotate(Keys keys, const Request& request) {
  const std::string& workspace = workspace_of(request);
  RotateKeyRequest wanted;
  if (!request.body.empty()) wanted = http::read_fields<RotateKeyRequest>(http::read_object(request.body));
  return made(
      keys.rotate(workspace, request.arguments[1], std::chrono::seconds(wanted.overlap_seconds), actor_of(request)));
}

Reply revoke(Keys keys, const Request& request) {
  keys.revoke(workspace_of(request), request.arguments[1], actor_of(request));
  return done("revoked", request.arguments[1]);
}

}  // namespace

void add_key_routes(http::Router& router, HomeDatabase& home, HomeKeys& known) {
  const auto add = [&](Method method, const std::string& pattern, auto answer, const char* doc,
                       Json (*body)(Schemas&) = nullptr) {
    router.add({.method = method,
                .pattern = kWorkspace + pattern,
                .handler =
                    [&home, &known, method, answer](const Request& request, const http::Wake&) {
                      const LongWait wait(request.waits);  // for others who write
                      Reply reply = answer(Keys(home), request);
                      if (method != Method::kGet) known.renew();  // it holds as soon as it is answered
                      return reply;
                    },
                .scope = "admin",
                .doc = doc,
                .body = body});
  };
  add(Method::kGet, "/keys", list, "keys of a workspace, not their values: ?after=, ?limit=");
  add(Method::kPost, "/keys", create, "make a key; it is told this once", http::body_schema<NewKey>);
  add(Method::kPost, "/keys/{name}/rotate", rotate,
      "a new key of the same rights; the old one is known for a while yet", http::body_schema<RotateKeyRequest>);
  add(Method::kDelete, "/keys/{name}", revoke, "a key is known no more");
}

}  // namespace maru::api::tenants
