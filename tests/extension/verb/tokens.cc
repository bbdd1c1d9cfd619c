// tokens: what a directory of packed token shards holds. A made-up verb: one file, and its word in the list.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/verbs.h"
#include "formats/token_dataset.h"

namespace maru::cli {

void add_tokens(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("tokens", "what packed token shards hold");
  auto name = std::make_shared<std::string>();
  verb->add_option("directory", *name, "token shards by name (docs/tokens-docs) or path")->required();
  verb->callback([&session, name] {
    const formats::TokenDataset train(session.find(Kind::kDataset, *name), "train");
    session.answer({{"documents", train.num_documents()}, {"tokens", train.num_tokens()}},
                   fmt::format("tokens       {} documents, {} tokens", train.num_documents(), train.num_tokens()));
  });
}

}  // namespace maru::cli
