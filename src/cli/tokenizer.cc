// maru tokenizer: train one, use it, compare it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <iterator>

#include "base/byte_source.h"
#include "base/json_node.h"
#include "base/progress.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/train/document_stream.h"
#include "text/tokenizer/train/tokenizer_report.h"

namespace maru::cli {
namespace {

// Rows of JSONL by their "language" field; any other file as one text of an unknown language.
void add_texts(text::TokenizerReport& report, const fs::path& file) {
  LineReader lines(file);
  std::string plain;
  while (const auto line = lines.next()) {
    if (!text::is_jsonl(file)) {
      plain += std::string(*line) + "\n";
      continue;
    }
    const std::string where = fmt::format("{}:{}", file.string(), lines.line_number());
    const Json row = parse_json(*line, where).value();
    const JsonNode node(row, where);
    report.add(node["language"].string("und"), node["text"].string());
  }
  if (!plain.empty()) report.add("und", plain);
}

std::string standard_input() { return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()}; }

void add_train_verb(CLI::App* parent, Session& session) {
  CLI::App* verb = parent->add_subcommand("train", "train a byte-level BPE tokenizer");
  struct Options {
    RecipeArguments recipe;
    std::string name;
    std::vector<std::string> inputs;
    int64_t vocab_size = 0;
    bool force = false;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("--name", o->name, "of the tokenizer");
  verb->add_option("--input", o->inputs, "dataset by name, or text and JSONL files")->allow_extra_args(false);
  verb->add_option("--vocab-size", o->vocab_size, "tokens in all")->check(whole_number_in(257, 1 << 24));
  verb->add_flag("--force", o->force, "train even if nothing has changed");
  o->recipe.add_to(verb, describe_fields<pipeline::TokenizeConfig>(), &o->inputs);
  verb->callback([&session, o] {
    auto config = from_json<pipeline::TokenizeConfig>(o->recipe.read(), o->recipe.file);
    if (!o->name.empty()) config.name = o->name;
    if (!o->inputs.empty()) config.inputs = o->inputs;
    if (o->vocab_size > 0) config.trainer.vocab_size = o->vocab_size;
    answer(session, pipeline::tokenize(session.workplace(), config, o->force));
  });
}

void add_encode(CLI::App* parent, Session& session) {
  CLI::App* verb = parent->add_subcommand("encode", "text to token ids");
  struct Options {
    std::string tokenizer, text;
    bool special = false, pieces = false;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("tokenizer", o->tokenizer, "tokenizer or model, by name or path")->required();
  verb->add_option("text", o->text, "the text; without it, standard input is read");
  verb->add_flag("--special", o->special, "add bos as the model sees it");
  verb->add_flag("--pieces", o->pieces, "show the tokens' text too");
  verb->callback([&session, o, verb] {
    const text::Tokenizer tokenizer = text::load_tokenizer(session.find(Kind::kTokenizer, o->tokenizer));
    const std::string text = verb->count("text") > 0 ? o->text : standard_input();
    const std::vector<int32_t> ids = tokenizer.encode(text, {.add_special_tokens = o->special});
    std::string human = fmt::format("{}", fmt::join(ids, " "));
    if (o->pieces)
      for (int32_t id : ids)
        human +=
            fmt::format("\n{:>8}  {}", id,
                        Json(std::string(tokenizer.bytes_of(id))).dump(-1, ' ', false, Json::error_handler_t::replace));
    session.answer({{"ids", ids}, {"bytes", text.size()}}, human);
  });
}

void add_decode(CLI::App* parent, Session& session) {
  CLI::App* verb = parent->add_subcommand("decode", "token ids to text");
  struct Options {
    std::string tokenizer;
    std::vector<int32_t> ids;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("tokenizer", o->tokenizer, "tokenizer or model, by name or path")->required();
  verb->add_option("ids", o->ids, "token ids")->required();
  verb->callback([&session, o] {
    const std::string text = text::load_tokenizer(session.find(Kind::kTokenizer, o->tokenizer)).decode(o->ids);
    session.answer({{"text", text}}, text);
  });
}

void add_report_verb(CLI::App* parent, Session& session) {
  CLI::App* verb = parent->add_subcommand("report", "bytes per token of several tokenizers on a text, by language");
  struct Options {
    std::vector<std::string> tokenizers, texts;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("tokenizers", o->tokenizers, "tokenizers by name, or directories with a tokenizer.json")->required();
  verb->add_option("--text", o->texts, "dataset by name, or text and JSONL files (a \"language\" field groups rows)")
      ->allow_extra_args(false)
      ->required();
  verb->callback([&session, o] {
    std::vector<text::Tokenizer> loaded;
    for (const std::string& name : o->tokenizers)
      loaded.push_back(text::load_tokenizer(session.find(Kind::kTokenizer, name)));
    std::vector<text::NamedTokenizer> named;
    for (size_t i = 0; i < loaded.size(); ++i) named.push_back({o->tokenizers[i], &loaded[i]});
    text::TokenizerReport report(named);
    for (const fs::path& file : pipeline::text_files(session.catalogue(), o->texts)) add_texts(report, file);
    session.answer(report.json(), report.table());
  });
}

}  // namespace

void answer(const Session& session, const pipeline::TokenizeResult& result) {
  const Json& r = result.report;
  session.answer(
      r, fmt::format("tokenizer    {}: {} tokens from {} of text{}", result.name, r["vocab_size"].get<int64_t>(),
                     short_bytes(r["bytes"].get<double>()), result.skipped ? " (unchanged)" : ""));
}

void add_tokenizer(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("tokenizer", "train a tokenizer, use it, compare it");
  verb->require_subcommand(1);
  add_train_verb(verb, session);
  add_encode(verb, session);
  add_decode(verb, session);
  add_report_verb(verb, session);
}

}  // namespace maru::cli
