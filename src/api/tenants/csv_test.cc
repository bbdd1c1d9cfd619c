#include "api/tenants/csv.h"

#include <gtest/gtest.h>

namespace maru::api::tenants {
namespace {

struct Row {
  std::string name;
  int64_t count = 0;
  double seconds = 0;
  static constexpr auto fields() {
    return std::tuple{field("name", &Row::name, ""), field("count", &Row::count, ""),
                      field("seconds", &Row::seconds, "")};
  }
};

TEST(Csv, CellsAreQuotedWhereTheyMust) {
  EXPECT_EQ("plain 가", csv_cell("plain 가"));
  EXPECT_EQ("\"a,b\"", csv_cell("a,b"));
  EXPECT_EQ("\"say \"\"x\"\"\"", csv_cell("say \"x\""));
  EXPECT_EQ("\"two\nlines\"", csv_cell("two\nlines"));
  EXPECT_EQ("", csv_cell(""));
}

// A key may be called as it likes; whoever opens the table must not run it.
TEST(Csv, NothingIsAFormula) {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"})
    EXPECT_EQ("\"'" + std::string(text) + "\"", csv_cell(text));
}

TEST(Csv, ATableHasItsNamesFirst) {
  EXPECT_EQ("name,count,seconds\r\na,2,0.5\r\n,-1,3.0\r\n", csv<Row>({{"a", 2, 0.5}, {"", -1, 3}}));
  EXPECT_EQ("name,count,seconds\r\n", csv<Row>({}));
}

}  // namespace
}  // namespace maru::api::tenants
