#include "ledger/code_version.h"

#include "code_version_generated.h"

namespace maru::ledger {

std::string_view code_version() { return MARU_CODE_VERSION; }

}  // namespace maru::ledger
