// A response on its way to the client that asked for it: whole, or as named events. At its end it is kept, if it is to
// be.
#pragma once
#include <memory>

#include "api/openai/responses/response.h"
#include "api/openai/responses/store.h"
#include "http/http.h"
#include "serving/answer.h"

namespace maru::api::openai {

/// `store` must outlive the answer.
std::unique_ptr<http::Pending> whole_response(ResponseBuilder builder, serving::Answer answer, ResponseStore& store);
std::unique_ptr<http::EventStream> streamed_response(ResponseBuilder builder, serving::Answer answer,
                                                     ResponseStore& store);

}  // namespace maru::api::openai
