#include "data/report.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace maru::data {
namespace {

TEST(DataReport, WritesReasonsMostFirstAndOnlyWhatThereIs) {
  DataReport report;
  report.passed(Step::kRead, 10, 9);
  report.dropped(Step::kRead, 5, "broken", {"a", "text", ""});
  for (const char* source : {"b", "c"}) report.dropped(Step::kRead, 5, "same", {source, "text", "a"});
  report.changed(Step::kNormalise, "spaces", 2);
  report.kept("ko", "train", 9);
  const Json json = to_json(report.contents()), &read = json["steps"][0];
  EXPECT_EQ(R"({"name":"read","documents_in":4,"documents_out":1,"bytes_in":25,"bytes_out":9,"reasons":[)"
            R"({"reason":"same","documents":2,"samples":[{"source":"b","text":"text","duplicate_of":"a"},)"
            R"({"source":"c","text":"text","duplicate_of":"a"}]},)"
            R"({"reason":"broken","documents":1,"samples":[{"source":"a","text":"text"}]}],"changes":{}})",
            read.dump());
  EXPECT_EQ(R"({"spaces":2})", json["steps"][2]["changes"].dump());
  EXPECT_EQ(R"([{"language":"ko","documents":1,"bytes":9}])", json["languages"].dump());
  EXPECT_EQ(R"([{"name":"train","documents":1,"bytes":9}])", json["splits"].dump());
  report.unknown_format(".pdf");
  EXPECT_EQ(1, to_json(report.contents())["steps"][0]["unknown_formats"][".pdf"]);
  EXPECT_THAT(report_table(to_json(report.contents())), testing::HasSubstr("not read .pdf"));
}

}  // namespace
}  // namespace maru::data
