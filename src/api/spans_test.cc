#include "api/spans.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace maru::api {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

class SpansTest : public testing::Test {
 protected:
  const Clock::time_point now_ = Clock::now();
  const std::chrono::system_clock::time_point wall_{seconds(1'700'000'000)};
  std::shared_ptr<RequestRecord> record_ = std::make_shared<RequestRecord>("");
  http::Exchange exchange() const {
    return {.method = http::Method::kPost,
            .route = "/v1/chat/completions",
            .status = 200,
            .seconds = 10,
            .request_id = "chatcmpl-1",
            .record = record_};
  }
  std::vector<Span> spans() const { return spans_of(exchange(), now_, wall_); }
  static Json attribute(const Span& span, const std::string& key) {
    const auto it = std::find_if(span.attributes.begin(), span.attributes.end(),
                                 [&](const auto& attribute) { return attribute.first == key; });
    return it == span.attributes.end() ? Json() : it->second;
  }
};

TEST_F(SpansTest, TellWhatTookHowLong) {
  record_->note([&](RequestRecord::Notes& notes) {
    notes.model = "tiny";
    notes.prompt_tokens = 7;
    notes.choices = 1;
    notes.generated_tokens = 3;
    notes.reused_tokens = 2;
    notes.finish_reasons = {"stop"};
    notes.submitted = now_ - seconds(9);
    notes.started = now_ - seconds(8);
    notes.first_token = now_ - seconds(5);
    notes.ended = now_ - seconds(1);
  });
  const std::vector<Span> all = spans();
  ASSERT_EQ(4u, all.size());
  const Span& server = all[0];
  EXPECT_EQ("POST /v1/chat/completions", server.name);
  EXPECT_EQ(Span::Kind::kServer, server.kind);
  EXPECT_EQ("", server.parent_id);
  EXPECT_EQ(1'699'999'990'000'000'000, server.begin_ns);
  EXPECT_EQ(1'700'000'000'000'000'000, server.end_ns);
  EXPECT_EQ("chat", attribute(server, "gen_ai.operation.name"));
  EXPECT_EQ("tiny", attribute(server, "gen_ai.request.model"));
  EXPECT_EQ(7, attribute(server, "gen_ai.usage.input_tokens"));
  EXPECT_EQ(3, attribute(server, "gen_ai.usage.output_tokens"));
  EXPECT_EQ(Json{"stop"}, attribute(server, "gen_ai.response.finish_reasons"));
  EXPECT_EQ("chatcmpl-1", attribute(server, "gen_ai.response.id"));
  EXPECT_TRUE(attribute(server, "error.type").is_null());
  const std::pair<const char*, int64_t> parts[] = {{"queue", 1}, {"prefill", 3}, {"decode", 4}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parts[i].first, all[i + 1].name);
    EXPECT_EQ(parts[i].second * 1'000'000'000, all[i + 1].end_ns - all[i + 1].begin_ns);
    EXPECT_EQ(server.span_id, all[i + 1].parent_id);
    EXPECT_EQ(server.trace_id, all[i + 1].trace_id);
    EXPECT_NE(server.span_id, all[i + 1].span_id);
  }
  EXPECT_NE(server.trace_id, spans()[0].trace_id);
}

TEST_F(SpansTest, OfVectorsTellWhatWentIn) {
  record_->note([](RequestRecord::Notes& notes) { notes.model = "bge", notes.prompt_tokens = 12; });
  http::Exchange embedding = exchange();
  embedding.route = "/v1/embeddings";
  const Span span = spans_of(embedding, now_, wall_).at(0);
  EXPECT_EQ("embeddings", attribute(span, "gen_ai.operation.name"));
  EXPECT_EQ(12, attribute(span, "gen_ai.usage.input_tokens"));
  EXPECT_TRUE(attribute(span, "gen_ai.usage.output_tokens").is_null());
}

TEST_F(SpansTest, OfARefusalAreTheServersAlone) {
  http::Exchange refused = exchange();
  refused.status = 503;
  const std::vector<Span> all = spans_of(refused, now_, wall_);
  ASSERT_EQ(1u, all.size());
  EXPECT_TRUE(all[0].failed);
  EXPECT_EQ("503", attribute(all[0], "error.type"));
  EXPECT_TRUE(attribute(all[0], "gen_ai.request.model").is_null());
  refused.status = 429;
  EXPECT_FALSE(spans_of(refused, now_, wall_)[0].failed) << "the client's own doing";
}

TEST_F(SpansTest, GoOnWithTheClientsTrace) {
  record_ = std::make_shared<RequestRecord>("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ("0af7651916cd43dd8448eb211c80319c", spans()[0].trace_id);
  EXPECT_EQ("b7ad6b7169203331", spans()[0].parent_id);
  record_ = std::make_shared<RequestRecord>("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  EXPECT_TRUE(spans().empty()) << "it is not sampled";
  record_ = std::make_shared<RequestRecord>("nonsense");
  EXPECT_EQ("", spans()[0].parent_id);
  record_ = nullptr;
  EXPECT_TRUE(spans().empty());
}

}  // namespace
}  // namespace maru::api
