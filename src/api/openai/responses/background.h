// Responses that nobody waits for: generated while their clients are away, and kept where these will ask for them.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "api/openai/responses/response.h"
#include "api/openai/responses/store.h"
#include "serving/answer.h"

namespace maru::api::openai {

/// One thread takes what the engines have said. Destroying it cancels what has not ended. Thread-safe.
///
/// Events of those that are streamed are kept while they come, together within what may be kept at all; beyond it the
/// one with the most fails.
class BackgroundRuns {
 public:
  /// `store` must outlive it.
  explicit BackgroundRuns(ResponseStore& store);
  ~BackgroundRuns();
  BackgroundRuns(const BackgroundRuns&) = delete;

  /// Starts the answer that `submit` makes, which is given what to call when there is something to take, and keeps the
  /// response as one in progress. Returns it as it is sent to the client.
  ///
  /// Throws   what `submit` throws.
  std::string start(ResponseBuilder builder,
                    const std::function<std::unique_ptr<serving::Answer>(std::function<void()>)>& submit);
  /// Ends it here and now, if it is one of the tenant's that runs.
  void cancel(const std::string& tenant, const std::string& id);

 private:
  struct Run {
    ResponseBuilder builder;
    std::unique_ptr<serving::Answer> answer;
    bool begun = false;
  };
  void loop();
  bool wait();
  void notify();
  bool take(Run& run);
  void begin(ResponseBuilder& builder);
  void end(ResponseBuilder& builder);
  void shed();

  ResponseStore& store_;
  std::mutex mutex_;  // guards runs_
  std::map<std::string, Run> runs_;
  std::mutex news_mutex_;  // guards what follows; taken last, for engines call while they hold their own
  std::condition_variable news_ready_;
  bool news_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace maru::api::openai
