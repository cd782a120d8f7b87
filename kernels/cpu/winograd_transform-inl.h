// The transforms of activations in Winograd's convolution, for kernels that are compiled once for
// each instruction set.
#if defined(SIDENET_KERNELS_CPU_WINOGRAD_TRANSFORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SIDENET_KERNELS_CPU_WINOGRAD_TRANSFORM_INL_H
#undef SIDENET_KERNELS_CPU_WINOGRAD_TRANSFORM_INL_H
#else
#define SIDENET_KERNELS_CPU_WINOGRAD_TRANSFORM_INL_H
#endif

#include <hwy/highway.h>

#include <utility>

#include "gemm_tile-inl.h"
#include "winograd_panel.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// The transforms in one dimension. input<kGroup>(d, x, y): the frequencies of one group (a point,
// or a point and its negative, which share most of their sums) of the values x(0) … x(kSide - 1).
// output(d, x, y): kTile outputs of the frequencies x(0) … x(kSide - 1). weight(d, x, y): the
// frequencies of three taps.

// Points 0, ±1, infinity.
struct WinogradTile2 {
  static constexpr int kTile = 2, kSide = 4, kGroups = 3, kPasses = 1;
  static constexpr int kFirst[] = {0, 1, 3, 4};  // frequency of each group

  template <int kGroup, class D, class X>
  static HWY_INLINE void input(D, const X& x, hn::Vec<D>* y) {
    if constexpr (kGroup == 0) {
      y[0] = hn::Sub(x(2), x(0));
    } else if constexpr (kGroup == 1) {
      y[0] = hn::Add(x(2), x(1));
      y[1] = hn::Sub(x(2), x(1));
    } else {
      y[0] = hn::Sub(x(3), x(1));
    }
  }

  template <class D, class X>
  static HWY_INLINE void output(D, const X& x, hn::Vec<D>* y) {
    const auto x1 = x(1), x2 = x(2);
    y[0] = hn::Add(x(0), hn::Add(x1, x2));
    y[1] = hn::Add(x(3), hn::Sub(x1, x2));
  }

  template <class D, class X>
  static HWY_INLINE void weight(D d, const X& x, hn::Vec<D>* y) {
    const auto half = hn::Set(d, 0.5f), even = hn::Mul(hn::Add(x(0), x(2)), half),
               odd = hn::Mul(x(1), half);
    y[0] = hn::Neg(x(0));
    y[1] = hn::Add(even, odd);
    y[2] = hn::Sub(even, odd);
    y[3] = x(2);
  }
};

// Points 0, ±a, ±b, infinity, where a b = 1.
struct WinogradTile4 {
  static constexpr int kTile = 4, kSide = 6, kGroups = 4, kPasses = 2;
  static constexpr int kFirst[] = {0, 1, 3, 5, 6};
  static constexpr double kA = kWinogradInner, kB = kWinogradOuter;

  // (x - p) (x + p) (x^2 - q^2) without one of its zeros ±p. Additions run beside the
  // multiplications.
  template <class D, class X>
  static HWY_INLINE void input_pair(D d, const X& x, double p, double q, hn::Vec<D>* y) {
    const auto even = hn::MulAdd(x(2), hn::Set(d, static_cast<float>(-q * q)), x(4));
    const auto odd = hn::MulAdd(x(1), hn::Set(d, static_cast<float>(-p * q * q)),
                                hn::Mul(x(3), hn::Set(d, static_cast<float>(p))));
    y[0] = hn::Add(even, odd);
    y[1] = hn::Sub(even, odd);
  }

  template <int kGroup, class D, class X>
  static HWY_INLINE void input(D d, const X& x, hn::Vec<D>* y) {
    if constexpr (kGroup == 1) {
      input_pair(d, x, kA, kB, y);
    } else if constexpr (kGroup == 2) {
      input_pair(d, x, kB, kA, y);
    } else {
      constexpr int kBegin = kGroup == 0 ? 0 : 1;
      constexpr float kSum = kA * kA + kB * kB;
      y[0] = hn::MulAdd(x(kBegin + 2), hn::Set(d, -kSum), hn::Add(x(kBegin), x(kBegin + 4)));
    }
  }

  template <class D, class X>
  static HWY_INLINE void output(D d, const X& x, hn::Vec<D>* y) {
    const auto x1 = x(1), x2 = x(2), x3 = x(3), x4 = x(4);
    const auto even_a = hn::Add(x1, x2), odd_a = hn::Sub(x1, x2), even_b = hn::Add(x3, x4),
               odd_b = hn::Sub(x3, x4);
    y[0] = hn::Add(x(0), hn::Add(even_a, even_b));
    y[1] = hn::MulAdd(odd_b, hn::Set(d, kB), hn::Mul(odd_a, hn::Set(d, kA)));
    y[2] = hn::MulAdd(even_b, hn::Set(d, kB * kB), hn::Mul(even_a, hn::Set(d, kA * kA)));
    y[3] = hn::MulAdd(odd_b, hn::Set(d, kB * kB * kB),
                      hn::MulAdd(odd_a, hn::Set(d, kA * kA * kA), x(5)));
  }

  // (1, ±p, p^2) / (2 p^2 (p^2 - q^2)).
  template <class D, class X>
  static HWY_INLINE void weight_pair(D d, const X& x, double p, double q, hn::Vec<D>* y) {
    const double divisor = 2 * p * p * (p * p - q * q);
    const auto zeroth = hn::Mul(x(0), hn::Set(d, static_cast<float>(1 / divisor)));
    const auto even = hn::MulAdd(x(2), hn::Set(d, static_cast<float>(p * p / divisor)), zeroth);
    const auto odd = hn::Mul(x(1), hn::Set(d, static_cast<float>(p / divisor)));
    y[0] = hn::Add(even, odd);
    y[1] = hn::Sub(even, odd);
  }

  template <class D, class X>
  static HWY_INLINE void weight(D d, const X& x, hn::Vec<D>* y) {
    y[0] = x(0);
    weight_pair(d, x, kA, kB, y + 1);
    weight_pair(d, x, kB, kA, y + 3);
    y[5] = x(2);
  }
};

// The groups of frequencies kBegin … kBegin + sizeof...(kOffset) - 1 of x, side by side in y.
template <class Tile, int kBegin, int... kOffset, class D, class X>
HWY_INLINE void input_groups(D d, const X& x, hn::Vec<D>* y,
                             std::integer_sequence<int, kOffset...>) {
  (Tile::template input<kBegin + kOffset>(
       d, x, y + (Tile::kFirst[kBegin + kOffset] - Tile::kFirst[kBegin])),
   ...);
}

// B^T x B of a tile. inside(x): whether the column x lies inside the image, or else is zero;
// load(y, x): a vector of channels of the pixel (y, x); store(frequency, vector).
template <class Tile, class D, class Inside, class Load, class Store>
HWY_INLINE void transform_input(D d, const Inside& inside, const Load& load, const Store& store) {
  // In passes over groups of rows: the columns' sums of all rows would not fit the registers.
  constexpr int kSide = Tile::kSide, kGroups = Tile::kGroups, kEach = kGroups / Tile::kPasses,
                kRows = kSide / Tile::kPasses;
  for_each_index<Tile::kPasses>([&](auto pass) HWY_ATTR {
    hn::Vec<D> column[kSide][kRows];
    for_each_index<kSide>([&](auto x) HWY_ATTR {
      if (inside(x)) {
        input_groups<Tile, pass * kEach>(
            d, [&](int y) HWY_ATTR { return load(y, x); }, column[x],
            std::make_integer_sequence<int, kEach>());
      } else {
        for_each_index<kRows>([&](auto row) HWY_ATTR { column[x][row] = hn::Zero(d); });
      }
    });
    for_each_index<kRows>([&](auto row) HWY_ATTR {
      hn::Vec<D> out[kSide];
      input_groups<Tile, 0>(
          d, [&](int x) HWY_ATTR { return column[x][row]; }, out,
          std::make_integer_sequence<int, kGroups>());
      for_each_index<kSide>([&](auto x)
                                HWY_ATTR { store((pass * kRows + row) * kSide + x, out[x]); });
    });
  });
}

// G g G^T. load(tap): a vector of outputs; store(frequency, vector).
template <class Tile, class D, class Load, class Store>
HWY_INLINE void transform_weight(D d, const Load& load, const Store& store) {
  constexpr int kSide = Tile::kSide;
  hn::Vec<D> column[3][kSide];
  for_each_index<3>([&](auto x) HWY_ATTR {
    Tile::weight(
        d, [&](int y) HWY_ATTR { return load(y * 3 + x); }, column[x]);
  });
  for_each_index<kSide>([&](auto y) HWY_ATTR {
    hn::Vec<D> row[kSide];
    Tile::weight(
        d, [&](int x) HWY_ATTR { return column[x][y]; }, row);
    for_each_index<kSide>([&](auto x) HWY_ATTR { store(y * kSide + x, row[x]); });
  });
}

// A^T x A of a tile. load(frequency): a vector of channels; store(y, x, vector).
template <class Tile, class D, class Load, class Store>
HWY_INLINE void transform_output(D d, const Load& load, const Store& store) {
  constexpr int kSide = Tile::kSide, kTile = Tile::kTile;
  hn::Vec<D> column[kSide][kTile];
  for_each_index<kSide>([&](auto x) HWY_ATTR {
    Tile::output(
        d, [&](int y) HWY_ATTR { return load(y * kSide + x); }, column[x]);
  });
  for_each_index<kTile>([&](auto y) HWY_ATTR {
    hn::Vec<D> row[kTile];
    Tile::output(
        d, [&](int x) HWY_ATTR { return column[x][y]; }, row);
    for_each_index<kTile>([&](auto x) HWY_ATTR { store(y, x, row[x]); });
  });
}

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
