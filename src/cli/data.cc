// maru data: curation and packing.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/progress.h"
#include "cli/foreign.h"
#include "cli/stages.h"
#include "cli/verbs.h"
#include "ledger/hash_cache.h"
#include "ledger/name.h"

namespace maru::cli {
namespace {

std::string text_of(const data::BuildResult& result, const std::string& name) {
  const Json& r = result.report;
  return fmt::format("data         {}: {} of {} documents kept, {} of {}{}", name, r["documents_out"].get<int64_t>(),
                     r["documents_in"].get<int64_t>(), short_bytes(r["bytes_out"].get<double>()),
                     short_bytes(r["bytes_in"].get<double>()), result.skipped ? " (unchanged)" : "");
}

void add_build(CLI::App* data, Session& session) {
  CLI::App* verb =
      data->add_subcommand("build", "curate files into a dataset: extract, clean, filter, deduplicate, redact, split");
  struct Options {
    RecipeArguments recipe;
    std::string name = "data";
    std::vector<std::string> inputs;
    bool force = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--name", options->name, "of the dataset");
  verb->add_option("--input", options->inputs,
                   "file or folder to read; may be given more than once, in place of the recipe's inputs")
      ->allow_extra_args(false);
  verb->add_flag("--force", options->force, "build even if nothing has changed");
  options->recipe.add_to(verb, describe_fields<data::BuildConfig>(), &options->inputs);
  verb->callback([&session, options] {
    auto config = from_json<data::BuildConfig>(options->recipe.read(), options->recipe.file);
    if (!options->inputs.empty()) config.inputs.clear();
    for (const std::string& path : options->inputs) config.inputs.push_back({.path = from_shell(path).string()});
    const StageResult result = build_data(session, options->name, config, options->force);
    session.answer(result.json, result.text);
  });
}

StageResult packed(const fs::path& directory, const data::PackResult& r) {
  return {.text = fmt::format("pack         {} documents, {} tokens in {}{}", r.documents,
                              short_count(static_cast<double>(r.tokens)), directory.string(),
                              r.skipped ? " (unchanged)" : ""),
          .json = {{"directory", directory.string()},
                   {"documents", r.documents},
                   {"tokens", r.tokens},
                   {"skipped", r.skipped}},
          .skipped = r.skipped};
}

fs::path tokens_directory(const fs::path& dataset, const fs::path& tokenizer) {
  const std::string name = directory_name(tokenizer);
  ledger::check_name("tokenizers", name).value();
  return dataset / ("tokens-" + name);
}

// Losing it costs time at the next start, and nothing now.
void save(const ledger::HashCache& cache) {
  try {
    cache.save();
  } catch (const Failure& e) {
    spdlog::warn("hashes of the input are not remembered: {}", e.what());
  }
}

void add_pack(CLI::App* data, Session& session) {
  CLI::App* verb =
      data->add_subcommand("pack", "turn a dataset, or conversations for fine-tuning, into packed token shards");
  struct Options {
    std::string dataset, tokenizer, name = "chat";
    std::vector<std::string> chats;
    double held_out = 0.05;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("dataset", o->dataset, "dataset by name or directory");
  verb->add_option("--chat", o->chats,
                   R"(JSONL of {"messages": […]} or {"prompt", "completion"}; loss on assistant turns only)")
      ->allow_extra_args(false);
  verb->add_option("--name", o->name, "with --chat: of the dataset that is made");
  verb->add_option("--held-out", o->held_out, "with --chat: fraction kept from training")->check(number_in(0, 0.9));
  verb->add_option("--tokenizer", o->tokenizer, "tokenizer by name or directory")->required();
  verb->callback([&session, o] {
    if (o->dataset.empty() == o->chats.empty())
      throw Failure(ErrorCode::kInvalidArgument, "data pack: expected either a dataset or --chat FILE");
    const StageResult result = o->chats.empty() ? pack_data(session, o->dataset, o->tokenizer)
                                                : pack_chat_data(session, o->name, o->tokenizer,
                                                                 {.inputs = o->chats, .held_out = o->held_out});
    session.answer(result.json, result.text);
  });
}

}  // namespace

StageResult build_data(Session& session, const std::string& name, const data::BuildConfig& config, bool force) {
  ledger::HashCache cache(session.home / "cache" / "hashes.json");
  const data::BuildOptions options{.output = session.place("datasets", name),
                                   .home = session.home,
                                   .identify = {},
                                   .hasher = [&cache](const fs::path& path) { return cache.sha256(path); },
                                   .force = force,
                                   .quiet = session.quiet};
  const data::BuildResult result = data::build_dataset(config, options, session.pool());
  save(cache);
  return {.text = text_of(result, name), .json = result.report, .skipped = result.skipped};
}

StageResult pack_data(Session& session, const std::string& dataset, const std::string& tokenizer) {
  const fs::path from = session.find("datasets", dataset), with = session.find("tokenizers", tokenizer),
                 to = tokens_directory(from, with);
  return packed(
      to, data::pack_dataset(from, {.tokenizer = with, .output = to, .home = session.home, .quiet = session.quiet},
                             session.pool()));
}

StageResult pack_chat_data(Session& session, const std::string& name, const std::string& tokenizer,
                           const data::ChatPackConfig& config) {
  const fs::path dataset = session.place("datasets", name), with = session.find("tokenizers", tokenizer),
                 to = tokens_directory(dataset, with);
  return packed(
      to, data::pack_chats(config, {.tokenizer = with, .output = to, .home = session.home, .quiet = session.quiet},
                           session.pool()));
}

void add_data(CLI::App& app, Session& session) {
  CLI::App* data = app.add_subcommand("data", "curate files into datasets, and pack them into tokens");
  data->require_subcommand(1);
  add_build(data, session);
  add_pack(data, session);
}

}  // namespace maru::cli
