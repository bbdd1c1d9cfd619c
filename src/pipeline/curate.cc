#include "pipeline/curate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalogue/dependencies.h"
#include "ledger/hash_cache.h"
#include "ledger/name.h"

namespace maru::pipeline {
namespace {

// Losing it costs time at the next start, and nothing now.
void save(const ledger::HashCache& cache, const Watch& watch) {
  try {
    cache.save();
  } catch (const Failure& e) {
    watch.warn(std::string("hashes of the input are not remembered: ") + e.what());
  }
}

fs::path tokens_directory(const fs::path& dataset, const fs::path& tokenizer) {
  const std::string name = catalogue::directory_name(tokenizer);
  ledger::check_name(folder_of(Kind::kTokenizer), name).value();
  return dataset / (std::string(catalogue::kTokensPrefix) + name);
}

data::PackOptions options_of(const Workplace& at, const fs::path& tokenizer, const fs::path& output) {
  return {.tokenizer = tokenizer, .output = output, .home = at.home.root(), .watch = at.watch};
}

}  // namespace

data::BuildResult curate(const Workplace& at, const std::string& name, const data::BuildConfig& config, bool force) {
  ledger::HashCache cache(at.home.hash_cache());
  const data::BuildOptions options{.output = at.home.place(Kind::kDataset, name),
                                   .home = at.home.root(),
                                   .identify = {},
                                   .hasher = [&cache](const fs::path& path) { return cache.sha256(path); },
                                   .force = force,
                                   .watch = at.watch};
  data::BuildResult result = data::build_dataset(config, options, at.machine.pool());
  save(cache, at.watch);
  return result;
}

PackedTokens pack(const Workplace& at, const std::string& dataset, const std::string& tokenizer) {
  const fs::path from = at.home.find(Kind::kDataset, dataset), with = at.home.find(Kind::kTokenizer, tokenizer),
                 to = tokens_directory(from, with);
  return {to, data::pack_dataset(from, options_of(at, with, to), at.machine.pool())};
}

namespace {

using PackLines = data::PackResult (*)(const data::ChatPackConfig&, const data::PackOptions&, ThreadPool&);

void keep_used(const catalogue::Home& home, const fs::path& tokens) {
  const std::vector<std::string> users = catalogue::Dependencies(home).dependents_of(tokens);
  if (users.empty()) return;
  throw Failure(ErrorCode::kExists,
                fmt::format("{}: holds tokens of other data or settings, which {} made from; they "
                            "stay. Give the new ones another name (name=), or remove what is of no "
                            "use any more (maru remove)",
                            tokens.string(),
                            users.size() == 1 ? users[0] + " was" : fmt::format("{} were", fmt::join(users, ", "))));
}

PackedTokens pack_lines(const Workplace& at, const std::string& name, const std::string& tokenizer,
                        const data::ChatPackConfig& config, Replaced replaced, PackLines pack) {
  const fs::path dataset = at.home.place(Kind::kDataset, name), with = at.home.find(Kind::kTokenizer, tokenizer),
                 to = tokens_directory(dataset, with);
  data::PackOptions options = options_of(at, with, to);
  if (replaced == Replaced::kUnused) options.before_replacing = [&] { keep_used(at.home, to); };
  return {to, pack(config, options, at.machine.pool())};
}

}  // namespace

PackedTokens pack_chats(const Workplace& at, const std::string& name, const std::string& tokenizer,
                        const data::ChatPackConfig& config, Replaced replaced) {
  return pack_lines(at, name, tokenizer, config, replaced, data::pack_chats);
}

PackedTokens pack_preferences(const Workplace& at, const std::string& name, const std::string& tokenizer,
                              const data::ChatPackConfig& config, Replaced replaced) {
  return pack_lines(at, name, tokenizer, config, replaced, data::pack_preferences);
}

PackedTokens pack_prompts(const Workplace& at, const std::string& name, const std::string& tokenizer,
                          const data::ChatPackConfig& config, Replaced replaced) {
  return pack_lines(at, name, tokenizer, config, replaced, data::pack_prompts);
}

PackedTokens pack_texts(const Workplace& at, const std::string& name, const std::string& tokenizer,
                        const data::ChatPackConfig& config, Replaced replaced) {
  return pack_lines(at, name, tokenizer, config, replaced, data::pack_texts);
}

}  // namespace maru::pipeline
