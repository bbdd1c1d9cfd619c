#include "api/otlp.h"

#include <gtest/gtest.h>

namespace maru::api {
namespace {

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, IsReadAsW3cHasIt) {
  const auto context = parse_traceparent(kParent);
  ASSERT_TRUE(context);
  EXPECT_EQ("0af7651916cd43dd8448eb211c80319c", context->trace_id);
  EXPECT_EQ("b7ad6b7169203331", context->span_id);
  EXPECT_TRUE(context->sampled);
  EXPECT_FALSE(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->sampled);
  EXPECT_TRUE(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0b")->sampled);
  EXPECT_TRUE(parse_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings"));
}

TEST(Traceparent, ThatIsNoneIsNone) {
  for (const char* bad : {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                          "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
                          "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01"})
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
}

TEST(Otlp, IsJsonOfProtobuf) {
  const Span root{.trace_id = "0af7651916cd43dd8448eb211c80319c",
                  .span_id = "b7ad6b7169203331",
                  .name = "POST /x",
                  .kind = Span::Kind::kServer,
                  .begin_ns = 1'700'000'000'000'000'001,
                  .end_ns = 1'700'000'000'000'000'002,
                  .attributes = {{"a", "text"}, {"b", 7}, {"c", 0.5}, {"d", Json{"x", "y"}}},
                  .failed = true};
  Span part = root;
  part.parent_id = root.span_id;
  part.attributes.clear();
  part.failed = false;
  const Json body = export_request({root, part}, "1.2");
  const Json& spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"];
  EXPECT_EQ(parse_json(R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"POST /x",
      "kind":2,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000002",
      "attributes":[{"key":"a","value":{"stringValue":"text"}},{"key":"b","value":{"intValue":"7"}},
                    {"key":"c","value":{"doubleValue":0.5}},
                    {"key":"d","value":{"arrayValue":{"values":[{"stringValue":"x"},{"stringValue":"y"}]}}}],
      "status":{"code":2}})",
                       "expected")
                .value(),
            spans[0]);
  EXPECT_EQ("b7ad6b7169203331", spans[1]["parentSpanId"]);
  EXPECT_FALSE(spans[1].contains("status"));
  EXPECT_EQ("service.name", body["resourceSpans"][0]["resource"]["attributes"][0]["key"]);
}

}  // namespace
}  // namespace maru::api
