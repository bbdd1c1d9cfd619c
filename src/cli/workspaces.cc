// maru workspaces: what keeps the files, keys and people of one team from those of another.
#include "platform/workspaces.h"

#include <fmt/format.h>

#include "base/json.h"
#include "cli/tenants.h"
#include "cli/verbs.h"
#include "platform/members.h"

namespace maru::cli {
namespace {

using platform::Member;
using platform::Members;
using platform::Project;
using platform::Workspace;
using platform::Workspaces;

constexpr int64_t kMost = 100'000;

struct Options {
  std::string name, description, project, member, kind = "service", role = "developer";
};

void create(const Session& session, const Options& o) {
  const auto home = home_database(session);
  const Workspace made = Workspaces(*home).create(o.name, o.description, on_the_command_line().key);
  session.answer(to_json(made), "workspace    " + made.name);
}

void list(const Session& session) {
  const auto home = home_database(session);
  Json rows = Json::array();
  std::string text;
  if (home->if_there() != nullptr)
    for (const Workspace& one : Workspaces(*home).list(std::nullopt, "", kMost)) {
      rows.push_back(to_json(one));
      text += fmt::format("{}{:<30} {}  {}", text.empty() ? "" : "\n", one.name, one.created_at, one.description);
    }
  session.answer(rows, text.empty() ? "no workspaces yet; `maru workspaces create NAME` makes one" : text);
}

void show(const Session& session, const Options& o) {
  const auto home = home_database(session);
  Json answer = to_json(Workspaces(*home).find(o.name));
  std::string text = fmt::format("workspace    {}", o.name);
  answer["projects"] = answer["members"] = Json::array();
  for (const Project& one : Workspaces(*home).projects(o.name, "", kMost)) {
    answer["projects"].push_back(to_json(one));
    text += fmt::format("\nproject      {:<30} {}", one.name, one.description);
  }
  for (const Member& one : Members(*home).list(o.name, "", kMost)) {
    answer["members"].push_back(to_json(one));
    text += fmt::format("\n{:<12} {:<30} {}", one.kind, one.name, one.role);
  }
  session.answer(answer, text);
}

void remove(const Session& session, const Options& o) {
  const auto home = home_database(session);
  Workspaces(*home).remove(o.name, on_the_command_line().key);
  session.answer({{"deleted", o.name}}, "deleted      " + o.name + "; its keys are known no more");
}

void add_project(const Session& session, const Options& o) {
  const auto home = home_database(session);
  const Project made = Workspaces(*home).create_project(o.name, o.project, o.description, on_the_command_line().key);
  session.answer(to_json(made), fmt::format("project      {} of {}", made.name, made.workspace));
}

void set_member(const Session& session, const Options& o) {
  const auto home = home_database(session);
  const Member set = Members(*home).set(o.name, o.kind, o.member, o.role, on_the_command_line());
  session.answer(to_json(set), fmt::format("{:<12} {} is {} of {}", set.kind, set.name, set.role, set.workspace));
}

void remove_member(const Session& session, const Options& o) {
  const auto home = home_database(session);
  Members(*home).remove(o.name, o.kind, o.member, on_the_command_line());
  session.answer({{"removed", o.member}}, fmt::format("removed      {}; their keys are known no more", o.member));
}

}  // namespace

void add_workspaces(CLI::App& app, Session& session) {
  CLI::App* workspaces = app.add_subcommand("workspaces", "make, list and delete workspaces, and who is in them");
  workspaces->require_subcommand(1);
  auto o = std::make_shared<Options>();
  const auto add = [&](const char* word, const char* about, void (*run)(const Session&, const Options&)) {
    CLI::App* verb = workspaces->add_subcommand(word, about);
    verb->add_option("name", o->name, "of the workspace")->required();
    verb->callback([&session, o, run] { run(session, *o); });
    return verb;
  };
  workspaces->add_subcommand("list", "all of this home")->callback([&session] { list(session); });
  CLI::App* made = add("create", "make one", create);
  add("show", "its projects and members", show);
  add("delete", "one without repositories; its keys are known no more", remove);
  CLI::App* project = add("add-project", "make a project in it", add_project);
  project->add_option("project", o->project, "of the project")->required();
  for (CLI::App* verb : {made, project}) verb->add_option("--description", o->description, "for people");
  CLI::App* set = add("set-member", "put somebody in it, or change their role", set_member);
  set->add_option("member", o->member, "of the user or service")->required();
  set->add_option("--role", o->role, "viewer, developer or admin");
  CLI::App* gone = add("remove-member", "take somebody out of it, and revoke their keys", remove_member);
  gone->add_option("member", o->member, "of the user or service")->required();
  for (CLI::App* verb : {set, gone}) verb->add_option("--kind", o->kind, "user or service");
}

}  // namespace maru::cli
