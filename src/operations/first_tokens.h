#pragma once

#include "graph.h"

namespace sidenet::ops {

/// The same values; of those whose first token ([CLS]) alone is read, that token alone. Before
/// BERT's pooler these are the last encoder layer's queries, its attention and everything behind;
/// keys and values are needed of all tokens. What an exit reads of all tokens, and what is kept,
/// stays whole. Bits do not change.
Graph compute_first_tokens(Graph graph);

}  // namespace sidenet::ops
