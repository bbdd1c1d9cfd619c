// What of a connection goes over a disk: bodies into their sinks, files into answers.
#include "http/chunks.h"
#include "http/connection.h"
#include "http/download.h"
#include "http/upload.h"

namespace maru::http {
namespace {

constexpr size_t kReadBytes = 64 << 10;

Problem too_long(uint64_t limit) {
  return {.status = 413,
          .message = "request body is longer than the " + std::to_string(limit) + " bytes that are taken here",
          .word = "body_too_large"};
}

}  // namespace

asio::awaitable<bool> Connection::serve_upload(const Head& head, std::shared_ptr<Work> work, const MakeSink& make,
                                               Framing framing, Exchange& exchange) {
  const auto upload = std::make_shared<Upload>(work, make, *dialect_, *server_.files, client_->wake());
  client_->forget_wake();
  bool whole = !head.has_body();
  std::optional<Response> refusal = co_await receive(head, *upload, *work, whole);
  if (!refusal && !vanished_ && !client_->gone()) {
    client_->start_watch();
    upload->end();
    while (!upload->is_done() && !client_->gone()) co_await wait_before_head(framing);
    co_await client_->stop_watch();
    refusal = upload->take_failure();
  }
  work->share.release();
  if (vanished_ || client_->gone()) exchange.status = 499;
  if (vanished_ || client_->gone() || refusal) upload->give_up();
  if (vanished_ || client_->gone()) co_return false;
  if (!refusal) co_return co_await answer(work, false, framing, exchange);
  Reply reply;
  reply.answer = std::move(*refusal);
  if (whole) co_return co_await send(std::move(reply), framing, exchange);
  co_return co_await refuse(std::move(reply), framing, exchange);
}

/// Everything up to the end of the body. `whole`: the client has nothing of this request left to send.
asio::awaitable<std::optional<Response>> Connection::receive(const Head& head, Upload& upload, Work& work,
                                                             bool& whole) {
  upload.begin();
  while (!upload.is_open() && !client_->gone()) co_await client_->wait_for_wake();
  if (client_->gone() || upload.has_failed()) co_return upload.take_failure();
  if (head.length > upload.limit()) co_return in_words(too_long(upload.limit()));
  if (!head.has_body()) co_return std::nullopt;
  const bool asked = co_await say_continue(head);
  if (!asked) co_return std::nullopt;
  std::optional<Problem> problem;  // not by ?:, within which GCC 12 destroys what is awaited twice
  if (head.chunked)
    problem = co_await receive_chunks(upload, work, whole);
  else
    problem = co_await receive_sized(head.length, upload, work, whole);
  if (upload.has_failed()) co_return upload.take_failure();
  if (problem) co_return in_words(*problem);
  co_return std::nullopt;
}

/// Until the sink is near enough for another `bytes` in memory. They and what waits for the sink count among the
/// bodies of all.
asio::awaitable<std::optional<Problem>> Connection::make_room(size_t bytes, Upload& upload, Work& work) {
  while (!client_->gone() && !upload.has_failed()) {
    const size_t queued = upload.queued_bytes();
    if (queued < Upload::kQueuedBytes && work.share.resize(queued + bytes)) break;
    if (queued == 0) co_return overloaded("too many request bodies at once (http.max_bodies_bytes)");
    co_await client_->wait_for_wake();
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Problem>> Connection::receive_sized(uint64_t length, Upload& upload, Work& work,
                                                                  bool& whole) {
  Patience patience(server_.config.read_timeout_seconds, client_->rate());
  std::string block;
  for (uint64_t left = length; left > 0;) {
    const std::optional<Problem> problem = co_await make_room(block.size() + kReadBytes, upload, work);
    if (problem) co_return problem;
    if (client_->gone() || upload.has_failed()) co_return std::nullopt;
    const size_t size = block.size(), step = std::min(kReadBytes, Upload::kBlockBytes - size);
    block.reserve(static_cast<size_t>(std::min<uint64_t>(size + left, Upload::kBlockBytes)));
    const auto begin = Clock::now();
    client_->arm(patience.left());
    const Code code = co_await client_->read_into(block, static_cast<size_t>(std::min<uint64_t>(left, step)));
    client_->disarm();
    patience.spend(seconds_since(begin), block.size() - size);
    if (code) co_return arrival_error(code, "the request body");
    left -= block.size() - size;
    whole = left == 0;
    if (whole || block.size() == Upload::kBlockBytes) block = upload.add(std::move(block));
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Problem>> Connection::receive_chunks(Upload& upload, Work& work, bool& whole) {
  ChunkDecoder decoder(upload.limit(), static_cast<uint64_t>(server_.config.max_header_bytes));
  Patience patience(server_.config.read_timeout_seconds, client_->rate());
  std::string block;
  for (;;) {
    const Result<size_t> taken = decoder.feed(client_->unread(), block);
    if (!taken && taken.error().code == ErrorCode::kExhausted) co_return too_long(upload.limit());
    if (!taken) co_return Problem{.status = 400, .message = taken.error().message, .word = "malformed_request"};
    client_->consume(taken.value());
    whole = decoder.done();
    if (block.size() >= Upload::kBlockBytes || (whole && !block.empty())) block = upload.add(std::move(block));
    if (whole) co_return std::nullopt;
    const std::optional<Problem> problem = co_await make_room(block.size() + kReadBytes, upload, work);
    if (problem) co_return problem;
    if (client_->gone() || upload.has_failed()) co_return std::nullopt;
    const Code code = co_await client_->read_more(kReadBytes, patience);
    if (code) co_return arrival_error(code, "the request body");
  }
}

asio::awaitable<bool> Connection::send_file(FileAnswer file, const Headers& more, Framing framing, Exchange& exchange) {
  exchange.status = file.status;
  bool written = true;
  std::string head = sized_head(file, more, framing);
  if (framing.head_only || file.length == 0) {
    written = co_await client_->write(head);
  } else {
    const auto download = std::make_shared<Download>(file, *server_.files, client_->wake());
    written = co_await send_blocks(download, std::move(head), more, framing, exchange);
  }
  server_.files->push(std::make_shared<Disposal>(std::move(file.file)));
  co_return written&& framing.keep_alive;
}

/// False when the connection must end: the client is gone, or the file was not what its length said.
asio::awaitable<bool> Connection::send_blocks(std::shared_ptr<Download> download, std::string head, const Headers& more,
                                              Framing framing, Exchange& exchange) {
  std::string block;
  for (download->fetch(); !client_->gone();) {
    while (!download->is_ready() && !client_->gone()) {
      co_await client_->wait_for_wake();
      client_
          ->wants_probe();  // there is nothing harmless to say within a file; writing shows whether the client is there
    }
    if (client_->gone()) break;
    if (const Outcome taken = download->take(block); !taken) {
      const Response response = in_words(to_problem(taken.error()));
      exchange.status = response.status;
      if (head.empty()) co_return false;
      const std::string message = message_of(response, more, framing);
      co_return co_await client_->write(message);
    }
    if (download->left() > 0) download->fetch();
    if (!head.empty()) block.insert(0, std::exchange(head, {}));
    co_await client_->write(block);
    if (download->left() == 0) co_return !client_->gone();
  }
  server_.files->remove(download.get());
  co_return false;
}

}  // namespace maru::http
