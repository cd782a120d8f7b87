#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

namespace sidenet::kernels {

// The one list of activations: names, kernels and tests follow from it.
// relu: max(x, 0). gelu: x Phi(x); gelu_tanh: its approximation by tanh (arXiv 1606.08415,
// section 2).
#define SIDENET_ACTIVATIONS(ACTIVATION) \
  ACTIVATION(none)                      \
  ACTIVATION(relu)                      \
  ACTIVATION(gelu)                      \
  ACTIVATION(gelu_tanh)                 \
  ACTIVATION(tanh)

enum class Activation {
#define SIDENET_ACTIVATION(name) name,
  SIDENET_ACTIVATIONS(SIDENET_ACTIVATION)
#undef SIDENET_ACTIVATION
};

/// All of them, `none` first.
inline constexpr auto kActivations = std::to_array<Activation>({
#define SIDENET_ACTIVATION(name) Activation::name,
    SIDENET_ACTIVATIONS(SIDENET_ACTIVATION)
#undef SIDENET_ACTIVATION
});

/// "relu", "gelu_tanh", …
constexpr const char* activation_name(Activation activation) {
  constexpr const char* kNames[] = {
#define SIDENET_ACTIVATION(name) #name,
      SIDENET_ACTIVATIONS(SIDENET_ACTIVATION)
#undef SIDENET_ACTIVATION
  };
  return kNames[static_cast<int>(activation)];
}

/// None where it is no activation's name.
constexpr std::optional<Activation> activation_named(std::string_view name) {
  for (const Activation activation : kActivations)
    if (name == activation_name(activation)) return activation;
  return std::nullopt;
}

/// What body(std::integral_constant<Activation, activation>()) returns: the way from a value to a
/// template's argument.
template <class Body>
constexpr auto with_activation(Activation activation, const Body& body) {
  switch (activation) {
#define SIDENET_ACTIVATION(name) \
  case Activation::name: return body(std::integral_constant<Activation, Activation::name>());
    SIDENET_ACTIVATIONS(SIDENET_ACTIVATION)
#undef SIDENET_ACTIVATION
  }
  return body(std::integral_constant<Activation, Activation::none>());
}

}  // namespace sidenet::kernels
