#pragma once

#include <cstddef>
#include <cstdint>

// Rows are texts, packed one behind the other: row r owns the tokens offsets[r] … offsets[r + 1] -
// 1, and no token is padding. The bits of a row depend on nothing but that row. NaN and infinity
// come out where they go in.
namespace sidenet::kernels::cpu {

/// Bytes that self_attention() needs, 64-byte aligned, where no row is longer than `longest_row`
/// tokens.
std::size_t self_attention_scratch_bytes(int longest_row, int heads, int head_dim, int threads);
/// softmax(Q K^T * scale) V for each row and head (arXiv 1706.03762, section 3.2). qkv: (tokens, 3
/// * hidden) as [Q|K|V], hidden = heads * head_dim, heads side by side in each; offsets: (rows +
/// 1); y: (tokens, hidden).
void self_attention(const float* qkv, const std::int64_t* offsets, int rows, int heads,
                    int head_dim, float scale, float* y, std::byte* scratch, int threads);
/// The first token of each row of self_attention(), with its bits, for the cost of one query a row.
/// q: (rows, hidden), of the first tokens; kv: (tokens, 2 * hidden) as [K|V]; y: (rows, hidden). A
/// row without tokens keeps its y. The same scratch.
void first_token_attention(const float* q, const float* kv, const std::int64_t* offsets, int rows,
                           int heads, int head_dim, float scale, float* y, std::byte* scratch,
                           int threads);

}  // namespace sidenet::kernels::cpu
