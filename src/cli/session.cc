#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/fields.h"
#include "base/isa.h"
#include "kernels/ceiling/ceiling.h"
#include "ledger/manifest.h"

namespace maru::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  if (!fs::is_directory(directory)) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (fs::exists(entry.path() / ledger::kManifestName)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
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

ThreadPool& Session::pool() {
  if (!pool_) pool_ = std::make_unique<ThreadPool>(threads);
  return *pool_;
}

Stream& Session::stream() {
  const std::string wanted = isa == "auto" ? environment("MARU_ISA") : isa;
  if (!stream_) stream_ = std::make_unique<Stream>(CpuStream{&pool(), parse_isa(wanted)});
  return *stream_;
}

std::string Session::machine() {
  const Isa chosen = std::visit([](const CpuStream& s) { return s.isa; }, stream());
  return fmt::format("{}, {} thread{}", name_of(chosen), pool().size(), pool().size() == 1 ? "" : "s");
}

double Session::ceiling_flops(Dtype dtype) {
  return std::visit(
      [&](CpuStream& s) {
        return dtype == Dtype::kBf16 ? kernels::measure_flops<bfloat16>(s) : kernels::measure_flops<float>(s);
      },
      stream());
}

void Session::answer(const Json& machine_readable, const std::string& human) const {
  const std::string text = json ? machine_readable.dump() : human;
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

fs::path Session::find(const std::string& kind, const std::string& name_or_path) const {
  if (fs::exists(home / kind / name_or_path / ledger::kManifestName)) return home / kind / name_or_path;
  if (kind == "tokenizers" && fs::exists(home / "models" / name_or_path / ledger::kManifestName))
    return home / "models" / name_or_path;  // a model carries its tokenizer
  if (fs::exists(name_or_path)) return fs::absolute(name_or_path).lexically_normal();
  const std::vector<std::string> known = names_in(home / kind);
  throw Failure(ErrorCode::kNotFound,
                fmt::format("{}: \"{}\" is neither a path nor one of: {}", kind, name_or_path,
                            known.empty() ? "(none yet)" : fmt::format("{}", fmt::join(known, ", "))));
}

Json read_recipe(const std::string& file, const std::vector<std::string>& overrides) {
  Json recipe = file.empty() ? Json::object() : read_yaml(file);
  if (!recipe.is_object() && !recipe.is_null())
    throw Failure(ErrorCode::kInvalidArgument, file + ": expected key: value lines");
  apply_overrides(recipe, overrides);
  return recipe;
}

}  // namespace maru::cli
