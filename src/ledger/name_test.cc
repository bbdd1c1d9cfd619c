#include "ledger/name.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "ledger/test_names.h"

namespace maru::ledger {
namespace {

using testing::HasSubstr;
TEST(Name, TheTable) {
  for (const NameCase& c : name_cases()) {
    const Outcome outcome = check_name("models", c.name);
    EXPECT_EQ(c.why == nullptr, outcome.ok())
        << Json(c.name.substr(0, 40)).dump(-1, ' ', true, Json::error_handler_t::replace);
    if (outcome.ok() || c.why == nullptr) continue;
    EXPECT_EQ(ErrorCode::kInvalidArgument, outcome.error().code);
    EXPECT_THAT(outcome.error().message, HasSubstr("models: "));
    EXPECT_THAT(outcome.error().message, HasSubstr(c.why));
    EXPECT_LT(outcome.error().message.size(), 700u);
    for (const char character : outcome.error().message)
      EXPECT_TRUE(static_cast<unsigned char>(character) >= 0x20 && character != 0x7f) << "shown on a terminal";
  }
}

}  // namespace
}  // namespace maru::ledger
