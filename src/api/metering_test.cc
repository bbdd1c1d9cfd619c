// What a server records of its requests, and what quotas refuse.
#include <gmock/gmock.h>
#include <unistd.h>

#include "api/test_server.h"
#include "platform/keys.h"
#include "platform/quotas.h"
#include "platform/usage.h"
#include "platform/workspaces.h"

namespace maru::api {
namespace {

using testing::HasSubstr;

class MeteringTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    fs::remove_all(root_);
    context_.home = root_;
    for (const char* name : {"a", "b"}) {
      platform::Workspaces(home_).create(name, "", "me");
      keys_[name] = platform::Keys(home_).create(name, {.name = "k"}, operator_).key;
    }
    platform::Workspaces(home_).create_project("a", "p", "", "me");
    keys_["p"] = platform::Keys(home_).create("a", {.name = "of-p", .project = "p"}, operator_).key;
  }
  void TearDown() override {
    server_.reset();
    fs::remove_all(root_);
  }
  Got ask(const std::string& who, std::string_view more = "") {
    return post("/v1/chat/completions", chat(more), "Authorization: Bearer " + keys_[who] + "\r\n");
  }
  std::vector<platform::UsageRecord> records(size_t expected) {
    std::vector<platform::UsageRecord> all;
    EXPECT_TRUE(http::eventually([&] {
      all = home_.read([](platform::Connection& c) { return platform::usage_records(c, {}); });
      return all.size() == expected;
    })) << all.size();
    return all;
  }
  void limit(const std::string& workspace, const std::string& project, const platform::Quota& quota) {
    platform::Quotas(home_).set(workspace, project, quota, "me");
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_api_metering_" + std::to_string(::getpid()));
  platform::HomeDatabase home_{root_ / "platform"};
  const Principal operator_ = platform::local_operator("me");
  std::map<std::string, std::string> keys_;
};

TEST_F(MeteringTest, RecordsAddUpToWhatTheEngineCounted) {
  int64_t input = 0, output = 0;
  for (int i = 0; i < 4; ++i)
    for (const char* who : {"a", "b", "p"}) {
      const Got got = ask(who, i >= 2 ? R"(,"n":2,"temperature":1)" : "");
      ASSERT_EQ(200, got.status) << got.body;
      input += got.json["usage"]["prompt_tokens"].get<int64_t>();
      output += got.json["usage"]["completion_tokens"].get<int64_t>();
      if (i != 1 || who != std::string("p")) continue;
      int64_t cached = 0;
      for (const platform::UsageRecord& record : records(6)) cached += record.cached_tokens;
      EXPECT_EQ(server_->models().stats().reused_tokens, cached) << "further choices reuse the prompt of the first";
      EXPECT_GT(cached, 0);
    }
  EXPECT_EQ(200, post("/v1/messages", R"({"model":"tiny","max_tokens":3,"messages":[{"role":"user","content":"hi"}]})",
                      "x-api-key: " + keys_["b"] + "\r\n")
                     .status);
  EXPECT_EQ(400, ask("a", R"(,"n":100)").status) << "what is refused is not recorded";
  int64_t of_records_input = 0, of_records_output = 0;
  for (const platform::UsageRecord& record : records(13)) {
    of_records_input += record.input_tokens;
    of_records_output += record.output_tokens;
    EXPECT_EQ("tiny", record.model);
    EXPECT_EQ(record.key == "key a/of-p" ? "p" : "", record.project);
    EXPECT_GT(record.compute_seconds, 0);
    EXPECT_GE(record.queue_seconds, 0);
  }
  const infer::EngineStats stats = server_->models().stats();
  EXPECT_EQ(stats.prompt_tokens, of_records_input);
  EXPECT_EQ(stats.generated_tokens, of_records_output);
  EXPECT_GT(of_records_input, input) << "the one in another dialect, too";
  EXPECT_GT(of_records_output, output);
}

TEST_F(MeteringTest, WhoLeavesPaysForWhatWasSent) {
  {
    http::TestClient client(port());
    client.post("/v1/chat/completions",
                R"({"model":"tiny","stream":true,"max_tokens":400,"messages":[{"role":"user","content":"hi"}]})",
                "Authorization: Bearer " + keys_["a"] + "\r\n");
    client.read_until("data: {");
  }
  EXPECT_TRUE(free_again());
  const platform::UsageRecord record = records(1).at(0);
  EXPECT_GT(record.input_tokens, 0);
  EXPECT_LE(record.output_tokens, 400);
}

TEST_F(MeteringTest, QuotasAreOfAllKeysTogether) {
  limit("a", "", {.requests_per_minute = 2});
  EXPECT_EQ(200, ask("a").status);
  EXPECT_EQ(200, ask("p").status);
  const Got refused = ask("a");
  EXPECT_EQ(429, refused.status);
  EXPECT_THAT(refused.body, HasSubstr("your workspace may use 2 requests per minute (requests_per_minute)"));
  EXPECT_THAT(refused.head, HasSubstr("Retry-After: "));
  EXPECT_EQ(200, ask("b").status);
}

TEST_F(MeteringTest, TokensOfADayAreRefusedByName) {
  limit("a", "p", {.tokens_per_day = 60});
  EXPECT_EQ(200, ask("p").status);
  Got got;
  for (int i = 0; i < 10; ++i)
    if (got = ask("p"); got.status != 200) break;
  EXPECT_EQ(429, got.status);
  EXPECT_THAT(got.body, HasSubstr("tokens_per_day"));
  EXPECT_THAT(got.head, HasSubstr("Retry-After: "));
  EXPECT_EQ(200, ask("a").status) << "another project of the workspace";
}

TEST_F(MeteringTest, ChoicesAtOnceAreOfAllKeysTogether) {
  limit("a", "", {.parallel_choices = 1});
  EXPECT_EQ(400, ask("a", R"(,"n":2)").status);
  EXPECT_EQ(200, ask("a").status);
  EXPECT_EQ(200, ask("b", R"(,"n":2)").status);
}

}  // namespace
}  // namespace maru::api
