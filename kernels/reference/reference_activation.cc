#include <cmath>

#include "reference_kernels.h"

namespace sidenet::kernels::reference {
namespace {

// x Phi(x), Phi(x) = erfc(-x / sqrt(2)) / 2
double gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
double gelu_tanh(double x) {
  const double pi = std::acos(-1.0);
  return x * 0.5 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: return x < 0 ? 0 : x;
    case Activation::gelu: return gelu(x);
    case Activation::gelu_tanh: return gelu_tanh(x);
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

}  // namespace

void activate(Activation activation, const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<float>(activated(activation, x[i]));
}

}  // namespace sidenet::kernels::reference
