// Which blocks of a page are its text, and which are navigation, menus, footers and the like.
#pragma once
#include <vector>

#include "data/blocks.h"

namespace maru::data {

/// Keeps the main text, in order.
///
/// Pages that mark their parts (HTML5 elements, roles, telling class names) are believed: what lies outside is dropped,
/// and of the rest only runs of links. Pages that do not are classified by length and link density of each block and
/// its neighbours. Headings stay only in front of text that stays.
///
/// Source   Kohlschütter, Fankhauser & Nejdl 2010, "Boilerplate detection using shallow text features", WSDM, §4.3
///          (the tree over number of words and link density of the previous, current and next block).
std::vector<Block> main_blocks(std::vector<Block> blocks);

}  // namespace maru::data
