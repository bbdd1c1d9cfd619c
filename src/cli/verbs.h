// One function per verb of `maru`: adds a subcommand that runs it. One file per verb.
#pragma once
#include <CLI/CLI.hpp>

#include "cli/recipe.h"
#include "cli/session.h"
#include "cli/usage.h"

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

}  // namespace maru::cli
