#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include "sidenet/enum_names.h"

namespace sidenet {

/// How a row of tokens becomes one vector.
enum class TokenPooling {
  cls,      ///< its first token's, [CLS]
  mean,     ///< the mean of its tokens (sentence-transformers, arXiv 1908.10084)
  cls_mean  ///< both, one behind the other
};
template <>
inline constexpr EnumName<TokenPooling> kEnumNames<TokenPooling>[] = {
    {TokenPooling::cls, "cls"}, {TokenPooling::mean, "mean"}, {TokenPooling::cls_mean, "cls+mean"}};

}  // namespace sidenet
