// The response object: what was asked, and what has come of it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "api/openai/responses/events.h"
#include "api/openai/responses/output.h"
#include "api/openai/responses/request.h"
#include "api/openai/responses/store.h"
#include "base/json.h"

namespace maru::api::openai {

/// One response from its request to its end, however it is sent. Owned by one thread at a time.
class ResponseBuilder {
 public:
  /// What is known before anything is generated.
  struct Head {
    std::string id, tenant, model;
    int64_t created_at = 0;    // seconds since 1970
    ResponsesRequest request;  // its input is not looked at
    Json input;                // items of this request
    Json context;              // items of the answers before
    AnswerInfo tokens;         // how log-probabilities are written
    NewId new_id;
    std::shared_ptr<EventLog> events{};  // where its events are kept; null: nowhere
  };
  explicit ResponseBuilder(Head head) : head_(std::move(head)), output_(head_.tokens, head_.new_id) {}

  void add(serving::AnswerPiece& piece, const Output::Send& send) { output_.add(piece, send); }
  /// The end of the answer: its items are closed.
  void finish(const serving::Answer& answer, const Output::Send& send);
  /// It failed; `message`: for people.
  void fail(const Error& error);
  void cancel() { status_ = "cancelled"; }
  void set_status(const char* status) { status_ = status; }

  const std::string& status() const { return status_; }
  const std::string& id() const { return head_.id; }
  const std::string& tenant() const { return head_.tenant; }
  const std::vector<std::string>& warnings() const { return head_.request.warnings; }
  const std::shared_ptr<EventLog>& events() const { return head_.events; }
  /// Whether it is to be kept.
  bool store() const { return head_.request.store; }
  Json json() const;
  /// As it is kept.
  StoredResponse stored() const;

 private:
  Head head_;
  Output output_;
  std::string status_ = "in_progress";
  Json error_, usage_, receipt_;
};

}  // namespace maru::api::openai
