// Which blocks of a page are its text, and which are navigation, menus, footers and the like.
#pragma once
#include <vector>

#include "data/blocks.h"

namespace maru::data {

/// Keeps the main text, in order.
///
/// Structure decides, names only support it. An element for navigation goes; one whose class or id merely sounds like
/// it goes if it also looks like it: mostly links, or a few words, or, outside <main> and <article>, a minor part of
/// the page. What holds the main text or most of the running text never goes. Of a page with <main> only that stays, of
/// one with <article> the articles; and there only runs of links go. Pages without any marks are classified by length
/// and link density of each block and its neighbours. Headings stay only in front of text that stays.
///
/// Source   Kohlschütter, Fankhauser & Nejdl 2010, "Boilerplate detection using shallow text features", WSDM, §4.3
///          (the tree over number of words and link density of the previous, current and next block).
std::vector<Block> main_blocks(MarkupPage page);

}  // namespace maru::data
