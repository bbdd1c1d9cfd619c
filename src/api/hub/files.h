// What is read of a repository's files: lists of them, and their bytes.
#pragma once
#include "http/router.h"
#include "platform/file_store.h"

namespace maru::api::hub {

/// The store must outlive the router.
void add_file_routes(http::Router& router, platform::FileStore& store);
/// A file as lists say it: every one as an object of Git LFS, because its SHA-256 is what names it here.
Json file_entry(const platform::RepositoryFile& file);

}  // namespace maru::api::hub
