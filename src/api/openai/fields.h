// What the bodies of OpenAI's endpoints may hold: the field tables of types.h, and beside them what OpenAI, NIM and
// vLLM document and this server does not act on.
#pragma once
#include <vector>

#include "http/request_fields.h"

namespace maru::api::openai {

const http::BodyFields& chat_fields();
const http::BodyFields& completion_fields();

/// Those of all endpoints that say who asks and how it is to be billed, kept or found: none changes an answer.
std::vector<http::PassedField> harmless_fields();

}  // namespace maru::api::openai
