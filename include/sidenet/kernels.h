#pragma once

#include <string>
#include <vector>

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

/// "auto", "own", "onednn", "eigen" or "reference".
const char* kernels_name(Kernels kernels);
/// Throws Error, with the names, where it is none of them.
Kernels kernels_named(const std::string& name);
/// All names.
std::vector<std::string> kernels_names();

}  // namespace sidenet
