#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "secret_digest.h"

namespace sidenet {

/// Weights in the order that kernels read them, kept from one process to the next. Kernels ask it
/// while a Use of it lives on their thread, any number of them at once.
class WeightStore {
 public:
  virtual ~WeightStore() = default;
  /// Whether so many are worth it.
  virtual bool keeps(std::size_t floats) const = 0;
  /// To make names with: one for each piece, of all that it is made of.
  virtual SecretDigest digest() const = 0;
  /// What was kept under `name`; null: nothing. Never written to.
  virtual std::shared_ptr<float> find(const std::string& name, std::size_t floats) = 0;
  /// What has this name now; filled before the Use ends.
  virtual void keep(const std::string& name, std::shared_ptr<float> data, std::size_t floats) = 0;

  /// Of this thread, or null.
  static WeightStore* current();
  class Use {
   public:
    explicit Use(WeightStore* store);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    WeightStore* before_;
  };
};

}  // namespace sidenet
