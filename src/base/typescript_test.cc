#include "base/typescript.h"

#include <gtest/gtest.h>

#include "base/schema.h"

namespace maru {
namespace {

struct Part {
  double size = 0;
  static constexpr auto fields() { return std::tuple{field("size", &Part::size, "in metres")}; }
};

struct Whole {
  std::string state;
  std::optional<int64_t> count, noted;
  std::vector<Part> parts;
  std::vector<std::optional<bool>> known;
  std::map<std::string, Part> named;
  std::optional<Part> best;
  Json notes;
  static constexpr auto fields() {
    return std::tuple{field("state", &Whole::state, "how it is").one_of("whole|broken"),
                      field("count", &Whole::count, ""),
                      field("noted", &Whole::noted, "").unless_empty(),
                      field("parts", &Whole::parts, ""),
                      field("known", &Whole::known, ""),
                      field("named", &Whole::named, ""),
                      field("best", &Whole::best, ""),
                      field("notes", &Whole::notes, "")};
  }
};

TEST(TypeScript, HasAnInterfaceForEachStruct) {
  Schemas schemas("#/$defs/");
  schemas.add<Whole>(Way::kWritten);
  EXPECT_EQ(R"(export interface Part {
  /** in metres */
  size: number;
}

export interface Whole {
  /** how it is */
  state: "whole" | "broken";
  count: number | null;
  noted?: number;
  parts: Part[];
  known: (boolean | null)[];
  named: Record<string, Part>;
  best: Part | null;
  notes: unknown;
}
)",
            typescript(schemas.all()));
}

}  // namespace
}  // namespace maru
