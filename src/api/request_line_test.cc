#include "api/request_line.h"

#include <gtest/gtest.h>

#include <mutex>

#include "api/test_server.h"

namespace maru::api {
namespace {

TEST(RequestLine, IsOneLineOfJson) {
  const Json line = parse_json(request_line({.method = http::Method::kPost,
                                             .route = "/v1/x",
                                             .status = 200,
                                             .seconds = 0.5,
                                             .request_id = "a\"b\nc",
                                             .key = "key ci",
                                             .peer = "10.0.0.1"}),
                               "line")
                        .value();
  EXPECT_EQ("POST", line["method"]);
  EXPECT_EQ("/v1/x", line["route"]);
  EXPECT_EQ("a\"b\nc", line["request_id"]);
  EXPECT_EQ("key ci", line["key"]);
  EXPECT_EQ(0.5, line["seconds"]);
  EXPECT_EQ(24u, line["time"].get<std::string>().size()) << line["time"];
  EXPECT_EQ(std::string::npos, request_line({.request_id = "a\nb"}).find('\n'));
}

class RequestLogTest : public ServeTest {};

TEST_F(RequestLogTest, SaysWhoAskedAndNotWhat) {
  std::mutex mutex;
  std::vector<std::string> lines;
  context_.api_keys = {"plain-secret"};
  context_.log = [&](const std::string& line) {
    std::lock_guard lock(mutex);
    lines.push_back(line);
  };
  const auto count = [&] {
    std::lock_guard lock(mutex);
    return lines.size();
  };
  const Got got =
      post("/v1/chat/completions", chat(R"(,"user":"classified")"), "Authorization: Bearer plain-secret\r\n");
  ASSERT_EQ(200, got.status) << got.body;
  get("/none/classified?classified=1", "Authorization: Bearer classified\r\n");
  post("/v1/chat/completions", R"({"classified": 1)", "Authorization: Bearer plain-secret\r\n");
  ASSERT_TRUE(http::eventually([&] { return count() == 3; }));
  server_.reset();
  const auto with_status = [&](const std::string& status) {  // they end on their own connections, in any order
    for (const std::string& line : lines)
      if (line.find("\"status\":" + status) != std::string::npos) return parse_json(line, "line").value();
    ADD_FAILURE() << "none with " << status;
    return Json();
  };
  const Json line = with_status("200");
  EXPECT_EQ("key #1", line["key"]);
  EXPECT_EQ(got.json["id"], line["request_id"]);
  EXPECT_EQ("/v1/chat/completions", line["route"]);
  EXPECT_EQ(200, line["status"]);
  EXPECT_FALSE(with_status("404").contains("route"));
  EXPECT_EQ("key #1", with_status("400")["key"]);
  for (const std::string& said : lines) {
    for (const char* secret : {"classified", "plain-secret", "hi\""})
      EXPECT_EQ(std::string::npos, said.find(secret)) << said;
  }
}

}  // namespace
}  // namespace maru::api
