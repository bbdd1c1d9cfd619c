// maru data: curation and packing.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/json.h"
#include "base/progress.h"
#include "cli/answers.h"
#include "cli/example_text.h"
#include "cli/verbs.h"
#include "pipeline/examples.h"

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
    answer(session, options->name, pipeline::curate(session.workplace(), options->name, config, options->force));
  });
}

/// Files of lines that are packed in the tokenizer's chat template.
struct LinesOption {
  const char *flag, *name, *help;  // name: of the dataset if none is given
  pipeline::PackedTokens (*pack)(const pipeline::Workplace&, const std::string& name, const std::string& tokenizer,
                                 const data::ChatPackConfig&, pipeline::Replaced);
};
constexpr LinesOption kLines[] = {
    {"--chat", "chat", R"(JSONL of {"messages": […]} or {"prompt", "completion"}; loss on assistant turns only)",
     pipeline::pack_chats},
    {"--preferences", "preferences",
     R"(JSONL of {"prompt", "chosen", "rejected"}: pairs of answers for method=dpo, orpo, cpo, reward; or of )"
     R"({"prompt", "completion", "label"}: answers that are good or bad, for method=kto)",
     pipeline::pack_preferences},
    {"--prompts", "prompts", R"(JSONL of {"prompt", …}: prompts and columns for rewards, for method=grpo)",
     pipeline::pack_prompts},
    {"--pairs", "texts",
     R"(JSONL of {"query", "pos_doc", "neg_doc": […]} or {"anchor", "positive", "negative"}: texts that are close to )"
     R"(each other, or not; or of {"sentence1", "sentence2", "score"}; for method=embed, rank)",
     pipeline::pack_texts},
};

constexpr const char* kHighestScoreHelp = "of texts with a score: what scores are divided by, as 5 of STS (default: 1)";

void add_pack(CLI::App* data, Session& session) {
  CLI::App* verb = data->add_subcommand(
      "pack", "turn a dataset, or conversations, pairs of answers, prompts or pairs of texts for tuning, into tokens");
  struct Options {
    std::string dataset, tokenizer, name;
    std::vector<std::string> files[std::size(kLines)];
    double held_out = 0.05;
    std::optional<double> highest_score;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("dataset", o->dataset, "dataset by name or directory");
  for (size_t i = 0; i < std::size(kLines); ++i)
    verb->add_option(kLines[i].flag, o->files[i], kLines[i].help)->allow_extra_args(false);
  verb->add_option("--name", o->name,
                   "of the dataset that files are made into; else chat, preferences, prompts or texts");
  verb->add_option("--held-out", o->held_out, "of files: fraction kept from training")->check(number_in(0, 0.9));
  verb->add_option("--highest-score", o->highest_score, kHighestScoreHelp)->check(number_in(1e-9, 1e9));
  verb->add_option("--tokenizer", o->tokenizer, "tokenizer by name or directory")->required();
  verb->callback([&session, o] {
    const auto given = std::count_if(std::begin(o->files), std::end(o->files), [](auto& f) { return !f.empty(); });
    if (!o->dataset.empty() + given != 1)
      throw Failure(ErrorCode::kInvalidArgument,
                    "data pack: expected a dataset, --chat FILE, --preferences FILE, --prompts FILE or --pairs FILE");
    const pipeline::Workplace at = session.workplace();
    if (!o->dataset.empty()) return answer(session, pipeline::pack(at, o->dataset, o->tokenizer));
    for (size_t i = 0; i < std::size(kLines); ++i) {
      if (o->files[i].empty()) continue;
      const data::ChatPackConfig config{
          .inputs = o->files[i], .held_out = o->held_out, .highest_score = o->highest_score};
      answer(session, kLines[i].pack(at, o->name.empty() ? kLines[i].name : o->name, o->tokenizer, config,
                                     pipeline::Replaced::kAny));
    }
  });
}

Json json_of(const pipeline::Examples& examples) {
  const pipeline::ExampleFigures& f = examples.figures;
  Json shown = Json::array();
  for (const pipeline::Example& example : examples.shown) {
    Json pieces = Json::array();
    for (const pipeline::ExamplePiece& piece : example.pieces)
      pieces.push_back({{"text", piece.text}, {"learned", piece.learned}});
    shown.push_back(
        {{"document", example.document}, {"tokens", example.tokens}, {"learned", example.learned}, {"pieces", pieces}});
    if (!example.role.empty()) shown.back()["role"] = example.role;
  }
  return {{"documents", f.documents}, {"held_out", f.held_out}, {"tokens", f.tokens}, {"learned", f.learned},
          {"longest", f.longest},     {"pairs", f.pairs},       {"examples", shown}};
}

void add_show(CLI::App* data, Session& session) {
  CLI::App* verb = data->add_subcommand("show", "print examples of training data, with what is learnt of them");
  verb->footer(
      "  maru data show talks/tokens-docs                  packed tokens\n"
      "  maru data show talks.jsonl --tokenizer docs       a file: every line of it is checked\n\n"
      "What is learnt is green, or in brackets where there is no terminal.");
  auto o = std::make_shared<pipeline::ExamplesConfig>();
  verb->add_option("data", o->data, "packed tokens by name or directory, or JSONL files")->required();
  verb->add_option("--tokenizer", o->tokenizer, "of a file: a tokenizer or model by name or directory");
  verb->add_option("--highest-score", o->highest_score, kHighestScoreHelp)->check(number_in(1e-9, 1e9));
  verb->add_option("--first", o->first, "document to begin with; 0 is the first")->check(whole_number_in(0, 1 << 30));
  verb->add_option("--count", o->count, "how many to show (default: 3)")->check(whole_number_in(0, 1000));
  verb->callback([&session, o] {
    o->data = from_shell(o->data).string();
    const pipeline::Examples examples = pipeline::examples_of(session.workplace(), *o);
    const bool colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    session.answer(json_of(examples), show(examples, colour));
  });
}

}  // namespace

void answer(const Session& session, const std::string& name, const data::BuildResult& result) {
  session.answer(result.report, text_of(result, name));
}

void answer(const Session& session, const pipeline::PackedTokens& packed) {
  const std::string directory = packed.directory.string();
  const data::PackResult& r = packed.result;
  session.answer({{"directory", directory}, {"documents", r.documents}, {"tokens", r.tokens}, {"skipped", r.skipped}},
                 fmt::format("pack         {} documents, {} tokens in {}{}", r.documents,
                             short_count(static_cast<double>(r.tokens)), directory, r.skipped ? " (unchanged)" : ""));
}

void add_data(CLI::App& app, Session& session) {
  CLI::App* data =
      app.add_subcommand("data", "curate files into datasets, pack them into tokens, show what is learnt of them");
  data->require_subcommand(1);
  add_build(data, session);
  add_pack(data, session);
  add_show(data, session);
}

}  // namespace maru::cli
