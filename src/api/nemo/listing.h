// What the query of a request asks for: ?page=2&page_size=10&sort=-created_at&filter[namespace]=team&search[name]=talks
#pragma once
#include "api/nemo/resources.h"
#include "http/http.h"
#include "platform/entities.h"

namespace maru::api::nemo {

struct Listing {
  platform::EntityQuery query;
  int64_t page = 1, page_size = 10;
  std::string sort;
  Json filter = Json::object();  // as it was asked for
};

/// Without limits of who asks.
///
/// Throws   RequestFailure with the field page, page_size, sort, filter or search.
Listing read_listing(const Resource& resource, const http::Request& request);
/// The answer around the entities. A page behind the last one is empty: clients ask until they get one.
Json envelope(const Listing& listing, Json data, int64_t total);

}  // namespace maru::api::nemo
