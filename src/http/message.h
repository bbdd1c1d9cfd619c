// Responses as bytes: heads, bodies of known length, and chunks (RFC 9112).
#pragma once
#include <string>
#include <string_view>

#include "http/http.h"

namespace maru::http {

/// How the message at hand ends and what follows it.
struct Framing {
  bool keep_alive = true;
  bool chunked_allowed = true;  // HTTP/1.1
  bool head_only = false;       // answers HEAD
};

/// A whole response; `more` headers are added to its own.
std::string message_of(const Response& response, const Headers& more, const Framing& framing);
/// The head of an answer that is a file.
std::string sized_head(const FileAnswer& file, const Headers& more, const Framing& framing);
/// The head of a streamed body.
std::string stream_head(std::string_view content_type, const Headers& more, const Framing& framing);
/// One part of a stream, framed as a chunk where the client knows chunks.
std::string chunk_of(std::string_view data, const Framing& framing);
/// The id by which an answer's headers call the request, as OpenAI's dialect names it, or Anthropic's; empty: they do
/// not.
std::string request_id_of(const Headers& headers);
/// What ends a stream.
std::string_view last_chunk(const Framing& framing);

}  // namespace maru::http
