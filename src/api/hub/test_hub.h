// For tests: a store of files and the routes over it, without a connection.
#pragma once
#include <gmock/gmock.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "api/hub/error.h"
#include "api/hub/routes.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "http/auth.h"
#include "http/test_request.h"

namespace maru::api::hub {

class HubTest : public testing::Test {
 protected:
  explicit HubTest(std::unique_ptr<const Authenticator> keys = std::make_unique<http::ApiKeys>())
      : router_(std::move(keys), {}, {}, kDialect) {
    add_routes(router_, store_, 256 << 20);
  }
  ~HubTest() override { fs::remove_all(root_); }

  http::Response send(http::Method method, const std::string& target, std::string body = "",
                      http::Headers headers = {}) {
    http::Request request;
    http::parse_target(target, request).value();
    request.method = method;
    request.authority = "maru.lan";
    request.headers = std::move(headers);
    request.body = std::move(body);
    return http::dispatch(router_, std::move(request));
  }
  http::Response get(const std::string& target) { return send(http::Method::kGet, "/v1/hf" + target); }
  http::Response post(const std::string& target, const Json& body) {
    return send(http::Method::kPost, "/v1/hf" + target, body.dump());
  }
  Json json(const std::string& target) { return http::json_of(get(target)); }

  void create(const std::string& name = "talks", const std::string& type = "dataset") {
    EXPECT_EQ(200, post("/api/repos/create", {{"name", name}, {"organization", "team"}, {"type", type}}).status);
  }
  static std::string line(const std::string& key, Json value) {
    return Json{{"key", key}, {"value", std::move(value)}}.dump() + "\n";
  }
  static std::string header(const std::string& summary = "s") {
    return line("header", {{"summary", summary}, {"description", ""}});
  }
  static std::string file(const std::string& path, std::string_view bytes) {
    return line("file", {{"content", to_base64(bytes)}, {"path", path}, {"encoding", "base64"}});
  }
  http::Response commit(const std::string& lines, const std::string& target = "/api/datasets/team/talks/commit/main") {
    return send(http::Method::kPost, "/v1/hf" + target, lines, {{"content-type", "application/x-ndjson"}});
  }
  /// The hash of a commit that is made.
  std::string committed(const std::string& lines) {
    const http::Response response = commit(lines);
    EXPECT_EQ(200, response.status) << response.body;
    return http::json_of(response).value("commitOid", "");
  }
  std::string head() { return json("/api/datasets/team/talks").value("sha", ""); }
  static std::string header_of(const http::Response& response, std::string_view name) {
    return std::string(http::find_header(response.headers, name));
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_hub_" + std::to_string(::getpid()));
  platform::HomeDatabase home_{root_};
  platform::FileStore store_{home_};
  http::Router router_;
};

}  // namespace maru::api::hub
