// Which code made an artefact.
#pragma once
#include <string_view>

namespace maru::ledger {

/// "0.1.0+1a2b3c4d5e6f", with "-dirty" behind it when the checkout had changes, or "0.1.0" outside a git checkout.
std::string_view code_version();

}  // namespace maru::ledger
