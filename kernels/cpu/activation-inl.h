// Activations on one vector, for kernels that are compiled once for each instruction set.
#if defined(SIDENET_KERNELS_CPU_ACTIVATION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_ACTIVATION_INL_H
#undef SIDENET_KERNELS_CPU_ACTIVATION_INL_H
#else
#define SIDENET_KERNELS_CPU_ACTIVATION_INL_H
#endif

#include <hwy/highway.h>

#include <iterator>

#include "activation.h"
#include "exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// gelu(x) = max(x, 0) - g(|x|), where g(a) = a (1 - Phi(a)) falls to 0 within a few units; so an
// absolute error of g is one of gelu, whatever x. g(a) = a p(2 a / c - 1) up to c, and p(1) beyond.
// p is the polynomial of degree 15 with the smallest largest error of g (Lawson's reweighted least
// squares on Chebyshev points, in double; 1.2e-7), in the variable whose powers stay below 1, so
// that rounding adds no more than that again.
struct GeluErf {
  static constexpr float kEnd = 5.5f;
  static constexpr float kCoefficients[] = {
      -0.00558056729f, 0.00532759959f, 0.0301311407f,  -0.0435079522f, -0.0490752049f, 0.133205444f,
      -0.0349251516f,  -0.163058862f,  0.218434826f,   -0.0513972193f, -0.177165404f,  0.271889746f,
      -0.206808046f,   0.0945579335f,  -0.0250080619f, 0.00297977426f};
};
// The same for g(a) = a (1 - tanh(sqrt(2 / pi) (a + 0.044715 a^3))) / 2; 1.0e-7.
struct GeluTanh {
  static constexpr float kEnd = 5.125f;
  static constexpr float kCoefficients[] = {
      -0.00245265663f, 0.00142196123f, 0.0145039409f,  -0.0186127834f,
      -0.0205599014f,  0.0623229183f,  -0.0397165604f, -0.0584694184f,
      0.151821494f,    -0.108972788f,  -0.0789439008f, 0.239097089f,
      -0.236252472f,   0.12819232f,    -0.0383966714f, 0.00501743658f};
};

template <class Form, class D, class V>
HWY_INLINE V gelu_lanes(D d, V x) {
  const V a = hn::Min(hn::Abs(x), hn::Set(d, Form::kEnd));
  const V u = hn::MulAdd(a, hn::Set(d, 2 / Form::kEnd), hn::Set(d, -1.0f));
  V p = hn::Set(d, Form::kCoefficients[0]);
  for (std::size_t i = 1; i < std::size(Form::kCoefficients); ++i)
    p = hn::MulAdd(p, u, hn::Set(d, Form::kCoefficients[i]));
  const V positive = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);  // NaN stays
  return hn::NegMulAdd(a, p, positive);
}

// Below 0.625: x + x^3 q(x^2), q of degree 4 with the smallest largest relative error (as above;
// 5e-9). Above it: (1 - e) / (1 + e) with e = exp(-2 |x|).
template <class D, class V>
HWY_INLINE V tanh_lanes(D d, V x) {
  const V a = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V e = exp_nonpositive(d, hn::Mul(a, hn::Set(d, -2.0f)));
  const V large = hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), x);
  const V t = hn::Mul(x, x);
  V q = hn::MulAdd(hn::Set(d, -0.00570493145f), t, hn::Set(d, 0.0206390396f));
  q = hn::MulAdd(q, t, hn::Set(d, -0.0537397005f));
  q = hn::MulAdd(q, t, hn::Set(d, 0.133314416f));
  q = hn::MulAdd(q, t, hn::Set(d, -0.333332807f));
  const V small = hn::MulAdd(hn::Mul(x, t), q, x);
  return hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.625f)), small, large);
}

// Not Max, which differs between instruction sets for NaN: here NaN stays NaN.
template <class D, class V>
HWY_INLINE V relu_lanes(D d, V x) {
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
}

template <Activation kActivation, class D, class V>
HWY_INLINE V activate(D d, V x) {
  switch (kActivation) {
    case Activation::none: break;
    case Activation::relu: return relu_lanes(d, x);
    case Activation::gelu: return gelu_lanes<GeluErf>(d, x);
    case Activation::gelu_tanh: return gelu_lanes<GeluTanh>(d, x);
    case Activation::tanh: return tanh_lanes(d, x);
  }
  return x;
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
