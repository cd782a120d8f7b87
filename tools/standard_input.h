#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <streambuf>

namespace sidenet::tools {

/// Standard input, for which something else need not wait.
class StandardInput : public std::streambuf {
 public:
  using Patience = std::function<std::optional<std::chrono::milliseconds>()>;
  /// Where all that has come is read, and for as long as `patience` says neither more nor the end comes, `meanwhile` is
  /// called, once.
  StandardInput(Patience patience, std::function<void()> meanwhile)
      : patience_(std::move(patience)), meanwhile_(std::move(meanwhile)) {}

 protected:
  int_type underflow() override;

 private:
  Patience patience_;
  std::function<void()> meanwhile_;
  std::array<char, 16384> buffer_;
};

}  // namespace sidenet::tools
