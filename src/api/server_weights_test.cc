// What a server says when a file of its model changes under it.
#include <gmock/gmock.h>

#include "api/server.h"
#include "api/test_server.h"
#include "base/file.h"
#include "base/json.h"
#include "http/test_client.h"

namespace maru::api {
namespace {

using testing::HasSubstr;

class ServeWeights : public testing::Test {
 protected:
  const fs::path file_ = fs::temp_directory_path() / ("maru_serve_weights_" + std::to_string(::getpid()));
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  infer::FakeModel model_;
  MappedFile weights_;
  std::unique_ptr<ApiServer> server_;

  void SetUp() override {
    model_.only_letters = true;
    write_file(file_, std::string(100'000, 'w'));
    fs::last_write_time(file_, fs::file_time_type::clock::now() - std::chrono::hours(1));
    weights_ = MappedFile(file_);
    weights_.count_in();
    server_ = std::make_unique<ApiServer>(
        ServeConfig{.http = {.port = 0}}, ServeContext{},
        [this](serving::ModelHost& host) { host.add(fake_parts(model_, tokenizer_, nullptr)); });
  }
  void TearDown() override { fs::remove(file_); }

  std::string get(const std::string& path) {
    http::TestClient client(server_->port());
    client.get(path);
    return client.read_response();
  }
  std::string complete() {
    http::TestClient client(server_->port());
    client.post("/v1/completions", R"({"model":"tiny","prompt":"a","max_tokens":4})");
    return client.read_response();
  }
};

TEST_F(ServeWeights, TruncationMakesItUnready) {
  EXPECT_THAT(get("/v1/health/ready"), HasSubstr("\"ready\":true"));
  EXPECT_THAT(complete(), testing::StartsWith("HTTP/1.1 200"));
  const auto time = fs::last_write_time(file_);
  fs::resize_file(file_, 10);
  EXPECT_EQ('\0', weights_.text()[99'999]);
  const std::string ready = get("/v1/health/ready"), answer = complete();
  EXPECT_THAT(ready, testing::StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(ready, HasSubstr("\"ready\":false"));
  EXPECT_THAT(ready, HasSubstr(file_.filename().string() + ": was cut short"));
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"data_loss\""));
  EXPECT_THAT(get("/v1/health/live"), testing::StartsWith("HTTP/1.1 200"));
  fs::resize_file(file_, 100'000);
  fs::last_write_time(file_, time);
  EXPECT_THAT(get("/v1/health/ready"), HasSubstr("\"ready\":false")) << "what was lost stays lost";
}

TEST_F(ServeWeights, WritingInPlaceMakesItUnreadyUntilItIsUndone) {
  const auto time = fs::last_write_time(file_);
  fs::last_write_time(file_, time + std::chrono::seconds(1));
  EXPECT_THAT(get("/v1/health/ready"), HasSubstr("was written to"));
  EXPECT_THAT(complete(), HasSubstr("\"code\":\"data_loss\""));
  fs::last_write_time(file_, time);
  EXPECT_THAT(get("/v1/health/ready"), HasSubstr("\"ready\":true"));
  EXPECT_THAT(complete(), testing::StartsWith("HTTP/1.1 200"));
}

TEST_F(ServeWeights, AnUnknownFieldIsEchoedOnceAndCut) {
  const std::string name(1 << 20, 'x');
  http::TestClient client(server_->port());
  client.post("/v1/completions", R"({"model":"tiny","prompt":"a",")" + name + R"(":1})");
  const std::string got = client.read_response();
  EXPECT_THAT(got, testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("xxxx… (1048576 bytes)"));
  EXPECT_LT(got.size(), 1000);
  const Json error = parse_json(got.substr(got.find("\r\n\r\n") + 4), "answer").value()["error"];
  for (const char* field : {"message", "param"}) {
    const std::string text = error[field];
    EXPECT_THAT(text, HasSubstr("xxxx… (1048576 bytes)"));
    EXPECT_EQ(text.find("…"), text.rfind("…")) << field << " holds it once: " << text;
  }
}

TEST_F(ServeWeights, ManyValuesInABodyAreRefusedByTheirNumber) {
  std::string body = R"({"model":"tiny","prompt":"a","stop":[)";
  for (int i = 0; i < 250'000; ++i) body += "{},";
  http::TestClient client(server_->port());
  client.post("/v1/completions", body + "{}]}");
  const std::string got = client.read_response();
  EXPECT_THAT(got, testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(got, HasSubstr("holds more than 200000 values"));
}

}  // namespace
}  // namespace maru::api
