#include "cli/tenants.h"

#include <spdlog/spdlog.h>

#include "catalogue/layout.h"
#include "ledger/signing_keys.h"
#include "platform/keys.h"
#include "platform/roles.h"

namespace maru::cli {

std::unique_ptr<platform::HomeDatabase> home_database(const Session& session) {
  return std::make_unique<platform::HomeDatabase>(
      session.home / catalogue::kPlatformFolder, [](const std::string& message) { spdlog::error("{}", message); },
      session.home / ledger::kSigningFolder);
}

Principal on_the_command_line() { return platform::local_operator("command line"); }

bool home_has_keys(const Session& session) {
  const auto home = home_database(session);
  return home->if_there() != nullptr && !platform::Keys(*home).list(std::nullopt, "", 1).empty();
}

}  // namespace maru::cli
