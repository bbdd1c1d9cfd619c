// What the workers do for a connection: answering a request, and putting an answer that was waited for into bytes.
#pragma once
#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "http/current_response.h"
#include "http/state.h"

namespace maru::http {

inline Problem overloaded(std::string message) {
  return {.status = 503, .message = std::move(message), .word = "overloaded"};
}
/// There is no worker for it.
inline Problem no_worker(const ServerConfig& config) {
  return overloaded(std::to_string(config.max_queued) +
                    " requests wait to be read already (http.max_queued); try again in a moment");
}

/// A request on its way through a worker. Lives as long as the worker or the connection needs it. What the client does
/// not wait for any more is destroyed with it.
class Work : public WorkerPool::Job {
 public:
  Work(Server::State& server, Wake wake)
      : share(server.body_bytes, server.config.max_bodies_bytes), server_(server), wake_(std::move(wake)) {
    request.stop = stop.get_token();
  }
  void run() override {
    if (!stop.stop_requested()) reply = server_.service.answer(request, wake_);
    request = {};
    share.release();
    finished = true;
    wake_();
  }

  Request request;
  BodyShare share;
  std::stop_source stop;
  Reply reply;
  std::atomic<bool> finished{false};

 private:
  Server::State& server_;
  const Wake wake_;
};

/// An answer on its way through a worker.
class Encoding : public WorkerPool::Job {
 public:
  Encoding(std::unique_ptr<Pending> answer, const Dialect& dialect, Wake wake)
      : pending(std::move(answer)), dialect_(dialect), wake_(std::move(wake)) {}
  void run() override {
    try {
      response = pending->response();
    } catch (...) {
      response = response_to_current(dialect_);
    }
    pending.reset();
    finished = true;
    wake_();
  }

  std::unique_ptr<Pending> pending;
  Response response;
  std::atomic<bool> finished{false};

 private:
  const Dialect& dialect_;
  const Wake wake_;
};

}  // namespace maru::http
