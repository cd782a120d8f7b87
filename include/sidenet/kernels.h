#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include "sidenet/enum_names.h"

namespace sidenet {

/// Which kernels run a network's layers. A row's answer is the same to the bit beside any rows and
/// on any number of threads with each of them; from one to another it differs by rounding. What a
/// choice has no kernel for is run by one of our own (`reference` has all).
enum class Kernels {
  automatic,  ///< what was measured to be fastest for each layer's shape and this processor
  own,        ///< our own wherever there is one: no library
  onednn,     ///< oneDNN's convolution and matrix product; not in every build
  eigen,      ///< Eigen's matrix product, of convolutions too (im2col)
  reference   ///< plain loops, the text-book form of each layer: slow, on one thread
};

template <>
inline constexpr EnumName<Kernels> kEnumNames<Kernels>[] = {{Kernels::automatic, "auto"},
                                                            {Kernels::own, "own"},
                                                            {Kernels::onednn, "onednn"},
                                                            {Kernels::eigen, "eigen"},
                                                            {Kernels::reference, "reference"}};

}  // namespace sidenet
