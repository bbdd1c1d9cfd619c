// maru remove: an artefact or a run leaves this home.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "base/json.h"
#include "base/progress.h"
#include "catalogue/removal.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

// Without a terminal nobody can be asked, and a script has to say that it means
// it.
void ask(const std::string& question) {
  if (::isatty(0) == 0)
    throw Failure(ErrorCode::kInvalidArgument, question + " There is no terminal to ask on: --yes says yes");
  std::fputs((question + " [y/N] ").c_str(), stderr);
  std::string line;
  std::getline(std::cin, line);
  if (line != "y" && line != "Y" && line != "yes") throw Failure(ErrorCode::kInvalidArgument, "nothing was removed");
}

std::string text_of(const catalogue::Removal& r) {
  return fmt::format("{} file{}, {}", r.files, r.files == 1 ? "" : "s", short_bytes(static_cast<double>(r.bytes)));
}

struct Options {
  std::string name;
  bool force = false, yes = false;
};

void remove(const Session& session, const Options& o) {
  const catalogue::Home home = session.catalogue();
  const catalogue::Named named = catalogue::find_named(home, o.name);
  const std::string label = fmt::format("{}/{}", folder_of(named.kind), named.name);
  const catalogue::Removal plan = catalogue::plan_removal(home, named);
  const bool refused = !plan.dependents.empty() && !o.force;
  if (!refused && !o.yes) ask(fmt::format("Remove {} ({})?", label, text_of(plan)));
  const catalogue::Removal done = catalogue::remove(home, named, o.force);
  session.answer({{"removed", label}, {"files", done.files}, {"bytes", done.bytes}, {"dependents", done.dependents}},
                 fmt::format("remove       {}: {}", label, text_of(done)));
}

}  // namespace

void add_remove(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("remove", "remove what Maru made from this home: an artefact or a run");
  auto o = std::make_shared<Options>();
  verb->add_option("name", o->name, "NAME, or KIND/NAME where several have it: datasets/docs, runs/docs")->required();
  verb->add_flag("--force", o->force, "also when something was made from it");
  verb->add_flag("--yes,-y", o->yes, "do not ask");
  verb->footer(
      "Only what Maru made is removed, and only whole: a directory "
      "that holds another file is refused, and links are\n"
      "not followed. `maru list` shows what depends on what.");
  verb->callback([&session, o] { remove(session, *o); });
}

}  // namespace maru::cli
