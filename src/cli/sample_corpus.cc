#include "cli/sample_corpus.h"

#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "catalogue/home.h"

// The assembler copies assets/chats_ko.jsonl into the read-only data of this object.
// clang-format off
__asm__(
    ".pushsection .rodata\n"
    ".global maru_chats_begin\n"
    ".global maru_chats_end\n"
    "maru_chats_begin:\n"
    ".incbin \"" MARU_CHATS_FILE "\"\n"
    "maru_chats_end:\n"
    ".byte 0\n"
    ".popsection\n");
// clang-format on

extern "C" {
extern const char maru_chats_begin[], maru_chats_end[];  // NOLINT: assembler names
}

namespace maru::cli {
namespace {

// The same folders, with the packages they come from: tools/corpus.sh.
constexpr std::array<const char*, 3> kFolders{"usr/share/libreoffice/help/ko", "usr/share/help/ko",
                                              "usr/share/doc/installation-guide-amd64/ko"};

// The exit code of a program whose standard output becomes our standard error, or -1 when it could not be run.
int run(const std::string& program, const std::string& argument) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);
  std::string name = program, word = argument;
  std::array<char*, 3> arguments{name.data(), word.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0) return -1;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

std::vector<std::string> sample_folders(const fs::path& root) {
  std::vector<std::string> folders;
  for (const char* folder : kFolders)
    if (fs::is_directory(root / folder)) folders.push_back((root / folder).string());
  if (folders.size() < kFolders.size()) folders.clear();
  return folders;
}

std::string sample_chats(const fs::path& home) {
  const std::string_view bytes(maru_chats_begin, static_cast<size_t>(maru_chats_end - maru_chats_begin));
  const fs::path file = catalogue::Home(home).sample_chats();
  if (!fs::exists(file) || read_file(file) != bytes) {
    fs::create_directories(file.parent_path());
    AtomicFile out(file);
    out.write(bytes);
    out.commit();
  }
  return file.string();
}

std::vector<std::string> sample_corpus(const fs::path& home, const std::string& tool, const fs::path& system) {
  const fs::path unpacked = catalogue::Home(home).sample_corpus();
  for (const fs::path& root : {system, unpacked})
    if (auto folders = sample_folders(root); !folders.empty()) return folders;
  const std::string instead = "; for your own text: maru up --input FILE-OR-FOLDER";
  if (tool.empty())
    throw Failure(ErrorCode::kUnavailable, "the sample corpus is not in " + unpacked.string() +
                                               "; `./maru up` of a checkout fetches it" + instead);
  const int code = run(tool, unpacked.string());
  if (code == 2) throw Failure(ErrorCode::kInvalidArgument, "the sample corpus was not fetched" + instead);
  auto folders = sample_folders(unpacked);
  if (code != 0 || folders.empty())
    throw Failure(ErrorCode::kUnavailable, "the sample corpus could not be fetched to " + unpacked.string() + instead);
  return folders;
}

}  // namespace maru::cli
