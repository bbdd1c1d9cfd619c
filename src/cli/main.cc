// maru: one program, one verb per thing it does.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/system_error.h"
#include "cli/verbs.h"
#include "ledger/code_version.h"

namespace maru::cli {
namespace {

constexpr const char* kAbout =
    "Maru: a language model from your own text, on your own machine, every weight accounted for.\n\n"
    "  maru up                      the whole line: curate, tokenizer, train, evaluate, serve\n"
    "  maru data build --input DIR  only one stage; every stage is a verb\n"
    "  maru VERB --help             what a verb does; --help-all: with every recipe key and its default\n\n"
    "Exit codes: 0 done, 2 invalid use or input, 3 not found, 4 exists, 5 no memory, disk or room, 6 unavailable,\n"
    "7 deadline, 8 corrupt data, 9 not supported, 1 internal error, 130 interrupted (run again to go on).";

void set_up_log(const Session& session) {
  auto logger = spdlog::stderr_color_mt("maru");
  logger->set_pattern("%^%l%$ %v");
  logger->set_level(session.quiet ? spdlog::level::warn : spdlog::level::info);
  spdlog::set_default_logger(logger);
}

void add_common(CLI::App& app, Session& session) {
  app.add_option("--home", session.home, "where datasets, tokenizers, runs and models live")
      ->default_str(default_home().string());
  app.add_option("--threads", session.threads, "worker threads; 0: one per core")->check(whole_number_in(0, 1024));
  app.add_option("--isa", session.isa, "instruction set: auto, scalar, avx2, avx512 or amx (also: MARU_ISA)");
  app.add_flag("--json", session.json, "answer as one line of JSON");
  app.add_flag("--quiet", session.quiet, "no progress");
  app.set_help_all_flag("--help-all", "help with every recipe key");
  app.set_version_flag("--version", std::string(ledger::code_version()));
}

int fail(const Session& session, const Error& error) {
  if (session.json) {
    const Json json{{"error", {{"code", name_of(error.code)}, {"message", error.message}}}};
    std::fputs((json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n").c_str(), stdout);
  }
  std::fputs(("maru: " + error.message + "\n").c_str(), stderr);
  return exit_code_of(error.code);
}

void complete(Session& session) {
  if (session.home.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  "no place for artefacts: give --home DIR, or set MARU_HOME, XDG_DATA_HOME or HOME");
  session.home = fs::absolute(from_shell(session.home.string())).lexically_normal();
  set_up_log(session);
  session.catalogue().remove_leftovers();
}

int refuse(const Session& session, const CLI::App& app, const Error& error) {
  const int code = fail(session, error);
  std::fputs(("See: " + help_command(app) + "\n").c_str(), stderr);
  return code;
}

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  CLI::App app(kAbout, "maru");
  Session session;
  session.home = default_home();
  session.json = asks_for_json(words);
  app.require_subcommand(1);
  app.fallthrough();
  add_common(app, session);
  for (const AddVerb add : all_verbs()) add(app, session);
  app.parse_complete_callback([&] { complete(session); });
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : refuse(session, app, usage_error(app, e, words));
  } catch (const Failure& e) {
    return fail(session, e.error());
  } catch (const fs::filesystem_error& e) {
    return fail(session, system_error(e));
  } catch (const std::bad_alloc&) {
    return fail(session, {ErrorCode::kExhausted, "out of memory"});
  } catch (const std::exception& e) {
    return fail(session, {ErrorCode::kInternal, e.what()});
  }
}

}  // namespace

}  // namespace maru::cli

int main(int argc, char** argv) {
  maru::install_interrupt_handler();
  return maru::cli::run(argc, argv);
}
