// A parsed tree of HTML, Mallard or DocBook as blocks and regions.
#pragma once
#include <libxml/tree.h>

#include "data/blocks.h"

namespace maru::data {

/// Reads what is below `root`. What nobody sees is left out: scripts, controls, hidden and undisplayed elements, ruby's
/// readings, links that only serve work on the page. Cost: linear for trees of bounded depth.
MarkupPage blocks_of(const xmlNode* root, bool xml);

}  // namespace maru::data
