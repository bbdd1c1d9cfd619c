#include "tune/rewards/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>

#include "base/excerpt.h"

extern char** environ;

namespace maru::tune {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kLongestLine = 64 << 10;

std::string request_of(const JudgedAnswer& answer) {
  Json columns = *answer.line;
  columns.erase("prompt");
  const Json request{{"prompt", answer.line->value("prompt", Json())},
                     {"answer", answer.text},
                     {"columns", std::move(columns)},
                     {"where", answer.where}};
  return request.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

/// What is on its way while the answers of one step are judged.
struct ProcessReward::Exchange {
  std::span<const JudgedAnswer> answers;
  Clock::time_point end;
  std::string to_send, received;
  size_t requests = 0, sent = 0;  // answers whose lines are made; bytes of to_send
  std::vector<Score> scores;
  bool all_sent() const { return requests == answers.size() && sent == to_send.size(); }
};

ProcessReward::ProcessReward(std::string name, std::vector<std::string> command, double timeout_seconds)
    : name_(std::move(name)), command_(std::move(command)), timeout_seconds_(timeout_seconds) {
  start();
}

ProcessReward::~ProcessReward() { stop(); }

// Sockets in the place of pipes: writing to one whose reader is gone is an error and no signal.
void ProcessReward::start() {
  int input[2], output[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0)
    fail(ErrorCode::kInternal, std::string("cannot open a socket: ") + std::strerror(errno));
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, output) != 0) {
    ::close(input[0]), ::close(input[1]);
    fail(ErrorCode::kInternal, std::string("cannot open a socket: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input[1], 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // what it starts ends with it
  std::vector<char*> arguments;
  for (const std::string& argument : command_) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int error = ::posix_spawnp(&child_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(input[1]), ::close(output[1]);
  in_ = input[0], out_ = output[0];
  if (error == 0) return;
  child_ = -1;
  fail(ErrorCode::kNotFound, fmt::format("{}: cannot be started: {}", command_[0], std::strerror(error)));
}

void ProcessReward::stop() {
  for (int* end : {&in_, &out_})
    if (*end >= 0) ::close(std::exchange(*end, -1));
  if (child_ < 0) return;
  ::kill(-child_, SIGKILL);
  ::waitpid(std::exchange(child_, -1), nullptr, 0);
}

void ProcessReward::fail(ErrorCode code, const std::string& what) {
  stop();
  throw Failure(code, fmt::format("reward {}: {}", name_, what));
}

// In words, of a process that has closed its output: it is given a moment to be gone.
std::string ProcessReward::end_of_process() {
  int status = 0;
  for (int i = 0; i < 50; ++i) {
    if (::waitpid(child_, &status, WNOHANG) != child_) {
      ::usleep(10000);
      continue;
    }
    ::kill(-child_, SIGKILL);  // what it has started
    child_ = -1;
    if (WIFSIGNALED(status)) return fmt::format("ended by signal {}", WTERMSIG(status));
    return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  }
  return "closed its output";
}

void ProcessReward::send(Exchange& e) {
  while (!e.all_sent()) {
    if (e.sent == e.to_send.size()) e.to_send = request_of(e.answers[e.requests++]), e.sent = 0;
    const ssize_t n = ::send(in_, e.to_send.data() + e.sent, e.to_send.size() - e.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (n < 0) {  // what it has said before may still be read
      e.requests = e.answers.size(), e.sent = e.to_send.size();
      return;
    }
    e.sent += static_cast<size_t>(n);
  }
}

Score ProcessReward::score_of(std::string_view line, std::string_view where) const {
  const auto refuse = [&](const std::string& what) {
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}: expected a number, {{\"reward\": NUMBER}} or null", where, what));
  };
  const Result<Json> json = parse_json(line, "");
  if (!json.ok()) refuse(fmt::format("got {}", excerpt(line)));
  Json value = json.value();
  if (value.is_object()) {
    if (!value.contains("reward")) refuse("got an object without \"reward\"");
    value = Json(value["reward"]);
  }
  if (value.is_null()) return std::nullopt;
  if (!value.is_number()) refuse(fmt::format("got {}", excerpt(line)));
  return value.get<double>();
}

void ProcessReward::take_lines(Exchange& e) {
  size_t begin = 0;
  for (size_t end; (end = e.received.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (e.scores.size() == e.answers.size()) fail(ErrorCode::kInvalidArgument, "more lines than it was asked for");
    try {
      e.scores.push_back(
          score_of(std::string_view(e.received).substr(begin, end - begin), e.answers[e.scores.size()].where));
    } catch (const Failure& failure) {
      fail(failure.code(), failure.what());
    }
  }
  e.received.erase(0, begin);
  if (e.received.size() > kLongestLine)
    fail(ErrorCode::kInvalidArgument, fmt::format("a line of more than {} bytes", kLongestLine));
}

void ProcessReward::receive(Exchange& e) {
  char buffer[16 << 10];
  const ssize_t n = ::recv(out_, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n <= 0) {
    const std::string end = end_of_process();
    fail(ErrorCode::kUnavailable,
         fmt::format("the process {} after {} of {} scores", end, e.scores.size(), e.answers.size()));
  }
  e.received.append(buffer, static_cast<size_t>(n));
  take_lines(e);
}

// It would be taken for the score of an answer that it has not seen.
void ProcessReward::refuse_unasked() {
  char byte = 0;
  if (::recv(out_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0)
    fail(ErrorCode::kInvalidArgument, "more lines than it was asked for");
}

std::vector<Score> ProcessReward::score(std::span<const JudgedAnswer> answers) {
  if (child_ < 0) start();
  refuse_unasked();
  const auto timeout = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout_seconds_));
  Exchange e{.answers = answers, .end = Clock::now() + timeout};
  while (e.scores.size() < answers.size()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(e.end - Clock::now()).count();
    if (left <= 0)
      fail(ErrorCode::kDeadline, fmt::format("{} of {} scores after {} s, its time limit", e.scores.size(),
                                             answers.size(), timeout_seconds_));
    pollfd ends[2] = {{out_, POLLIN, 0}, {in_, static_cast<short>(e.all_sent() ? 0 : POLLOUT), 0}};
    ::poll(ends, e.all_sent() ? 1 : 2, static_cast<int>(std::min<int64_t>(left + 1, 1000)));
    if (ends[0].revents != 0) receive(e);
    if (!e.all_sent() && ends[1].revents != 0) send(e);
  }
  if (!e.received.empty()) fail(ErrorCode::kInvalidArgument, "more lines than it was asked for");
  return e.scores;
}

}  // namespace maru::tune
