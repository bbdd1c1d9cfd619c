#include "cli/session.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/fields.h"
#include "base/interrupt.h"

namespace maru::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

fs::path default_home() {
  if (const std::string home = environment("MARU_HOME"); !home.empty()) return fs::absolute(home);
  if (const fs::path data = environment("XDG_DATA_HOME"); data.is_absolute()) return data / "maru";
  if (const fs::path home = environment("HOME"); home.is_absolute()) return home / ".local/share/maru";
  return {};
}

fs::path from_shell(const std::string& word) {
  const fs::path home = environment("HOME");
  return word.starts_with("~/") && home.is_absolute() && !fs::exists(word) ? home / word.substr(2) : fs::path(word);
}

pipeline::Machine& Session::machine() {
  if (!machine_) machine_ = std::make_unique<pipeline::Machine>(threads, isa == "auto" ? environment("MARU_ISA") : isa);
  return *machine_;
}

pipeline::Workplace Session::workplace() {
  if (!terminal_) terminal_ = std::make_unique<Terminal>(quiet);
  return {catalogue(), machine(), {.sink = terminal_.get(), .cancel = &interrupt_token()}};
}

void Session::answer(const Json& machine_readable, const std::string& human) const {
  const std::string text = json ? machine_readable.dump() : human;
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

Json read_recipe(const std::string& file, const std::vector<std::string>& overrides) {
  Json recipe = file.empty() ? Json::object() : read_yaml(file);
  if (!recipe.is_object() && !recipe.is_null())
    throw Failure(ErrorCode::kInvalidArgument, file + ": expected key: value lines");
  apply_overrides(recipe, overrides);
  return recipe;
}

}  // namespace maru::cli
