#include "http/message.h"

#include <cstdio>
#include <ctime>

namespace maru::http {
namespace {

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[40];
  const size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

std::string head_of(const Response& response, const Headers& more, const Framing& framing) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason_of(response.status)) +
                     "\r\nServer: maru\r\nDate: " + http_date() + "\r\n";
  if (!response.content_type.empty()) head += "Content-Type: " + response.content_type + "\r\n";
  for (const Headers* headers : {&response.headers, &more})
    for (const auto& [name, value] : *headers) head += name + ": " + value + "\r\n";
  head += framing.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  return head;
}

}  // namespace

std::string message_of(const Response& response, const Headers& more, const Framing& framing) {
  std::string text = head_of(response, more, framing);
  if (response.status != 204 && response.status != 304)
    text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  text += "\r\n";
  if (!framing.head_only && response.status != 304) text += response.body;
  return text;
}

std::string sized_head(const FileAnswer& file, const Headers& more, const Framing& framing) {
  const Response response{
      .status = file.status, .content_type = file.content_type, .body = "", .headers = file.headers};
  return head_of(response, more, framing) + "Content-Length: " + std::to_string(file.length) + "\r\n\r\n";
}

std::string stream_head(std::string_view content_type, const Headers& more, const Framing& framing) {
  Response response{.content_type = std::string(content_type)};
  response.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  return head_of(response, more, framing) + (framing.chunked_allowed ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

std::string chunk_of(std::string_view data, const Framing& framing) {
  if (!framing.chunked_allowed || data.empty()) return std::string(data);
  char size[20];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return std::string(size, static_cast<size_t>(digits)) + std::string(data) + "\r\n";
}

std::string request_id_of(const Headers& headers) {
  const std::string_view id = find_header(headers, "x-request-id");
  return std::string(id.empty() ? find_header(headers, "request-id") : id);
}

std::string_view last_chunk(const Framing& framing) { return framing.chunked_allowed ? "0\r\n\r\n" : ""; }

}  // namespace maru::http
