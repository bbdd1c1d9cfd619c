#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/fields.h"
#include "base/isa.h"
#include "base/temporary.h"
#include "kernels/ceiling/ceiling.h"
#include "ledger/manifest.h"
#include "ledger/name.h"
#include "text/unicode/unicode_form.h"

namespace maru::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<fs::path> folders_in(const fs::path& directory) {
  std::vector<fs::path> folders;
  std::error_code error;  // a home that cannot be read says so where it is used
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error) && !is_temporary(it->path().filename().string())) folders.push_back(it->path());
  std::sort(folders.begin(), folders.end());
  return folders;
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

fs::path Session::place(const std::string& kind, const std::string& name) const {
  ledger::check_name(kind, name).value();
  const bool ascii = std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; });
  std::string storage;
  if (!ascii)
    if (const std::string_view composed = text::UnicodeForm(text::NormalizationForm::kNfc).apply(name, storage);
        composed != name)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("{}: \"{}\" is spelled with combining characters, expected Unicode's composed form "
                                "(NFC), {} bytes in place of {}",
                                kind, name, composed.size(), name.size()));
  return home / kind / name;
}

std::vector<std::string> Session::names(const std::string& kind) const {
  std::vector<std::string> names;
  for (const fs::path& folder : folders_in(home / kind))
    if (fs::exists(folder / ledger::kManifestName)) names.push_back(folder.filename().string());
  return names;
}

void Session::remove_leftovers() const {
  for (const char* kind : {"adapters", "cache", "datasets", "models", "runs", "tokenizers"}) {
    maru::remove_leftovers(home / kind);
    for (const fs::path& folder : folders_in(home / kind)) maru::remove_leftovers(folder);
  }
  for (const fs::path& run : folders_in(home / "runs")) maru::remove_leftovers(run / "checkpoints");
}

fs::path Session::find(const std::string& kind, const std::string& name_or_path) const {
  if (fs::exists(home / kind / name_or_path / ledger::kManifestName)) return home / kind / name_or_path;
  if (kind == "tokenizers" && fs::exists(home / "models" / name_or_path / ledger::kManifestName))
    return home / "models" / name_or_path;  // a model carries its tokenizer
  if (fs::exists(name_or_path)) return fs::absolute(name_or_path).lexically_normal();
  const std::vector<std::string> known = names(kind);
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
