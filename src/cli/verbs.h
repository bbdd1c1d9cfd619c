// One function per verb of `maru`: adds a subcommand that runs it. One file per verb.
#pragma once
#include <CLI/CLI.hpp>

#include "cli/session.h"

namespace maru::cli {

void add_up(CLI::App& app, Session& session);
void add_data(CLI::App& app, Session& session);
void add_tokenizer(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session);
void add_chat(CLI::App& app, Session& session);
void add_generate(CLI::App& app, Session& session);
void add_embed(CLI::App& app, Session& session);
void add_rerank(CLI::App& app, Session& session);
void add_models(CLI::App& app, Session& session);
void add_inspect(CLI::App& app, Session& session);
void add_import(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_quantize(CLI::App& app, Session& session);
void add_merge(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);

/// The recipe of a verb: an optional YAML file and any number of key=value overrides, as positional arguments.
struct RecipeArguments {
  std::string file;
  std::vector<std::string> overrides;
  /// `fields` is the table of keys for --help, from describe_fields.
  void add_to(CLI::App* verb, const std::string& fields);
  Json read() const;

 private:
  std::vector<std::string> words_;
};

}  // namespace maru::cli
