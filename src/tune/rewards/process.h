// A reward that another program computes: a line of JSON for each answer to its input, a line for each from its output.
//
//   to it     {"prompt": …, "answer": "…", "columns": {…}, "where": "prompts.jsonl:3"}
//   from it   a number, {"reward": NUMBER}, or null where the question does not arise
//
// It lives as long as the run. What it writes on its standard error goes to ours.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "tune/rewards/reward.h"

namespace maru::tune {

class ProcessReward final : public Reward {
 public:
  /// `name` stands in errors. Throws   kNotFound when the program cannot be started.
  ProcessReward(std::string name, std::vector<std::string> command, double timeout_seconds);
  ~ProcessReward() override;
  ProcessReward(const ProcessReward&) = delete;
  /// Throws   kUnavailable when the process has ended, kDeadline when the time is over, kInvalidArgument for a line
  /// that
  ///          is no score, that is longer than 64 KiB, or that nobody asked for. The process is ended with all of
  ///          these.
  std::vector<Score> score(std::span<const JudgedAnswer> answers) override;

 private:
  struct Exchange;
  void start();
  void stop();
  void refuse_unasked();
  void send(Exchange& exchange);
  void receive(Exchange& exchange);
  void take_lines(Exchange& exchange);
  Score score_of(std::string_view line, std::string_view where) const;
  [[noreturn]] void fail(ErrorCode code, const std::string& what);
  std::string end_of_process();

  const std::string name_;
  const std::vector<std::string> command_;
  const double timeout_seconds_;
  pid_t child_ = -1;
  int in_ = -1, out_ = -1;  // our ends of its input and output
};

}  // namespace maru::tune
